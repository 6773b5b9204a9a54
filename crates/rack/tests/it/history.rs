//! A history of keys, built from a list of steps, as a store would write it.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::IpAddr;
use std::time::Duration;

use keyrack_key::{
    AccessRequest, Brands, Class, Digest, Exposure, KeyId, KeyState, Pause, Permission, Permissions,
    Presented, Rate, RateUse, Restrictions, Scope, Scopes, Secret, SecretState, Timestamp, WorkspaceId,
};
use keyrack_rack::{ChangeId, Frame, Freshness, KeyRecord, Position, Rack, Revision, Snapshot};
use proptest::prelude::*;
use rand_core::{TryCryptoRng, TryRng};

pub(crate) const NOW: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);

/// Returns the time `seconds` after `NOW`.
pub(crate) fn later(seconds: u64) -> Timestamp {
    NOW.plus(Duration::from_secs(seconds))
}

/// A change to the keys. A step about a key that does not exist, or no longer exists, has no effect.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    Create {
        permissions: u32,
        expires: Option<u64>,
    },
    Edit {
        key: usize,
        permissions: u32,
        expires: Option<u64>,
    },
    Rotate {
        key: usize,
        overlap: u64,
    },
    Delete {
        key: usize,
    },
    /// Removes secrets from the store that retired before.
    Forget {
        key: usize,
    },
    /// Sets or removes the rate limit of a key.
    Limit {
        key: usize,
        rate: Option<Rate>,
    },
    /// Pauses or resumes a key.
    Pause {
        key: usize,
        until: Option<Pause>,
    },
}

impl Step {
    /// Returns the number of the key that the step changes; `None` if the step creates a key.
    const fn key(self) -> Option<usize> {
        match self {
            Self::Create { .. } => None,
            Self::Edit { key, .. }
            | Self::Rotate { key, .. }
            | Self::Delete { key }
            | Self::Forget { key }
            | Self::Limit { key, .. }
            | Self::Pause { key, .. } => Some(key),
        }
    }
}

/// Generates many steps on few keys, so that they interact.
pub(crate) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let key = || 0_usize..8;
    let expires = || proptest::option::of(prop_oneof![Just(0_u64), 1_u64..100]);
    let pauses = || proptest::option::of(expires().prop_map(|end| Pause::until(end.map(later))));
    let permissions = || prop_oneof![8 => 0_u32..32, 1 => Just(1_u32 << 30)];
    let step = prop_oneof![
        3 => (permissions(), expires()).prop_map(|(permissions, expires)| Step::Create { permissions, expires }),
        2 => (key(), permissions(), expires())
            .prop_map(|(key, permissions, expires)| Step::Edit { key, permissions, expires }),
        3 => (key(), prop_oneof![Just(0_u64), 1_u64..100]).prop_map(|(key, overlap)| Step::Rotate { key, overlap }),
        1 => key().prop_map(|key| Step::Delete { key }),
        1 => key().prop_map(|key| Step::Forget { key }),
        2 => (key(), pauses()).prop_map(|(key, until)| Step::Pause { key, until }),
    ];
    proptest::collection::vec(step, 1..60)
}

/// The current state of a history, with every secret that was ever generated.
pub(crate) struct History {
    rng: Counter,
    position: Position,
    keys: Vec<KeyRecord>,
    pub(crate) secrets: Vec<String>,
}

