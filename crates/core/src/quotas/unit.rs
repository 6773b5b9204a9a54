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
    states: QuotaStates,
}

impl QuotaUnit {
    /// A value for work that no quota counts.
    pub fn none() -> Self {
        Self { book: None, states: QuotaStates::default() }
    }

    pub(super) const fn from(book: Arc<SharedBlock>, states: QuotaStates) -> Self {
        Self { book: Some(book), states }
    }

    /// Keeps the unit if the work succeeded, and returns the unit to the block if it failed.
    pub fn settle<T, E>(self, answer: Result<T, E>) -> Result<(T, Self), E> {
        match answer {
            Ok(answer) => Ok((answer, self)),
            Err(error) => {
                self.return_unit();
                Err(error)
            }
        }
    }

    /// Returns the unit to the block, because the work did not happen.
    pub fn return_unit(self) {
        if let Some(book) = self.book {
            book.block.lock().return_unit(&self.states);
        }
    }

    /// The usage of each quota after this unit.
    pub fn states(&self) -> impl Iterator<Item = QuotaState> {
        self.states.into_iter().flatten()
    }
}
