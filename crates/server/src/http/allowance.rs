//! Limits of a request's size and time. Each route has an [`Allowance`].

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::DefaultBodyLimit;
use axum::routing::MethodRouter;
use http::StatusCode;
use tower::ServiceBuilder;
use tower_http::timeout::{RequestBodyDeadlineLayer, TimeoutLayer};

#[derive(Clone, Copy, Debug)]
pub struct Allowance {
    /// The most bytes of the body.
    pub bytes: usize,
    /// The deadline of the body. It is shorter than [`answer`](Self::answer), so that the error names the client's delay
    /// and not the server's.
    pub body: Duration,
    /// The deadline of the response, including the time for the body.
    pub answer: Duration,
}

/// For JSON and forms.
pub const SMALL: Allowance =
    Allowance { bytes: 64 * 1024, body: Duration::from_secs(20), answer: Duration::from_secs(30) };

/// Returns the limits for an image of this many bytes in every format: base64 is longer by a third.
pub const fn picture(bytes: usize) -> Allowance {
    Allowance {
        bytes: bytes / 3 * 4 + 64 * 1024,
        body: Duration::from_mins(1),
        answer: Duration::from_secs(75),
    }
}

/// For a long list in JSON.
pub const LIST: Allowance = Allowance { bytes: 4 * 1024 * 1024, ..SMALL };

/// For the largest image that an operator can allow, as raw bytes. The route enforces the limit that the operator has set.
pub const FILE: Allowance = Allowance {
    bytes: crate::config::MOST_IMAGE_MB as usize * 1_000_000,
    body: Duration::from_mins(1),
    answer: Duration::from_secs(75),
};
/// For the image of a prediction. The route counts the bytes as they arrive. The time in the queue is shorter than the
/// deadline of the response.
pub const PREDICTION: Allowance = Allowance { bytes: usize::MAX, ..picture(0) };

/// For an archive, or many images in one form.
pub const ARCHIVE: Allowance =
    Allowance { bytes: 4_000_000_000, body: Duration::from_hours(1), answer: Duration::from_hours(2) };

impl Allowance {
    /// Applies the limits to the methods of a route, all in one layer: a method router boxes each layer.
    pub fn around<S: Clone + Send + Sync + 'static>(
        self,
        methods: MethodRouter<S, Infallible>,
    ) -> MethodRouter<S, Infallible> {
        let limits = ServiceBuilder::new()
            .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, self.answer))
            .layer(RequestBodyDeadlineLayer::new(self.body))
            .layer(DefaultBodyLimit::max(self.bytes));
        methods.layer(limits)
    }
}