impl History {
    /// Creates an empty history. Histories with different seeds have different ids and secrets.
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            rng: Counter(seed << 40),
            position: Position::default(),
            keys: Vec::new(),
            secrets: Vec::new(),
        }
    }

    pub(crate) fn after(seed: u64, steps: &[Step]) -> Self {
        let mut history = Self::new(seed);
        for step in steps {
            history.take(*step);
        }
        history
    }

    /// Creates a history of `keys` keys with all permissions.
    pub(crate) fn of_keys(seed: u64, keys: usize) -> Self {
        Self::after(seed, &vec![Step::Create { permissions: 31, expires: None }; keys])
    }

    pub(crate) const fn position(&self) -> Position {
        self.position
    }

    pub(crate) fn key(&self, number: usize) -> &KeyRecord {
        &self.keys[number]
    }

    pub(crate) fn take(&mut self, step: Step) {
        let changed = step.key().unwrap_or(self.keys.len());
        if step.key().is_some() && !self.lives(changed) {
            return;
        }
        match step {
            Step::Create { permissions, expires } => {
                let secret = self.secret();
                let mut record = self.record(secret);
                record.terms.permissions = Permissions::from_bits(permissions);
                record.terms.expires_at = expires.map(later);
                self.keys.push(record);
            }
            Step::Edit { key, permissions, expires } => {
                let terms = &mut self.keys[key].terms;
                terms.permissions = Permissions::from_bits(permissions);
                terms.expires_at = expires.map(later);
            }
            Step::Limit { key, rate } => {
                self.keys[key].terms.restrictions = Some(Restrictions { rate, ..Restrictions::default() });
            }
            Step::Rotate { key, overlap } => {
                let fresh = self.secret();
                self.keys[key].secrets.iter_mut().for_each(|(_, state)| {
                    let ends = if *state == SecretState::Current { later(overlap) } else { NOW };
                    *state = SecretState::Retiring(ends);
                });
                self.keys[key].secrets.push((fresh, SecretState::Current));
            }
            Step::Pause { key, until } => self.keys[key].terms.pause = until,
            Step::Delete { key } => self.keys[key].terms.deleted_at = Some(NOW),
            Step::Forget { key } => {
                self.keys[key].secrets.retain(|(_, state)| *state == SecretState::Current);
            }
        }
        self.change(changed);
    }

    fn change(&mut self, key: usize) {
        let revision = Revision(self.position.revision.0 + 1);
        self.keys[key].revision = revision;
        self.position = Position { revision, change: self.rng.change() };
    }

    /// Replaces the restrictions of a key.
    pub(crate) fn restrict(&mut self, key: usize, restrictions: Restrictions) {
        self.keys[key].terms.restrictions = Some(restrictions);
        self.change(key);
    }

    fn lives(&self, key: usize) -> bool {
        self.keys.get(key).is_some_and(|record| record.terms.deleted_at.is_none())
    }

    fn secret(&mut self) -> Digest {
        let secret = Secret::generate(Brands::default().current(), Class::Secret, &mut self.rng);
        self.secrets.push(secret.expose().to_owned());
        secret.digest()
    }

    fn record(&mut self, secret: Digest) -> KeyRecord {
        KeyRecord {
            key: KeyId::new(NOW, &mut self.rng),
            revision: Revision::default(),
            workspace: WorkspaceId::new(NOW, &mut self.rng),
            name: "of a test".into(),
            class: Class::Secret,
            scopes: Scopes::from_iter([Scope::Project]),
            terms: KeyState {
                permissions: Permissions::NONE,
                restrictions: Some(Restrictions::default()),
                expires_at: None,
                pause: None,
                deleted_at: None,
            },
            secrets: vec![(secret, SecretState::Current)],
        }
    }

    /// Returns a snapshot of the current state.
    pub(crate) fn snapshot(&self) -> Snapshot {
        Snapshot { position: self.position, records: self.keys.clone() }
    }

    /// Returns the changes since the position `from`.
    pub(crate) fn since(&self, from: Position) -> Frame {
        let mut changes: Vec<_> =
            self.keys.iter().filter(|record| record.revision > from.revision).cloned().collect();
        changes.sort_by_key(|record| record.revision);
        Frame { from, to: self.position, changes }
    }

    /// Returns the answer of a rack for each secret: the revision of the key, or the denial. Racks with the
    /// same answers count as equal.
    pub(crate) fn answers(&self, rack: &Rack, at: Timestamp) -> BTreeMap<String, Result<Revision, String>> {
        let ask = |secret: &String| (secret.clone(), ask(rack, secret, at).map_err(|why| format!("{why:?}")));
        self.secrets.iter().map(ask).collect()
    }
}

/// Checks a secret for predictions. Returns the revision of its key, or the denial with the
/// revision if the key is known.
pub(crate) fn ask(
    rack: &Rack,
    secret: &str,
    now: Timestamp,
) -> Result<Revision, (keyrack_key::Denial, Option<Revision>)> {
    ask_as(&Brands::default(), rack, secret, now)
}

/// Like [`ask`], with the brands of a deployment.
pub(crate) fn ask_as(
    brands: &Brands,
    rack: &Rack,
    secret: &str,
    now: Timestamp,
) -> Result<Revision, (keyrack_key::Denial, Option<Revision>)> {
    let presented = Presented::parse(secret.as_bytes(), brands).unwrap();
    let question = AccessRequest {
        now,
        permission: Some(Permission::ModelsPredict),
        address: None,
        origin: None,
        exposure: Exposure::None,
        spend: RateUse::Take,
    };
    match rack.check(&presented, &question) {
        Ok(caller) => Ok(caller.key().revision),
        Err(refusal) => Err((refusal.denial, refusal.key.map(|key| key.revision))),
    }
}

/// Checks a secret for predictions from an address.
pub(crate) fn ask_from(rack: &Rack, secret: &str, now: Timestamp, address: Option<IpAddr>) -> bool {
    let presented = Presented::parse(secret.as_bytes(), &Brands::default()).unwrap();
    let permission = Some(Permission::ModelsPredict);
    let (exposure, spend) = (Exposure::None, RateUse::Take);
    rack.check(&presented, &AccessRequest { now, permission, address, origin: None, exposure, spend }).is_ok()
}

/// Returns a rack that holds `snapshot`.
pub(crate) fn loaded(snapshot: Snapshot) -> Rack {
    let rack = Rack::new();
    rack.load(snapshot);
    rack.set_freshness(Freshness::Fresh);
    rack
}

/// Generates numbers that are the same in every run and never repeat within one (SplitMix64).
struct Counter(u64);

impl Counter {
    fn next(&mut self) -> u64 {
        self.0 += 1;
        let mut mixed = self.0.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn change(&mut self) -> ChangeId {
        let mut id = ChangeId::default();
        id.0[..8].copy_from_slice(&self.next().to_le_bytes());
        id
    }
}

impl TryRng for Counter {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(u32::try_from(self.next() >> 32).unwrap_or_default())
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.next())
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.next().to_le_bytes()[..chunk.len()]);
        }
        Ok(())
    }
}

impl TryCryptoRng for Counter {}
