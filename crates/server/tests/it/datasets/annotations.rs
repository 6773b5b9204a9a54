//! Annotations of images: which are clipped, dropped, or rejected.

use serde_json::{Value, json};

use super::{DatasetFixture, bounding_box, classification, test_images};
use crate::harness::text;

#[tokio::test]
async fn boxes_are_clipped_to_image_and_empty_boxes_dropped() {
    let dataset = DatasetFixture::start().await;
    let record = dataset.upload_image(&test_images::rotated_jpeg()).await;
    let label = &dataset.labels(&["cap"]).await[0];
    // The displayed image is 16 wide and 32 high.
    let sent = [
        [2.0, 20.0, 4.0, 8.0],
        [20.0, 0.0, 5.0, 5.0],
        [-3.0, 30.0, 10.0, 10.0],
        [3.0, 3.0, 0.0, 9.0],
        [0.0, 0.0, 1e300, 1e300],
    ];
    let sent: Vec<_> = sent.into_iter().map(|edges| bounding_box(label, edges)).collect();
    let answer = dataset.annotate(&record, sent.into()).await.ok().json();
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
    assert_eq!(annotations(&dataset, &record).await.len(), 3);
}

#[tokio::test]
async fn repeated_annotation_is_idempotent_and_new_class_replaces_old() {
    let dataset = DatasetFixture::start().await;
    let record = dataset.upload_image(&test_images::jpeg(32, 32)).await;
    let labels = dataset.labels(&["cap", "lid", "of no picture"]).await;
    let all = json!([
        bounding_box(&labels[0], [1.0, 1.0, 5.0, 5.0]),
        classification(&labels[0]),
        bounding_box(&labels[1], [1.0, 1.0, 5.0, 5.0])
    ]);
    let first = dataset.annotate(&record, all.clone()).await.ok().json();
    assert_eq!(dataset.annotate(&record, all).await.ok().json(), first);
    assert_eq!(annotations(&dataset, &record).await.len(), 3);
    dataset.annotate(&record, json!([classification(&labels[1])])).await.ok();
    let classes: Vec<_> = annotations(&dataset, &record).await;
    let classes: Vec<_> = classes.iter().filter(|one| one["annotation"]["category"] == "category").collect();
    assert_eq!((classes.len(), &classes[0]["label"]), (1, &json!("lid")));
    assert_eq!(dataset.annotate(&record, json!([])).await.ok().json(), json!([]));
}

#[tokio::test]
async fn invalid_annotation_is_rejected_and_nothing_is_stored() {
    let dataset = DatasetFixture::start().await;
    let record = dataset.upload_image(&test_images::jpeg(32, 32)).await;
    let label = &dataset.labels(&["cap"]).await[0];
    let elsewhere = DatasetFixture { project: dataset.api.project("Elsewhere").await, api: dataset.api };
    let foreign = &elsewhere.labels(&["cap"]).await[0];
    let dataset = DatasetFixture { project: text(&record["projectId"]), api: elsewhere.api };
    let valid = bounding_box(label, [1.0, 1.0, 5.0, 5.0]);
    let place = |field: &str, value: Value| {
        let mut one = valid.clone();
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
        (place("metadata", json!({ "note": dataset.api.manager_key })), "annotations[1].annotation.metadata"),
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
        dataset.annotate(&record, json!([valid, wrong])).await.check_field_error(field);
    }
    let many: Vec<_> = (0..1_001).map(|_| classification(label)).collect();
    dataset.annotate(&record, many.into()).await.check_field_error("annotations");
    dataset
        .post("annotations", json!({ "dataset_record_id": "x", "annotations": [] }))
        .await
        .check_field_error("dataset_record_id");
    let nowhere = json!({ "id": "rec_00000000000070008000000000000000" });
    dataset.annotate(&nowhere, json!([valid])).await.assert_problem(404, "not_found");
    for number in ["NaN", "Infinity", "1e999", "-1e999"] {
        let body =
            json!({ "dataset_record_id": record["id"], "annotations": [place("left", json!(77.125))] });
        let body = body.to_string().replace("77.125", number);
        let request = dataset.api.request(reqwest::Method::POST, &dataset.path("annotations"));
        let answer =
            crate::harness::send(request.header("content-type", "application/json").body(body)).await;
        answer.assert_client_error();
    }
    assert!(annotations(&dataset, &record).await.is_empty());
    let other = DatasetFixture { project: elsewhere.project, api: dataset.api };
    other.annotate(&record, json!([classification(foreign)])).await.assert_problem(404, "not_found");
    other.get(&format!("datasets/records/{}", text(&record["id"]))).await.assert_problem(404, "not_found");
    other.delete(&format!("datasets/records/{}", text(&record["id"]))).await.assert_problem(404, "not_found");
}

#[tokio::test]
async fn thousand_boxes_are_stored_in_order() {
    let dataset = DatasetFixture::start().await;
    let record = dataset.upload_image(&test_images::png(200, 200)).await;
    let label = &dataset.labels(&["cap"]).await[0];
    let edges = |n: u32| [f64::from(n % 100), f64::from(n / 100), 1.5, 1.5];
    let all: Vec<_> = (0..1_000).map(|n| bounding_box(label, edges(n))).collect();
    let answer = dataset.annotate(&record, all.into()).await.ok().json();
    let places = answer.as_array().unwrap().iter().map(|one| &one["annotation"]);
    assert!(places.zip(0..).all(|(place, n)| place["left"] == edges(n)[0] && place["top"] == edges(n)[1]));
    assert_eq!(annotations(&dataset, &record).await.len(), 1_000);
    dataset
        .annotate(&record, json!([bounding_box(label, [0.0, 0.0, 9.0, 9.0])]))
        .await
        .check_field_error("annotations");
}

async fn annotations(dataset: &DatasetFixture, record: &Value) -> Vec<Value> {
    let one = dataset.get(&format!("datasets/records/{}", text(&record["id"]))).await.ok().json();
    one["annotations"].as_array().unwrap().clone()
}

#[tokio::test]
async fn label_in_other_unicode_form_is_the_same_label() {
    let dataset = DatasetFixture::start().await;
    let composed = dataset.labels(&["caf\u{e9}", "Caf\u{e9}"]).await;
    assert_ne!(composed[0], composed[1], "label names are case-sensitive");
    let body = json!([{ "name": "cafe\u{301}" }]);
    let again = dataset.post("annotations/labels", body).await.ok().json();
    assert_eq!(
        (text(&again[0]["id"]), text(&again[0]["name"])),
        (composed[0].clone(), "cafe\u{301}".to_owned())
    );
    for name in ["a\u{202E}b", "\u{FE0F}", "a\u{34F}", " \u{200B}", ""] {
        dataset.post("annotations/labels", json!([{ "name": name }])).await.check_field_error("name");
    }
    let batch =
        async |name: &str| text(&dataset.post("batches", json!({ "name": name })).await.ok().json()["id"]);
    assert_eq!(batch("caf\u{e9}").await, batch("cafe\u{301}").await);
    assert_eq!(batch("line 3").await, batch("line\u{A0} 3").await);
    let spaced =
        dataset.post("annotations/labels", json!([{ "name": "line 3" }, { "name": " line\u{3000}3" }])).await;
    let spaced = spaced.ok().json();
    assert_eq!(spaced[0]["id"], spaced[1]["id"]);
    assert_eq!(spaced[1]["name"], " line\u{3000}3", "the name is returned as sent");
}
