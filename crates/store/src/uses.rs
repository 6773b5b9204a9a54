//! When each key was last used, written down in batches.

use keyrack_key::KeyId;
use keyrack_rack::LastUse;

use crate::{Store, StoreError};

/// How many are written at once: a deletion does not wait for more.
const BATCH: usize = 500;

impl Store {
    /// Writes down what [`Uses::drain`](keyrack_rack::Uses::drain) gave. Where two nodes tell of the
    /// same key, the newer use stays; a key that is not here is passed over.
    pub async fn note_uses(&self, uses: &[(KeyId, LastUse)]) -> Result<(), StoreError> {
        for batch in uses.chunks(BATCH) {
            self.note_batch(batch).await?;
        }
        Ok(())
    }

    async fn note_batch(&self, uses: &[(KeyId, LastUse)]) -> Result<(), StoreError> {
        let mut db = self.write().await?;
        for (key, used) in uses {
            sqlx::query(
                "INSERT INTO key_uses (key_id, at, address, agent, permission)
                 SELECT k.id, $2, $3, $4, $5 FROM keys k WHERE k.id = $1
                 ON CONFLICT (key_id) DO UPDATE SET at = excluded.at, address = excluded.address,
                     agent = excluded.agent, permission = excluded.permission
                 WHERE excluded.at > key_uses.at",
            )
            .bind(key.to_string())
            .bind(used.at.micros())
            .bind(used.address.map(|address| address.to_string()))
            .bind(used.agent())
            .bind(used.permission.map(keyrack_key::Permission::name))
            .execute(&mut *db)
            .await?;
        }
        Ok(db.commit().await?)
    }
}
