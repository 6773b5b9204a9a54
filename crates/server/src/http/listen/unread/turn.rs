//! Who answers on a connection of HTTP/1.1: the service, or the HTTP library.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

/// No request is being answered. What is written now, the HTTP library answers on its own.
const IDLE: u8 = 0;
/// The service has a request, or its answer is not yet wholly handed to the HTTP library.
const ANSWERING: u8 = 1;
/// The answer was handed over, and some of it may not be written yet.
const ANSWERED: u8 = 2;

/// How far the answer to the last request has come. One task drives a connection, so that no order between threads is
/// needed.
#[derive(Debug, Default)]
pub struct Turn(AtomicU8);

impl Turn {
    /// Notes that the service was given a request. Its answer lasts until the returned guard is dropped.
    pub fn begin(self: &Arc<Self>) -> AnswerGuard {
        self.0.store(ANSWERING, Ordering::Relaxed);
        AnswerGuard(Arc::clone(self))
    }

    /// Notes that everything that was handed over is written.
    pub fn flushed(&self) {
        if self.0.load(Ordering::Relaxed) == ANSWERED {
            self.0.store(IDLE, Ordering::Relaxed);
        }
    }

    /// Whether no request is being answered.
    pub fn is_idle(&self) -> bool {
        self.0.load(Ordering::Relaxed) == IDLE
    }
}

/// Lives as long as an answer is made or handed over.
#[derive(Debug)]
pub struct AnswerGuard(Arc<Turn>);

impl Drop for AnswerGuard {
    fn drop(&mut self) {
        self.0.0.store(ANSWERED, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_idle_once_an_answer_was_handed_over_and_then_written() {
        let turn = Arc::new(Turn::default());
        assert!(turn.is_idle());
        let answer = turn.begin();
        turn.flushed();
        assert!(!turn.is_idle(), "a 100 Continue was written");
        drop(answer);
        assert!(!turn.is_idle(), "its end is not written yet");
        turn.flushed();
        assert!(turn.is_idle());
    }
}
