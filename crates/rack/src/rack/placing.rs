//! How keys get to their places, many at a time.

use std::mem;
use std::sync::Arc;

use keyrack_key::{Digest, KeyId, Restrictions};

use super::{Index, Rack, shard_of};
use crate::line::Entry;
use crate::meters::Metering;
use crate::shard::{Place, SHARDS};
use crate::{Narrowed, Record};

/// How many keys of a snapshot are placed together: so few that those who check in a shard hardly wait.
pub(super) const TOGETHER: usize = 1_000;

/// Keys on their way to their places, so that each shard is locked once for all that go there.
pub(super) struct Placing {
    /// For each shard, secrets and their hashes.
    shards: Box<[Vec<(u64, Entry)>]>,
    placed: Vec<(KeyId, Place)>,
    /// Where earlier states of them are, if no secret of theirs goes there.
    gone: Vec<Place>,
    keys: usize,
}

impl Default for Placing {
    fn default() -> Self {
        let shards = (0..SHARDS).map(|_| Vec::new()).collect();
        Self { shards, placed: Vec::new(), gone: Vec::new(), keys: 0 }
    }
}

impl Rack {
    /// Gets ready to put a key where `earlier`, places of an earlier state of it, may be.
    pub(super) fn prepare(
        &self,
        placing: &mut Placing,
        metering: &mut Metering,
        record: &Record,
        earlier: &[Place],
    ) {
        let narrowed = self.narrowed(metering, record, earlier);
        for (digest, secret) in &record.secrets {
            let hash = self.hash(digest);
            let entry = Entry::of(record, *digest, *secret, narrowed.as_ref());
            placing.shards[usize::from(shard_of(hash))].push((hash, entry));
        }
        placing.keys += usize::from(!record.secrets.is_empty());
        let stays = |place: &Place| record.secrets.iter().any(|(digest, _)| self.holds(*place, digest));
        placing.gone.extend(earlier.iter().filter(|place| !stays(place)));
    }

    /// Puts the secrets of keys in their places, and then takes away what nothing follows.
    pub(super) fn place(&self, index: &mut Index, placing: &mut Placing) {
        for (number, entries) in
            (0..SHARDS).zip(&mut placing.shards).filter(|(_, entries)| !entries.is_empty())
        {
            let lock = &self.shards[usize::from(number)];
            let grown = lock.read().grown(entries.len(), |digest| self.hash(digest));
            let mut shard = lock.write();
            if let Some(table) = grown {
                shard.replace(table);
            }
            placing.placed.extend(entries.drain(..).map(|(hash, entry)| {
                let key = entry.card.key;
                (key, Place::new(number, shard.put(hash, entry)))
            }));
        }
        // Not before: the index asks the shards.
        placing.placed.drain(..).for_each(|(key, place)| self.enter(&mut index.places, key, place));
        placing.gone.drain(..).for_each(|place| self.remove(place));
        index.keys += mem::take(&mut placing.keys);
    }

    /// What narrows a key from now on, its pause among it. The meters of its earlier state go on.
    fn narrowed(&self, metering: &mut Metering, record: &Record, earlier: &[Place]) -> Option<Arc<Narrowed>> {
        let before = earlier.iter().find_map(|place| {
            let shard = self.shards[usize::from(place.shard)].read();
            shard.get(place.slot()).and_then(|entry| entry.card.narrowed().cloned())
        });
        let restrictions = record.terms.restrictions.as_ref().unwrap_or(&Restrictions::NONE);
        let before = before.as_deref().map(Narrowed::meters);
        let meters = metering.follow(record.key, record.workspace, before, restrictions);
        if record.terms.deleted_at.is_some() {
            metering.forget(record.key);
        }
        let is_narrowed = record.terms.pause.is_some() || !restrictions.is_none();
        is_narrowed.then(|| Arc::new(Narrowed::new(restrictions.clone(), record.terms.pause, meters)))
    }

    fn holds(&self, place: Place, digest: &Digest) -> bool {
        let shard = self.shards[usize::from(place.shard)].read();
        shard.get(place.slot()).is_some_and(|entry| entry.line.digest == *digest)
    }
}
