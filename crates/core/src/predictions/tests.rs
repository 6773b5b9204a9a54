use keyrack_key::{Period, Timestamp};

use super::super::quotas::tests::{own, used, world};
use super::*;
use crate::shares::tests::claimants;

/// A response with an image of this many bytes.
#[derive(Debug)]
struct ImageResponse(usize);

impl PictureBytes for ImageResponse {
    fn picture_bytes(&self) -> usize {
        self.0
    }
}

fn noon() -> Timestamp {
    Timestamp::from_micros(1_799_884_800_000_000)
}

#[tokio::test]
async fn prediction_is_spent_even_if_response_lacks_memory() {
    let folder = tempfile::tempdir().unwrap();
    let (quotas, caller) = world(folder.path(), own(&[(9, Period::Month)]), noon).await;
    let (budget, claimant) = (MemoryBudget::for_answers_of(1), claimants(1, 1)[0][0]);
    let respond = async |found| {
        let spent = quotas.spend_for(&caller, QuotaResource::Predictions).await.unwrap();
        reserve_response(&budget, claimant, spent, found)
    };
    let unread = respond(Ok(Ok(ImageResponse(usize::MAX)))).await.unwrap();
    assert_eq!(used(&quotas, &caller).await, [1]);
    let denied = respond(Ok(Ok(ImageResponse(1)))).await.unwrap_err();
    assert!(matches!(denied, OpError::ShareUsedUp(_)), "{denied:?}");
    assert_eq!(used(&quotas, &caller).await, [2]);
    // A response without an image needs no memory.
    respond(Ok(Ok(ImageResponse(0)))).await.unwrap();
    assert_eq!(used(&quotas, &caller).await, [3]);
    // A request that was denied before the work started gets its quota back.
    respond(Err(OpError::NotFound("model"))).await.unwrap_err();
    assert_eq!(used(&quotas, &caller).await, [3]);
    // An image that fails to decode has used a core.
    respond(Ok(Err(OpError::Busy))).await.unwrap_err();
    assert_eq!(used(&quotas, &caller).await, [4]);
    drop(unread);
    respond(Ok(Ok(ImageResponse(1)))).await.unwrap();
}
