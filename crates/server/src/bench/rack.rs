//! A rack with generated keys, and sample texts to check.

use std::io;
use std::net::IpAddr;

use keyrack_key::{
    AccessRequest, Brands, Class, Exposure, Grant, KeyId, KeyState, Permission, Presented, RateUse,
    Restrictions, Scope, Secret, SecretState, Timestamp, WorkspaceId,
};
use keyrack_rack::{Frame, Freshness, Gap, KeyRecord, Rack, Revision, Snapshot};
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng, TryRng};

const NOW: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);
/// The number of samples of each kind. Their entries in the rack do not fit into the processor's caches.
const SAMPLES: usize = 100_000;
/// The number of keys that are added to the rack at once.
const FRAME: usize = 10_000;
const LENGTH: usize = 44;
/// As long as a secret, but without its form.
const FORMLESS: [u8; LENGTH] = *b"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWI";

/// Sample texts in one allocation, so that reading them costs the same for any number of keys.
#[derive(Debug)]
pub(super) struct Texts(Vec<[u8; LENGTH]>);

/// Sample texts of each kind.
#[derive(Debug)]
pub(super) struct Samples {
    pub(super) known: Texts,
    pub(super) unknown: Texts,
    /// Known secrets with another last character: their form is valid, and their check characters are wrong.
    pub(super) mistyped: Texts,
    pub(super) formless: Texts,
}

/// A rack, the seed of its keys, and samples.
pub(super) struct BenchRack {
    rack: Rack,
    brands: Brands,
    /// The seed from which the secret of each key is generated again.
    seed: u64,
    workspace: WorkspaceId,
    /// The restrictions of every key.
    restrictions: Restrictions,
    keys: usize,
    samples: Samples,
    /// The memory per key that the last call of `grow` took, in bytes. `None` if the platform does not report it.
    bytes_per_key: Option<f64>,
}

impl Texts {
    /// Repeats the texts without end.
    pub(super) fn endless(&self) -> impl Iterator<Item = &[u8]> {
        self.0.iter().map(|text| &text[..]).cycle()
    }

    /// A slice of `length` texts. Consecutive `number`s return different slices.
    pub(super) fn part(&self, number: usize, length: usize) -> &[[u8; LENGTH]] {
        &self.0[number % (SAMPLES / length) * length..][..length]
    }

    fn placeholders() -> Self {
        Self(vec![FORMLESS; SAMPLES])
    }

    fn set(&mut self, at: usize, text: &str) {
        self.0[at].copy_from_slice(text.as_bytes());
    }
}

impl BenchRack {
    pub(super) fn empty() -> io::Result<Self> {
        Self::with_restrictions(Restrictions::NONE)
    }

    /// An empty rack for keys with `restrictions`.
    pub(super) fn with_restrictions(restrictions: Restrictions) -> io::Result<Self> {
        let mut bytes = [0; 8];
        getrandom::SysRng.try_fill_bytes(&mut bytes).map_err(io::Error::other)?;
        let seed = u64::from_le_bytes(bytes);
        let rack = Rack::new();
        rack.load(Snapshot::default());
        rack.set_freshness(Freshness::Fresh);
        let [known, unknown, mistyped, formless] = std::array::from_fn(|_| Texts::placeholders());
        Ok(Self {
            rack,
            brands: Brands::default(),
            seed,
            workspace: WorkspaceId::new(NOW, &mut rng(seed, u64::MAX)),
            restrictions,
            keys: 0,
            samples: Samples { known, unknown, mistyped, formless },
            bytes_per_key: None,
        })
    }

    pub(super) const fn keys(&self) -> usize {
        self.keys
    }

    pub(super) const fn samples(&self) -> &Samples {
        &self.samples
    }

