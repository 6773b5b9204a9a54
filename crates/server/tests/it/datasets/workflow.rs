//! The workflow of clients from a project to labeled images.

use reqwest::Method;
use serde_json::{Value, json};

use super::{DatasetFixture, bounding_box, classification, test_images};
use crate::harness::{send, text};

#[tokio::test]
async fn image_is_uploaded_recorded_annotated_and_deleted() {
    let dataset = DatasetFixture::start().await;
    let batch = dataset.post("batches/", json!({ "name": "sdk-upload", "extra": 1 })).await.ok().json();
    assert_eq!(dataset.post("batches/", json!({ "name": "sdk-upload" })).await.ok().json(), batch);
    let upload_url = dataset.request_upload().await;
    let bytes = test_images::png(640, 400);
    assert_eq!(dataset.put(&upload_url, &bytes).await.status, 204);
    let body = json!({ "name": "cap.png", "batchId": batch["id"], "source": upload_url.uri, "width": 1, "height": 1,
                       "contentType": "image/gif", "size": 3, "more": [] });
    let created = dataset.post("datasets/records/", body.clone()).await;
    assert_eq!(created.status, 201, "{created:?}");
    let record = created.json();
    let actual =
        ["name", "batchId", "width", "height", "contentType", "size", "source"].map(|field| &record[field]);
    let expected = [
        json!("cap.png"),
        batch["id"].clone(),
        json!(640),
        json!(400),
        json!("image/png"),
        json!(bytes.len()),
        json!(upload_url.uri),
    ];
    assert_eq!(actual, expected.each_ref());
    assert_eq!(dataset.api.get(created.header("location")).await.ok().json(), record);
    let again = dataset.post("datasets/records/", body).await;
    assert_eq!((again.status.as_u16(), again.json()), (200, record.clone()));
    let files = dataset.objects();
    assert!(
        files.len() == 2 && files.iter().all(|file| file.ends_with("image") || file.ends_with("thumbnail")),
        "{files:?}"
    );

    let labels = dataset.labels(&["cap", "lid"]).await;
    let given = dataset
        .annotate(
            &record,
            json!([classification(&labels[0]), bounding_box(&labels[1], [1.0, 2.0, 3.5, 4.0])]),
        )
        .await
        .ok()
        .json();
    let one = dataset.get(&format!("datasets/records/{}", text(&record["id"]))).await.ok().json();
    assert_eq!(one["annotations"], given);
    assert_eq!(
        (&given[0]["label"], &given[0]["annotation"]["metadata"]["image"]["width"]),
        (&json!("cap"), &json!(1))
    );
    assert_eq!(given[1]["annotation"]["width"], 3.5);
    let listed = dataset.get("datasets/records").await.ok().json();
    assert_eq!(listed["items"][0]["annotations"][0]["id"], given[0]["id"]);
    assert!(listed["items"][0]["annotations"][0]["annotation"]["metadata"].is_null());
    for list in ["batches", "annotations/labels"] {
        let first = dataset.get(&format!("{list}?limit=1")).await.ok().json();
        assert_eq!(
            (&first["items"][0]["recordCount"], first["items"].as_array().unwrap().len()),
            (&json!(1), 1)
        );
        assert_eq!(first["nextCursor"].is_null(), list == "batches", "{first}");
        dataset.get(&format!("{list}?cursor=x")).await.check_field_error("cursor");
    }
    assert_eq!(dataset.delete(&format!("annotations/{}", text(&given[1]["id"]))).await.status, 204);
    dataset.delete(&format!("annotations/{}", text(&given[1]["id"]))).await.assert_problem(404, "not_found");

    assert_eq!(dataset.delete(&format!("datasets/records/{}", text(&record["id"]))).await.status, 204);
    dataset.get(&format!("datasets/records/{}", text(&record["id"]))).await.assert_problem(404, "not_found");
    dataset
        .get(&format!("datasets/records/{}/image", text(&record["id"])))
        .await
        .assert_problem(404, "not_found");
    dataset.wait_until_no_object_is_left().await;
}

#[tokio::test]
async fn image_is_served_with_thumbnail_and_safe_headers() {
    let dataset = DatasetFixture::start().await;
    let bytes = test_images::jpeg(800, 200);
    let record = dataset.upload_image(&bytes).await;
    let path = dataset.path(&format!("datasets/records/{}/image", text(&record["id"])));
    let whole = dataset.api.request(Method::GET, &path).send().await.unwrap();
    let header = |name: &str| whole.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(header("content-type"), "image/jpeg");
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert_eq!(header("content-security-policy"), "sandbox; default-src 'none'");
    assert_eq!(header("cache-control"), "private, max-age=31536000, immutable");
    let tag = header("etag");
    assert!(header("vary").contains("X-Api-Key"), "responses differ between keys");
    assert_eq!(whole.bytes().await.unwrap(), bytes);

    let small = dataset.api.request(Method::GET, &format!("{path}?size=thumbnail")).send().await.unwrap();
    assert_ne!(small.headers()["etag"], tag.as_str());
    let small = image::load_from_memory(&small.bytes().await.unwrap()).unwrap();
    assert_eq!((small.width(), small.height()), (320, 80));

    for names in [tag.clone(), format!("W/{tag}"), format!("\"other\", {tag}"), "*".to_owned()] {
        let kept = send(dataset.api.request(Method::GET, &path).header("if-none-match", names)).await;
        assert_eq!((kept.status.as_u16(), kept.text.as_str()), (304, ""));
    }
    assert_eq!(
        send(dataset.api.request(Method::GET, &path).header("if-none-match", "\"other\"")).await.status,
        200
    );
    dataset.api.get(&format!("{path}?size=huge")).await.check_field_error("size");
    send(dataset.api.server.request(Method::GET, &path).header("if-none-match", tag))
        .await
        .assert_problem(401, "missing_key");
}

