//! Whether the service or the HTTP library responds on an HTTP/1.1 connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

/// No request is in progress. What the HTTP library writes now is its own response.
const IDLE: u8 = 0;
/// The service has a request, or the HTTP library has not yet taken all of the response.
const ANSWERING: u8 = 1;
/// The HTTP library has taken the response, and may not have written all of it yet.
const ANSWERED: u8 = 2;

/// The progress of the response to the last request. One task drives a connection, so relaxed ordering is sufficient.
#[derive(Debug, Default)]
pub struct ResponseProgress(AtomicU8);

impl ResponseProgress {
    /// Notes that the service received a request. The response is in progress until the returned guard is dropped.
    pub fn begin(self: &Arc<Self>) -> AnswerGuard {
        self.0.store(ANSWERING, Ordering::Relaxed);
        AnswerGuard(Arc::clone(self))
    }

    /// Notes that the HTTP library has written everything that it had.
    pub fn flushed(&self) {
        if self.0.load(Ordering::Relaxed) == ANSWERED {
            self.0.store(IDLE, Ordering::Relaxed);
        }
    }

    /// Returns whether no request is in progress.
    pub fn is_idle(&self) -> bool {
        self.0.load(Ordering::Relaxed) == IDLE
    }
}

/// Lives until the HTTP library has taken the whole response.
#[derive(Debug)]
pub struct AnswerGuard(Arc<ResponseProgress>);

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
        let turn = Arc::new(ResponseProgress::default());
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
