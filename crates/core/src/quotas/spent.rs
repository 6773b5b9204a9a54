//! A spent unit of a quota, held during the work that it counts.

use std::sync::Arc;

use keyrack_key::QuotaState;

use super::SharedBlock;
use super::block::QuotaStates;

/// One unit of each quota that counts some work. The unit stays spent when this value is dropped, even if the client
/// has disconnected. Only denied work returns the unit.
#[derive(Debug)]
#[must_use]
pub struct QuotaUnit {
    book: Option<Arc<SharedBlock>>,
    standings: QuotaStates,
}

impl QuotaUnit {
    /// A value for work that no quota counts.
    pub fn nothing() -> Self {
        Self { book: None, standings: QuotaStates::default() }
    }

    pub(super) const fn from(book: Arc<SharedBlock>, standings: QuotaStates) -> Self {
        Self { book: Some(book), standings }
    }

    /// Keeps the unit if the work succeeded, and returns the unit to the block if it failed.
    pub fn settle<T, E>(self, answer: Result<T, E>) -> Result<(T, Self), E> {
        match answer {
            Ok(answer) => Ok((answer, self)),
            Err(error) => {
                self.give_back();
                Err(error)
            }
        }
    }

    /// Returns the unit to the block, because the work did not happen.
    pub fn give_back(self) {
        if let Some(book) = self.book {
            book.block.lock().give_back(&self.standings);
        }
    }

    /// The usage of each quota after this unit.
    pub fn standings(&self) -> impl Iterator<Item = QuotaState> {
        self.standings.into_iter().flatten()
    }
}