    /// Adds keys up to a total of `keys`, and draws new samples.
    pub(super) fn grow(&mut self, keys: usize) -> Result<(), Gap> {
        let (before, held) = (self.keys, resident());
        while self.keys < keys {
            let more = FRAME.min(keys - self.keys);
            self.apply((self.keys..self.keys + more).map(|number| self.record(number, None)).collect())?;
            self.keys += more;
        }
        let taken = held.zip(resident()).map(|(held, now)| now.saturating_sub(held));
        self.bytes_per_key = taken.map(|taken| ratio(taken, self.keys - before));
        let mut draw = rng(self.seed, u64::MAX - 1);
        for at in 0..SAMPLES {
            let number = draw.next_u64() % self.keys as u64;
            let known = self.secret(&mut rng(self.seed, number));
            let (rest, last) = known.expose().split_at(LENGTH - 1);
            self.samples.known.set(at, known.expose());
            self.samples.mistyped.set(at, &format!("{rest}{}", if last == "0" { "1" } else { "0" }));
            let unknown = self.secret(&mut draw);
            self.samples.unknown.set(at, unknown.expose());
        }
        Ok(())
    }

    /// Deletes a key, or restores it.
    pub(super) fn change(&self, number: usize, is_deleted: bool) -> Result<(), Gap> {
        self.apply(vec![self.record(number, is_deleted.then_some(NOW))])
    }

    /// The secret of a key, from its number.
    pub(super) fn text(&self, number: usize) -> Secret {
        self.secret(&mut rng(self.seed, number as u64))
    }

    /// Whether the rack allows a request with this text.
    pub(super) fn check(&self, text: &[u8]) -> bool {
        self.check_from(text, None, None)
    }

    /// Whether the rack allows a request with this text from `address` and `origin`.
    pub(super) fn check_from(&self, text: &[u8], address: Option<IpAddr>, origin: Option<&str>) -> bool {
        let permission = Some(Permission::ModelsPredict);
        let (exposure, spend) = (Exposure::None, RateUse::Take);
        let question = AccessRequest { now: NOW, permission, address, origin, exposure, spend };
        Presented::parse(text, &self.brands)
            .is_ok_and(|presented| self.rack.check(&presented, &question).is_ok())
    }

    /// The memory per key that the last call of `grow` took, in bytes. `None` if the platform does not report it.
    pub(super) const fn bytes_per_key(&self) -> Option<f64> {
        self.bytes_per_key
    }

    fn apply(&self, mut changes: Vec<KeyRecord>) -> Result<(), Gap> {
        let from = self.rack.position();
        let mut to = from;
        for record in &mut changes {
            to.revision = Revision(to.revision.0 + 1);
            record.revision = to.revision;
        }
        self.rack.apply(Frame { from, to, changes })
    }

    fn record(&self, number: usize, deleted_at: Option<Timestamp>) -> KeyRecord {
        let mut rng = rng(self.seed, number as u64);
        let secret = self.secret(&mut rng);
        let scopes = [Scope::Project].into_iter().collect();
        let grant = Grant::new(Class::Secret, scopes);
        KeyRecord {
            key: KeyId::new(NOW, &mut rng),
            revision: Revision::default(),
            workspace: self.workspace,
            name: "line-3-camera".into(),
            class: Class::Secret,
            scopes,
            terms: KeyState {
                permissions: grant.map(|grant| grant.permissions()).unwrap_or_default(),
                restrictions: Some(self.restrictions.clone()),
                expires_at: None,
                pause: None,
                deleted_at,
            },
            secrets: vec![(secret.digest(), SecretState::Current)],
        }
    }

    fn secret(&self, rng: &mut ChaCha8Rng) -> Secret {
        Secret::generate(self.brands.current(), Class::Secret, rng)
    }
}

fn rng(seed: u64, stream: u64) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(stream);
    rng
}

#[expect(clippy::cast_precision_loss, reason = "far fewer bytes than 2^52")]
fn ratio(bytes: usize, keys: usize) -> f64 {
    bytes as f64 / keys as f64
}

/// The resident memory of this process in bytes. `None` without `/proc`.
fn resident() -> Option<usize> {
    let pages = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: usize = pages.split(' ').nth(1)?.parse().ok()?;
    Some(pages * rustix::param::page_size())
}
