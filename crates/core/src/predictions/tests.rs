use keyrack_key::{Period, Timestamp};

use super::super::quotas::tests::{own, used, world};
use super::*;
use crate::shares::tests::claimants;

/// A response with an image of this many bytes.
#[derive(Debug)]
struct Answer(usize);

impl PictureBytes for Answer {
    fn picture_bytes(&self) -> usize {
        self.0
    }
}

fn noon() -> Timestamp {
    Timestamp::from_micros(1_799_884_800_000_000)
}

#[tokio::test]
async fn work_is_spent_although_its_answer_finds_no_memory() {
    let folder = tempfile::tempdir().unwrap();
    let (quotas, caller) = world(folder.path(), own(&[(9, Period::Month)]), noon).await;
    let (answers, claimant) = (MemoryBudget::for_answers_of(1), claimants(1, 1)[0][0]);
    let answer = async |found| {
        let spent = quotas.spend_for(&caller, QuotaResource::Predictions).await.unwrap();
        reserve_response(&answers, claimant, spent, found)
    };
    let unread = answer(Ok(Ok(Answer(usize::MAX)))).await.unwrap();
    assert_eq!(used(&quotas, &caller).await, [1]);
    let denied = answer(Ok(Ok(Answer(1)))).await.unwrap_err();
    assert!(matches!(denied, OpError::ShareUsedUp(_)), "{denied:?}");
    assert_eq!(used(&quotas, &caller).await, [2]);
    // A response without an image needs no memory.
    answer(Ok(Ok(Answer(0)))).await.unwrap();
    assert_eq!(used(&quotas, &caller).await, [3]);
    // A request that was denied before the work started gets its quota back.
    answer(Err(OpError::NotFound("model"))).await.unwrap_err();
    assert_eq!(used(&quotas, &caller).await, [3]);
    // An image that fails to decode has used a core.
    answer(Ok(Err(OpError::Busy))).await.unwrap_err();
    assert_eq!(used(&quotas, &caller).await, [4]);
    drop(unread);
    answer(Ok(Ok(Answer(1)))).await.unwrap();
}
