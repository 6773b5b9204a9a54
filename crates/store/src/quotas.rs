//! The usage of quotas. A server takes a block of a quota and spends the block from memory. The whole block counts as
//! used when it is taken, so no quota is exceeded, however many servers run and whenever they crash.

use keyrack_key::{KeyId, Period, Quota, QuotaResource, Timestamp};

use crate::database::{self, Connection, Row, query};
use crate::{Store, StoreError};

/// The most unspent blocks that are returned in a transaction, so that a deletion doesn't wait long.
const BATCH: usize = 500;

/// The usage of a quota in a period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuotaUsage {
    /// The length of the period: a day or a month.
    pub per: Period,
    /// The start of the period.
    pub begins: Timestamp,
    /// The used amount.
    pub taken: u32,
}

/// The unspent part of a block.
#[derive(Clone, Debug)]
pub struct UnspentBlock {
    /// The key that the block was taken for.
    pub key: KeyId,
    /// The counted resource.
    pub of: QuotaResource,
    /// The unspent amount.
    pub left: u32,
    /// The periods that the block was taken from.
    pub from: Vec<(Period, Timestamp)>,
}

/// A block that was taken from quotas, and the usage of each quota after taking the block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuotaBlock {
    /// The size of the block: the requested size, or less if less was left.
    pub size: u32,
    /// The usage of each quota, in the order of the quotas.
    pub taken: Vec<QuotaUsage>,
}

impl Store {
    /// Takes a block of up to `most` from all `quotas`, which count the same resource of the same key, in the periods
    /// that contain `now`. First returns `rest`, the unspent part of an earlier block.
    pub async fn take_block(
        &self,
        rest: &UnspentBlock,
        quotas: &[Quota],
        most: u32,
        now: Timestamp,
    ) -> Result<QuotaBlock, StoreError> {
        let mut db = self.write().await?;
        give_back(&mut db, rest).await?;
        let (mut size, mut taken) = (most, Vec::with_capacity(quotas.len()));
        for quota in quotas {
            let begins = quota.per.around(now).start;
            let before = taken_of(&mut db, rest.key, quota, begins).await?;
            size = size.min(quota.limit.get().saturating_sub(before));
            taken.push(QuotaUsage { per: quota.per, begins, taken: before });
        }
        if size > 0 {
            for (quota, one) in quotas.iter().zip(&mut taken) {
                take(&mut db, rest.key, quota, one.begins, size).await?;
                one.taken += size;
            }
        }
        db.commit().await?;
        Ok(QuotaBlock { size, taken })
    }

    /// Returns the unspent parts of blocks.
    pub async fn return_blocks(&self, rests: &[UnspentBlock]) -> Result<(), StoreError> {
        for batch in rests.chunks(BATCH) {
            let mut db = self.write().await?;
            for rest in batch {
                give_back(&mut db, rest).await?;
            }
            db.commit().await?;
        }
        Ok(())
    }

    /// Returns the usage of a key's quotas in the periods that started at `since` or later.
    pub async fn quota_usage(
        &self,
        key: KeyId,
        since: Timestamp,
    ) -> Result<Vec<(QuotaResource, QuotaUsage)>, StoreError> {
        let rows = query(
            "SELECT counted, period, begins, taken FROM quota_uses WHERE key_id = $1 AND begins >= $2
             ORDER BY counted, period, begins",
        )
        .bind(key.to_string())
        .bind(since.micros())
        .fetch_all(self.readers())
        .await?;
        rows.iter().map(row).collect()
    }

    /// Deletes the usage of periods that started before `then`. Returns the number of deleted rows.
    pub async fn delete_quota_usage_before(&self, then: Timestamp) -> Result<u64, StoreError> {
        self.change(query("DELETE FROM quota_uses WHERE begins < $1").bind(then.micros())).await
    }
}

fn row(row: &Row) -> Result<(QuotaResource, QuotaUsage), StoreError> {
    let taken = QuotaUsage {
        per: database::parsed(row, "period")?,
        begins: database::time(row, "begins")?,
        taken: count(row)?,
    };
    Ok((database::parsed(row, "counted")?, taken))
}

fn count(row: &Row) -> Result<u32, StoreError> {
    u32::try_from(database::number(row, "taken")?).map_err(|_| StoreError::Corrupt { what: "taken" })
}

async fn taken_of(
    db: &mut Connection,
    key: KeyId,
    quota: &Quota,
    begins: Timestamp,
) -> Result<u32, StoreError> {
    let row = query(
        "SELECT taken FROM quota_uses WHERE key_id = $1 AND counted = $2 AND period = $3 AND begins = $4",
    )
    .bind(key.to_string())
    .bind(quota.of.name())
    .bind(quota.per.name())
    .bind(begins.micros())
    .fetch_optional(db)
    .await?;
    row.as_ref().map_or(Ok(0), count)
}

/// The statement itself prevents exceeding the quota, whatever was read before.
async fn take(
    db: &mut Connection,
    key: KeyId,
    quota: &Quota,
    begins: Timestamp,
    size: u32,
) -> Result<(), StoreError> {
    let changed = query(
        "INSERT INTO quota_uses (key_id, counted, period, begins, taken)
         SELECT k.id, $2, $3, $4, $5 FROM keys k WHERE k.id = $1
         ON CONFLICT (key_id, counted, period, begins) DO UPDATE SET taken = quota_uses.taken + excluded.taken
         WHERE quota_uses.taken + excluded.taken <= $6",
    )
    .bind(key.to_string())
    .bind(quota.of.name())
    .bind(quota.per.name())
    .bind(begins.micros())
    .bind(i64::from(size))
    .bind(i64::from(quota.limit.get()))
    .execute(db)
    .await?
    .rows_affected();
    // Without a commit, nothing is taken.
    if changed == 1 { Ok(()) } else { Err(StoreError::NotFound) }
}

async fn give_back(db: &mut Connection, rest: &UnspentBlock) -> Result<(), StoreError> {
    if rest.left == 0 {
        return Ok(());
    }
    for (per, begins) in &rest.from {
        query(
            "UPDATE quota_uses SET taken = taken - $5
             WHERE key_id = $1 AND counted = $2 AND period = $3 AND begins = $4 AND taken >= $5",
        )
        .bind(rest.key.to_string())
        .bind(rest.of.name())
        .bind(per.name())
        .bind(begins.micros())
        .bind(i64::from(rest.left))
        .execute(&mut *db)
        .await?;
    }
    Ok(())
}
