//! Where an entry is stored.

/// The location of an entry: its shard and its slot within the shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EntryLocation {
    pub(crate) shard: u8,
    slot: [u8; 3],
}

impl EntryLocation {
    pub(crate) fn new(shard: u8, slot: u32) -> Self {
        let [a, b, c, _] = slot.to_le_bytes();
        Self { shard, slot: [a, b, c] }
    }

    pub(crate) const fn slot(self) -> u32 {
        let [a, b, c] = self.slot;
        u32::from_le_bytes([a, b, c, 0])
    }
}
