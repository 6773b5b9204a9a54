//! What is said to be in a picture: what is clipped, dropped and refused.

use serde_json::{Value, json};

use super::{Site, boxed, class, painted};
use crate::harness::text;

#[tokio::test]
async fn boxes_are_clipped_to_the_picture_and_those_without_area_are_dropped_and_named() {
    let site = Site::open().await;
    let record = site.picture(&painted::turned()).await;
    let label = &site.labels(&["cap"]).await[0];
    // 16 wide and 32 high, as it is shown.
    let sent = [
        [2.0, 20.0, 4.0, 8.0],
        [20.0, 0.0, 5.0, 5.0],
        [-3.0, 30.0, 10.0, 10.0],
        [3.0, 3.0, 0.0, 9.0],
        [0.0, 0.0, 1e300, 1e300],
    ];
    let sent: Vec<_> = sent.into_iter().map(|edges| boxed(label, edges)).collect();
    let answer = site.annotate(&record, sent.into()).await.ok().json();
    let edges = |place: &Value| ["left", "top", "width", "height"].map(|edge| place[edge].as_f64().unwrap());
    let kept: Vec<_> = answer
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["id"].is_string(), edges(&one["annotation"])))
        .collect();
    assert_eq!(
        kept,
        [
            (true, [2.0, 20.0, 4.0, 8.0]),
            (false, [20.0, 0.0, 5.0, 5.0]),
            (true, [0.0, 30.0, 7.0, 2.0]),
            (false, [3.0, 3.0, 0.0, 9.0]),
            (true, [0.0, 0.0, 16.0, 32.0]),
        ]
    );
    for one in answer.as_array().unwrap() {
        assert_eq!(one["id"].is_null(), one["dropReason"].is_string(), "{one}");
        assert_eq!(&text(&one["labelId"]), label);
    }
    assert_eq!(annotations(&site, &record).await.len(), 3);
}

#[tokio::test]
async fn the_same_again_is_the_same_and_a_new_class_takes_the_old_ones_place() {
    let site = Site::open().await;
    let record = site.picture(&painted::jpeg(32, 32)).await;
    let labels = site.labels(&["cap", "lid", "of no picture"]).await;
    let all = json!([
        boxed(&labels[0], [1.0, 1.0, 5.0, 5.0]),
        class(&labels[0]),
        boxed(&labels[1], [1.0, 1.0, 5.0, 5.0])
    ]);
    let first = site.annotate(&record, all.clone()).await.ok().json();
    assert_eq!(site.annotate(&record, all).await.ok().json(), first);
    assert_eq!(annotations(&site, &record).await.len(), 3);
    site.annotate(&record, json!([class(&labels[1])])).await.ok();
    let classes: Vec<_> = annotations(&site, &record).await;
    let classes: Vec<_> = classes.iter().filter(|one| one["annotation"]["category"] == "category").collect();
    assert_eq!((classes.len(), &classes[0]["label"]), (1, &json!("lid")));
    assert_eq!(site.annotate(&record, json!([])).await.ok().json(), json!([]));
}

