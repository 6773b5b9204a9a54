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
    fn connection_is_idle_after_response_is_flushed() {
        let progress = Arc::new(ResponseProgress::default());
        assert!(progress.is_idle());
        let response = progress.begin();
        progress.flushed();
        assert!(!progress.is_idle(), "only a 100 Continue was written");
        drop(response);
        assert!(!progress.is_idle(), "the end of the response is not flushed");
        progress.flushed();
        assert!(progress.is_idle());
    }
}
