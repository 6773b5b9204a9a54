//! Advice: from what was measured, with the click that takes it, and nothing where there is nothing to say.

use keyrack_key::Permission;
use serde_json::{Value, json};

use crate::desk::{Desk, Made};
use crate::past::{Day, passed};
use crate::visitor::Visitor;

async fn advice(desk: &Desk, key: &Made) -> Vec<Value> {
    let answer = desk.get(&format!("{}/recommendations", key.path())).await.ok();
    answer.json()["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_key_that_only_predicted_for_weeks_becomes_inference_by_one_click() {
    let mut desk = Desk::open().await;
    let (key, trains) = (desk.key(&["project"]).await, desk.key(&["project"]).await);
    assert!(advice(&desk, &key).await.is_empty(), "nothing was measured yet");
    let training = Day { permission: Permission::ModelsTrain, ..Day::predicted(&trains, 4, 1) };
    let days = [
        Day::predicted(&key, 12, 900),
        Day::predicted(&key, 1, 104),
        Day::predicted(&trains, 12, 9),
        training,
    ];
    passed(&mut desk.server, &days).await;
    let all = advice(&desk, &key).await;
    assert_eq!(all.len(), 1, "{all:?}");
    assert_eq!(
        (&all[0]["code"], &all[0]["change"]),
        (&json!("only_predicts"), &json!({ "scopes": ["inference"] }))
    );
    assert!(all[0]["message"].as_str().unwrap().contains("1,004 calls"), "{all:?}");
    assert!(advice(&desk, &trains).await.is_empty());

    let visitor = Visitor::sign_in(&desk.server).await;
    let list = visitor.page(&visitor.keys("")).await;
    assert_eq!(list.text.matches("Only predicts: Inference is enough").count(), 1, "{list:?}");
    assert!(list.text.contains("1,004 calls in 30 days"), "{list:?}");
    let page = visitor.page(&visitor.keys(&format!("/{}", key.id))).await;
    assert!(page.text.contains("Make it Inference"), "{page:?}");
    let click = visitor.keys(&format!("/{}/advice", key.id));
    // What was not advised is not done.
    for code in ["", "unused", "nonsense"] {
        assert_eq!(visitor.submit(&click, &[("code", code)]).await.status, 303);
        assert_eq!(desk.read(&key).await["revision"], key.body["revision"]);
    }
    let not_advised = visitor.keys(&format!("/{}/advice", trains.id));
    visitor.submit(&not_advised, &[("code", "only_predicts")]).await;
    assert_eq!(desk.read(&trains).await["scopes"], json!(["project"]));
    let taken = visitor.submit(&click, &[("code", "only_predicts")]).await;
    assert_eq!(taken.status, 303, "{taken:?}");
    assert_eq!(desk.read(&key).await["scopes"], json!(["inference"]));
    desk.projects(&key.secret).await.refused(403, "insufficient_scope");
    let after = visitor.page(&visitor.keys(&format!("/{}", key.id))).await;
    assert!(advice(&desk, &key).await.is_empty() && !after.text.contains("id=\"advice\""), "{after:?}");
}

#[tokio::test]
async fn a_public_key_is_told_what_it_lacks_and_an_ordinary_one_nothing() {
    let desk = Desk::open().await;
    let ordinary = desk.key(&["inference"]).await;
    assert!(advice(&desk, &ordinary).await.is_empty());
    let public = desk.make(json!({ "name": "p", "class": "publishable", "scopes": ["inference"] })).await;
    let codes = |all: Vec<Value>| all.iter().map(|one| one["code"].clone()).collect::<Vec<_>>();
    assert_eq!(codes(advice(&desk, &public).await), ["any_origin", "no_limit"]);
    let rate = json!({ "requests": 10, "seconds": 60 });
    desk.patch(
        &public.path(),
        json!({ "restrictions": { "origins": ["https://shop.example"], "rate": rate } }),
    )
    .await
    .ok();
    assert!(advice(&desk, &public).await.is_empty());
    desk.get("/api/v1/keys/key_00000000000070008000000000000000/recommendations")
        .await
        .refused(404, "not_found");
}

#[tokio::test]
async fn what_is_older_than_the_operator_wants_is_forgotten() {
    let mut desk = Desk::with(&["--usage-days", "10"]).await;
    let key = desk.key(&["inference"]).await;
    let days = [Day::predicted(&key, 15, 900), Day::predicted(&key, 9, 5), Day::predicted(&key, 0, 2)];
    passed(&mut desk.server, &days).await;
    crate::harness::until("the old is forgotten", async || {
        let usage = desk.get(&format!("{}/usage?last=90d", key.path())).await.ok().json();
        let all: u64 =
            usage["items"].as_array().unwrap().iter().map(|one| one["checks"].as_u64().unwrap()).sum();
        (all == 7).then_some(())
    })
    .await;
    let visitor = Visitor::sign_in(&desk.server).await;
    let list = visitor.page(&visitor.keys("")).await;
    assert!(list.text.contains("7 calls in 10 days"), "{list:?}");
    assert!(desk.server.ops("/metrics").await.text.contains("keyrack_usage_rows_deleted_total"));
}
