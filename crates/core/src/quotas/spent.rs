//! One of a quota, in the hand of whoever does the work.

use std::sync::Arc;

use keyrack_key::Standing;

use super::Book;
use super::block::Standings;

/// One of each quota that counts some work. Dropped, it is spent, also where nobody waits for the answer any more; only work
/// that is refused gives it back.
#[derive(Debug)]
#[must_use]
pub struct Spent {
    book: Option<Arc<Book>>,
    standings: Standings,
}

impl Spent {
    /// Of nothing that is counted.
    pub fn nothing() -> Self {
        Self { book: None, standings: Standings::default() }
    }

    pub(super) const fn from(book: Arc<Book>, standings: Standings) -> Self {
        Self { book: Some(book), standings }
    }

    /// What became of the work. Where it was refused, nothing was used.
    pub fn settle<T, E>(self, answer: Result<T, E>) -> Result<(T, Self), E> {
        match answer {
            Ok(answer) => Ok((answer, self)),
            Err(error) => {
                self.give_back();
                Err(error)
            }
        }
    }

    /// Nothing was done.
    pub fn give_back(self) {
        if let Some(book) = self.book {
            book.block.lock().give_back(&self.standings);
        }
    }

    /// How the key stands since then with each quota.
    pub fn standings(&self) -> impl Iterator<Item = Standing> {
        self.standings.into_iter().flatten()
    }
}
