use std::cell::Cell;

use keyrack_vision::PictureError;

use super::*;
use crate::Invalid;
use crate::datasets::UploadError;
use crate::shares::{Exhausted, Holder};

#[tokio::test]
async fn busy_server_is_retried_until_limit_or_stop() {
    let stop = watch::Sender::new(false);
    let retry = async |busy: usize| {
        let attempts = Cell::new(0);
        let attempt = async || {
            attempts.set(attempts.get() + 1);
            if attempts.get() <= busy { Err(OpError::Busy) } else { Err(OpError::KeyDeleted) }
        };
        let outcome: Result<(), _> = retry_while_busy(Duration::ZERO, &mut stop.subscribe(), attempt).await;
        (matches!(outcome, Err(OpError::KeyDeleted)), attempts.get())
    };
    assert_eq!(retry(0).await, (true, 1));
    assert_eq!(retry(TRIES - 1).await, (true, TRIES));
    assert_eq!(retry(TRIES).await, (false, TRIES));
    stop.send_replace(true);
    let (is_done, attempts) = retry(TRIES).await;
    assert!(!is_done && attempts < TRIES, "{attempts}");
}

#[test]
fn busy_server_errors_do_not_skip_images() {
    let used_up = |holder| OpError::from(Exhausted { resource: "memory for images", holder });
    let load_errors = [
        OpError::Busy,
        used_up(Holder::Person),
        used_up(Holder::Workspace),
        used_up(Holder::AllClaimants),
        OpError::TooManyAttempts(PAUSE),
        UploadError::TooManyOpen.into(),
    ];
    assert!(load_errors.iter().all(|error| error.cause() == ErrorCause::Load));
    let image_errors = [
        OpError::Image(PictureError::NotAPicture),
        OpError::Image(PictureError::TooManyBytes { bytes: 2, most: 1 }),
        Invalid::field("name", "of a test").into(),
    ];
    assert!(image_errors.iter().all(|error| error.cause() != ErrorCause::Load));
}