#[tokio::test]
async fn labels_are_returned_byte_for_byte_and_reused() {
    let dataset = DatasetFixture::start().await;
    let names =
        [" cap ", "cap", "Cap", "caf\u{e9}", "cafe\u{301}", "工", "a/b", "' OR 1=1 --", "%_", "\u{1F4F7}"];
    let body: Vec<_> = names.iter().map(|name| json!({ "name": name, "colour": "red" })).collect();
    let created = dataset.post("annotations/labels/", body.clone().into()).await.ok().json();
    let back: Vec<_> = created.as_array().unwrap().iter().map(|label| text(&label["name"])).collect();
    assert_eq!(back, names);
    assert_eq!(dataset.post("annotations/labels/", body.into()).await.ok().json(), created);
    // Surrounding spaces and Unicode composition don't make a different label.
    assert_eq!((&created[0]["id"], &created[3]["id"]), (&created[1]["id"], &created[4]["id"]));
    assert_eq!(
        dataset.get("annotations/labels").await.ok().json()["items"].as_array().unwrap().len(),
        names.len() - 2
    );
    let twice = dataset.labels(&["cap", "cap"]).await;
    assert_eq!((&twice[0], &twice[0]), (&twice[1], &text(&created[1]["id"])));
    assert_eq!(dataset.post("annotations/labels/", json!([])).await.ok().json(), json!([]));
    for wrong in ["", "a\nb", "a\0b", &"x".repeat(101)] {
        dataset
            .post("annotations/labels/", json!([{ "name": "new" }, { "name": wrong }]))
            .await
            .check_field_error("name");
    }
    for wrong in [
        json!({ "name": "x" }),
        json!([["x"]]),
        json!(["x"]),
        json!([{ "name": 1 }]),
        json!([{}]),
        Value::Null,
    ] {
        dataset.post("annotations/labels/", wrong).await.assert_problem(422, "invalid");
    }
    // Surrounding spaces and Unicode composition don't make a different label.
    assert_eq!((&created[0]["id"], &created[3]["id"]), (&created[1]["id"], &created[4]["id"]));
    assert_eq!(
        dataset.get("annotations/labels").await.ok().json()["items"].as_array().unwrap().len(),
        names.len() - 2
    );
}

#[tokio::test]
async fn record_list_filters_by_batch_label_and_labeled() {
    let dataset = DatasetFixture::start().await;
    let batch = text(&dataset.post("batches", json!({ "name": "monday" })).await.ok().json()["id"]);
    let labels = dataset.labels(&["cap", "lid"]).await;
    let mut ids = Vec::new();
    for number in 0..5 {
        let upload_url = dataset.request_upload().await;
        dataset.put(&upload_url, &test_images::jpeg(16 + number, 16)).await.ok();
        let batch = (number < 2).then_some(&batch);
        let body = json!({ "name": format!("{number}.jpg"), "batchId": batch, "source": upload_url.uri });
        let record = dataset.post("datasets/records", body).await.ok().json();
        if number > 2 {
            dataset.annotate(&record, json!([classification(&labels[0])])).await.ok();
        }
        ids.insert(0, text(&record["id"]));
    }
    assert_eq!(dataset.find_records("").await, ids);
    assert_eq!(dataset.find_records(&format!("?batchId={batch}")).await, ids[3..]);
    assert_eq!(dataset.find_records(&format!("?batch={batch}&limit=1")).await, ids[3..4]);
    assert_eq!(dataset.find_records(&format!("?label={}", labels[0])).await, ids[..2]);
    assert_eq!(dataset.find_records(&format!("?labelId={}", labels[1])).await, [""; 0]);
    assert_eq!(dataset.find_records("?labeled=true").await, ids[..2]);
    assert_eq!(dataset.find_records("?labeled=false").await, ids[2..]);
    let first = dataset.get("datasets/records?limit=3").await.ok().json();
    let second = format!("?limit=3&cursor={}", text(&first["nextCursor"]));
    assert_eq!(dataset.find_records(&second).await, ids[3..]);
    let counts = dataset.get("batches").await.ok().json();
    assert_eq!(
        (&counts["items"][0]["name"], &counts["items"][0]["recordCount"]),
        (&json!("monday"), &json!(2))
    );
}