#[tokio::test]
async fn what_makes_no_sense_is_named_and_nothing_of_its_request_is_kept() {
    let site = Site::open().await;
    let record = site.picture(&painted::jpeg(32, 32)).await;
    let label = &site.labels(&["cap"]).await[0];
    let elsewhere = Site { project: site.desk.project("Elsewhere").await, desk: site.desk };
    let foreign = &elsewhere.labels(&["cap"]).await[0];
    let site = Site { project: text(&record["projectId"]), desk: elsewhere.desk };
    let fine = boxed(label, [1.0, 1.0, 5.0, 5.0]);
    let place = |field: &str, value: Value| {
        let mut one = fine.clone();
        one["annotation"][field] = value;
        one
    };
    let labelled = |value: Value| json!({ "label_id": value, "annotation": { "category": "category" } });
    for (wrong, field) in [
        (place("width", json!(-1)), "annotations[1].annotation.width"),
        (place("height", json!(-0.5)), "annotations[1].annotation.height"),
        (place("left", Value::Null), "annotations[1].annotation.left"),
        (place("top", json!("1")), "annotations[1].annotation.top"),
        (place("metadata", json!("x".repeat(4_095))), "annotations[1].annotation.metadata"),
        (place("category", json!("polygon")), "annotations[1].annotation.category"),
        (labelled(json!("cap")), "annotations[1].label_id"),
        (labelled(json!("lbl_00000000000070008000000000000000")), "annotations[1].label_id"),
        (labelled(json!(foreign)), "annotations[1].label_id"),
        (labelled(Value::Null), "annotations[1].label_id"),
        (json!({ "label_id": label }), "annotations[1].annotation"),
        (json!({ "label_id": label, "annotation": ["category"] }), "annotations[1].annotation"),
        (json!([label, { "category": "category" }]), "annotations[1]"),
        (Value::Null, "annotations[1]"),
    ] {
        site.annotate(&record, json!([fine, wrong])).await.names_field(field);
    }
    let many: Vec<_> = (0..1_001).map(|_| class(label)).collect();
    site.annotate(&record, many.into()).await.names_field("annotations");
    site.post("annotations", json!({ "dataset_record_id": "x", "annotations": [] }))
        .await
        .names_field("dataset_record_id");
    let nowhere = json!({ "id": "rec_00000000000070008000000000000000" });
    site.annotate(&nowhere, json!([fine])).await.refused(404, "not_found");
    for number in ["NaN", "Infinity", "1e999", "-1e999"] {
        let body =
            json!({ "dataset_record_id": record["id"], "annotations": [place("left", json!(77.125))] });
        let body = body.to_string().replace("77.125", number);
        let request = site.desk.request(reqwest::Method::POST, &site.path("annotations"));
        let answer =
            crate::harness::send(request.header("content-type", "application/json").body(body)).await;
        answer.is_clear_refusal();
    }
    assert!(annotations(&site, &record).await.is_empty());
    let other = Site { project: elsewhere.project, desk: site.desk };
    other.annotate(&record, json!([class(foreign)])).await.refused(404, "not_found");
    other.get(&format!("datasets/records/{}", text(&record["id"]))).await.refused(404, "not_found");
    other.delete(&format!("datasets/records/{}", text(&record["id"]))).await.refused(404, "not_found");
}

#[tokio::test]
async fn a_thousand_boxes_are_kept_in_their_order() {
    let site = Site::open().await;
    let record = site.picture(&painted::png(200, 200)).await;
    let label = &site.labels(&["cap"]).await[0];
    let edges = |n: u32| [f64::from(n % 100), f64::from(n / 100), 1.5, 1.5];
    let all: Vec<_> = (0..1_000).map(|n| boxed(label, edges(n))).collect();
    let answer = site.annotate(&record, all.into()).await.ok().json();
    let places = answer.as_array().unwrap().iter().map(|one| &one["annotation"]);
    assert!(places.zip(0..).all(|(place, n)| place["left"] == edges(n)[0] && place["top"] == edges(n)[1]));
    assert_eq!(annotations(&site, &record).await.len(), 1_000);
    site.annotate(&record, json!([boxed(label, [0.0, 0.0, 9.0, 9.0])])).await.names_field("annotations");
}

async fn annotations(site: &Site, record: &Value) -> Vec<Value> {
    let one = site.get(&format!("datasets/records/{}", text(&record["id"]))).await.ok().json();
    one["annotations"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_label_is_one_however_its_letters_are_composed_and_comes_back_as_it_was_sent() {
    let site = Site::open().await;
    let composed = site.labels(&["caf\u{e9}", "Caf\u{e9}"]).await;
    assert_ne!(composed[0], composed[1], "capitals tell labels apart");
    let body = json!([{ "name": "cafe\u{301}" }]);
    let again = site.post("annotations/labels", body).await.ok().json();
    assert_eq!(
        (text(&again[0]["id"]), text(&again[0]["name"])),
        (composed[0].clone(), "cafe\u{301}".to_owned())
    );
    for name in ["a\u{202E}b", "\u{FE0F}", "a\u{34F}", " \u{200B}", ""] {
        site.post("annotations/labels", json!([{ "name": name }])).await.names_field("name");
    }
    let batch =
        async |name: &str| text(&site.post("batches", json!({ "name": name })).await.ok().json()["id"]);
    assert_eq!(batch("caf\u{e9}").await, batch("cafe\u{301}").await);
    assert_eq!(batch("line 3").await, batch("line\u{A0} 3").await);
    let spaced =
        site.post("annotations/labels", json!([{ "name": "line 3" }, { "name": " line\u{3000}3" }])).await;
    let spaced = spaced.ok().json();
    assert_eq!(spaced[0]["id"], spaced[1]["id"]);
    assert_eq!(spaced[1]["name"], " line\u{3000}3", "it comes back as it was sent");
}
