//! The source of random numbers, which callers pass to everything that draws them.

use std::convert::Infallible;

use keyrack_key::{Id, Kind, Timestamp};
use rand_core::{Rng, TryCryptoRng, TryRng, UnwrapErr};

/// A source of random bytes for ids, secrets, and tokens. A test can pass a function with predictable results.
#[derive(Clone, Copy, Debug)]
pub struct Random(fn(&mut [u8]));

impl Random {
    /// The random numbers of the operating system. Panics when the operating system has none, because a predictable
    /// secret would be worse.
    pub const SYSTEM: Self = Self(|bytes| UnwrapErr(getrandom::SysRng).fill_bytes(bytes));

    /// A source that fills slices with `fill`. Secrets need a cryptographically secure function.
    pub const fn new(fill: fn(&mut [u8])) -> Self {
        Self(fill)
    }

    /// Fills a slice with random bytes.
    pub fn fill(self, bytes: &mut [u8]) {
        (self.0)(bytes);
    }

    /// A new id. Ids sort by `now`, the time of their creation.
    pub fn id<K: Kind>(mut self, now: Timestamp) -> Id<K> {
        Id::new(now, &mut self)
    }
}

impl TryRng for Random {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.fill(&mut bytes);
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.fill(&mut bytes);
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.fill(bytes);
        Ok(())
    }
}

impl TryCryptoRng for Random {}

#[cfg(test)]
mod tests {
    use keyrack_key::{Brands, Class, KeyId, Secret};

    use super::*;

    #[test]
    fn fixed_source_gives_the_same_ids_and_secrets() {
        let (mut random, now) = (Random::new(|bytes| bytes.fill(7)), Timestamp::from_micros(1));
        let id: KeyId = random.id(now);
        assert_eq!(id, KeyId::new(now, &mut random));
        let brands = Brands::default();
        let mut secret = || Secret::generate(brands.current(), Class::Secret, &mut random).digest();
        assert_eq!(secret(), secret());
    }
}
