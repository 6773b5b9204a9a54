//! What keys have taken of their quotas. A server takes a block and spends it from its memory; a block counts as spent when
//! it is taken, so no quota is ever overspent, however many servers there are and whatever becomes of them.

use keyrack_key::{Counted, KeyId, Period, Quota, Timestamp};

use crate::database::{self, Connection, Row, query};
use crate::{Store, StoreError};

/// How many rests are written at once: a deletion does not wait for more.
const BATCH: usize = 500;

/// What was taken in one day or month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// A day or a month.
    pub per: Period,
    /// Its first moment.
    pub begins: Timestamp,
    /// How many.
    pub taken: u32,
}

/// What is left of a block and was not spent.
#[derive(Clone, Debug)]
pub struct Rest {
    /// The key whose quotas it was taken from.
    pub key: KeyId,
    /// What was counted.
    pub of: Counted,
    /// How many.
    pub left: u32,
    /// The day and the month that they were taken from.
    pub from: Vec<(Period, Timestamp)>,
}

/// How many were taken, and how much is taken of each quota since then, whoever took it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// As many as were asked for, or as were left.
    pub size: u32,
    /// In the order of the quotas.
    pub taken: Vec<Taken>,
}

impl Store {
    /// Takes up to `most` from all of `quotas`, which count one thing for one key, in the day and the month around `now`;
    /// after `rest`, what is left of an earlier block, is given back.
    pub async fn take_block(
        &self,
        rest: &Rest,
        quotas: &[Quota],
        most: u32,
        now: Timestamp,
    ) -> Result<Block, StoreError> {
        let mut db = self.write().await?;
        give_back(&mut db, rest).await?;
        let (mut size, mut taken) = (most, Vec::with_capacity(quotas.len()));
        for quota in quotas {
            let begins = quota.per.around(now).begins;
            let before = taken_of(&mut db, rest.key, quota, begins).await?;
            size = size.min(quota.limit.get().saturating_sub(before));
            taken.push(Taken { per: quota.per, begins, taken: before });
        }
        if size > 0 {
            for (quota, one) in quotas.iter().zip(&mut taken) {
                take(&mut db, rest.key, quota, one.begins, size).await?;
                one.taken += size;
            }
        }
        db.commit().await?;
        Ok(Block { size, taken })
    }

    /// Gives back what was not spent of blocks.
    pub async fn give_back(&self, rests: &[Rest]) -> Result<(), StoreError> {
        for batch in rests.chunks(BATCH) {
            let mut db = self.write().await?;
            for rest in batch {
                give_back(&mut db, rest).await?;
            }
            db.commit().await?;
        }
        Ok(())
    }

    /// What a key has taken of each kind, in the days and months that began at `since` or later.
    pub async fn taken(&self, key: KeyId, since: Timestamp) -> Result<Vec<(Counted, Taken)>, StoreError> {
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

    /// Forgets days and months that began before `then`; how many.
    pub async fn forget_quotas(&self, then: Timestamp) -> Result<u64, StoreError> {
        self.change(query("DELETE FROM quota_uses WHERE begins < $1").bind(then.micros())).await
    }
}

fn row(row: &Row) -> Result<(Counted, Taken), StoreError> {
    let taken = Taken {
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

/// The statement itself lets nobody take more than there is, whatever was read before.
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
    // Without a commit nothing was taken.
    if changed == 1 { Ok(()) } else { Err(StoreError::NotFound) }
}

async fn give_back(db: &mut Connection, rest: &Rest) -> Result<(), StoreError> {
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
