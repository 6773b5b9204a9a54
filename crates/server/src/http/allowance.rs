//! How much a request may send, and how long that and its answer may take. Each route has one.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::DefaultBodyLimit;
use axum::routing::MethodRouter;
use http::StatusCode;
use tower_http::timeout::{RequestBodyDeadlineLayer, TimeoutLayer};

/// How much a request may send, and how long that and its answer may take.
#[derive(Clone, Copy, Debug)]
pub struct Allowance {
    /// Of the body.
    pub bytes: usize,
    /// A body that has not ended by then is given up. Before [`answer`](Self::answer): the delay is the client's, not ours.
    pub body: Duration,
    /// The longest that answering may take, the body included.
    pub answer: Duration,
}

/// JSON and forms.
pub const SMALL: Allowance =
    Allowance { bytes: 64 * 1024, body: Duration::from_secs(20), answer: Duration::from_secs(30) };

/// One picture of so many bytes, in whatever form it comes: base64 is longer by a third.
pub const fn picture(bytes: usize) -> Allowance {
    Allowance {
        bytes: bytes / 3 * 4 + 64 * 1024,
        body: Duration::from_mins(1),
        answer: Duration::from_secs(75),
    }
}

/// A long list in JSON.
pub const LIST: Allowance = Allowance { bytes: 4 * 1024 * 1024, ..SMALL };

/// The largest picture that an operator can allow, as it is. What the operator did allow is for the route to know.
pub const FILE: Allowance = Allowance {
    bytes: crate::config::MOST_IMAGE_MB as usize * 1_000_000,
    body: Duration::from_mins(1),
    answer: Duration::from_secs(75),
};
/// A picture to be looked at, which counts its own bytes as they arrive. Its queue is shorter than its answer may take.
pub const PREDICTION: Allowance = Allowance { bytes: usize::MAX, ..picture(0) };

/// An archive, or many pictures in one form.
pub const ARCHIVE: Allowance =
    Allowance { bytes: 4_000_000_000, body: Duration::from_hours(1), answer: Duration::from_hours(2) };

impl Allowance {
    /// Puts the limits around the methods of a route.
    pub fn around<S: Clone + Send + Sync + 'static>(
        self,
        methods: MethodRouter<S, Infallible>,
    ) -> MethodRouter<S, Infallible> {
        methods
            .layer::<_, Infallible>(DefaultBodyLimit::max(self.bytes))
            .layer::<_, Infallible>(RequestBodyDeadlineLayer::new(self.body))
            .layer::<_, Infallible>(TimeoutLayer::with_status_code(
                StatusCode::SERVICE_UNAVAILABLE,
                self.answer,
            ))
    }
}
