//! From a project to labelled pictures, as clients go about it.

use reqwest::Method;
use serde_json::{Value, json};

use super::{Site, boxed, class, painted};
use crate::harness::{send, text};

#[tokio::test]
async fn a_picture_is_uploaded_recorded_labelled_shown_and_deleted() {
    let site = Site::open().await;
    let batch = site.post("batches/", json!({ "name": "sdk-upload", "extra": 1 })).await.ok().json();
    assert_eq!(site.post("batches/", json!({ "name": "sdk-upload" })).await.ok().json(), batch);
    let asked = site.ask().await;
    let bytes = painted::png(640, 400);
    assert_eq!(site.put(&asked, &bytes).await.status, 204);
    let body = json!({ "name": "cap.png", "batchId": batch["id"], "source": asked.uri, "width": 1, "height": 1,
                       "contentType": "image/gif", "size": 3, "more": [] });
    let made = site.post("datasets/records/", body.clone()).await;
    assert_eq!(made.status, 201, "{made:?}");
    let record = made.json();
    let said =
        ["name", "batchId", "width", "height", "contentType", "size", "source"].map(|field| &record[field]);
    let is = [
        json!("cap.png"),
        batch["id"].clone(),
        json!(640),
        json!(400),
        json!("image/png"),
        json!(bytes.len()),
        json!(asked.uri),
    ];
    assert_eq!(said, is.each_ref());
    assert_eq!(site.desk.get(made.header("location")).await.ok().json(), record);
    let again = site.post("datasets/records/", body).await;
    assert_eq!((again.status.as_u16(), again.json()), (200, record.clone()));
    let files = site.objects();
    assert!(
        files.len() == 2 && files.iter().all(|file| file.ends_with("image") || file.ends_with("thumbnail")),
        "{files:?}"
    );

    let labels = site.labels(&["cap", "lid"]).await;
    let given = site
        .annotate(&record, json!([class(&labels[0]), boxed(&labels[1], [1.0, 2.0, 3.5, 4.0])]))
        .await
        .ok()
        .json();
    let one = site.get(&format!("datasets/records/{}", text(&record["id"]))).await.ok().json();
    assert_eq!(one["annotations"], given);
    assert_eq!(
        (&given[0]["label"], &given[0]["annotation"]["metadata"]["image"]["width"]),
        (&json!("cap"), &json!(1))
    );
    assert_eq!(given[1]["annotation"]["width"], 3.5);
    let listed = site.get("datasets/records").await.ok().json();
    assert_eq!(listed["items"][0]["annotations"][0]["id"], given[0]["id"]);
    assert!(listed["items"][0]["annotations"][0]["annotation"]["metadata"].is_null());
    for list in ["batches", "annotations/labels"] {
        let first = site.get(&format!("{list}?limit=1")).await.ok().json();
        assert_eq!(
            (&first["items"][0]["recordCount"], first["items"].as_array().unwrap().len()),
            (&json!(1), 1)
        );
        assert_eq!(first["nextCursor"].is_null(), list == "batches", "{first}");
        site.get(&format!("{list}?cursor=x")).await.names_field("cursor");
    }
    assert_eq!(site.delete(&format!("annotations/{}", text(&given[1]["id"]))).await.status, 204);
    site.delete(&format!("annotations/{}", text(&given[1]["id"]))).await.refused(404, "not_found");

    assert_eq!(site.delete(&format!("datasets/records/{}", text(&record["id"]))).await.status, 204);
    site.get(&format!("datasets/records/{}", text(&record["id"]))).await.refused(404, "not_found");
    site.get(&format!("datasets/records/{}/image", text(&record["id"]))).await.refused(404, "not_found");
    site.until_no_object_is_left().await;
}

#[tokio::test]
async fn a_picture_is_served_as_it_came_and_small_and_can_do_nothing() {
    let site = Site::open().await;
    let bytes = painted::jpeg(800, 200);
    let record = site.picture(&bytes).await;
    let path = site.path(&format!("datasets/records/{}/image", text(&record["id"])));
    let whole = site.desk.request(Method::GET, &path).send().await.unwrap();
    let header = |name: &str| whole.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(header("content-type"), "image/jpeg");
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert_eq!(header("content-security-policy"), "sandbox; default-src 'none'");
    assert_eq!(header("cache-control"), "private, max-age=31536000, immutable");
    let tag = header("etag");
    assert!(header("vary").contains("X-Api-Key"), "what one key may see, another may not");
    assert_eq!(whole.bytes().await.unwrap(), bytes);

    let small = site.desk.request(Method::GET, &format!("{path}?size=thumbnail")).send().await.unwrap();
    assert_ne!(small.headers()["etag"], tag.as_str());
    let small = image::load_from_memory(&small.bytes().await.unwrap()).unwrap();
    assert_eq!((small.width(), small.height()), (320, 80));

    for names in [tag.clone(), format!("W/{tag}"), format!("\"other\", {tag}"), "*".to_owned()] {
        let kept = send(site.desk.request(Method::GET, &path).header("if-none-match", names)).await;
        assert_eq!((kept.status.as_u16(), kept.text.as_str()), (304, ""));
    }
    assert_eq!(
        send(site.desk.request(Method::GET, &path).header("if-none-match", "\"other\"")).await.status,
        200
    );
    site.desk.get(&format!("{path}?size=huge")).await.names_field("size");
    send(site.desk.server.request(Method::GET, &path).header("if-none-match", tag))
        .await
        .refused(401, "missing_key");
}

#[tokio::test]
async fn labels_come_back_byte_for_byte_and_are_the_same_again() {
    let site = Site::open().await;
    let names =
        [" cap ", "cap", "Cap", "caf\u{e9}", "cafe\u{301}", "工", "a/b", "' OR 1=1 --", "%_", "\u{1F4F7}"];
    let body: Vec<_> = names.iter().map(|name| json!({ "name": name, "colour": "red" })).collect();
    let made = site.post("annotations/labels/", body.clone().into()).await.ok().json();
    let back: Vec<_> = made.as_array().unwrap().iter().map(|label| text(&label["name"])).collect();
    assert_eq!(back, names);
    assert_eq!(site.post("annotations/labels/", body.into()).await.ok().json(), made);
    // Spaces around a name, and the composition of its letters, make no other label.
    assert_eq!((&made[0]["id"], &made[3]["id"]), (&made[1]["id"], &made[4]["id"]));
    assert_eq!(
        site.get("annotations/labels").await.ok().json()["items"].as_array().unwrap().len(),
        names.len() - 2
    );
    let twice = site.labels(&["cap", "cap"]).await;
    assert_eq!((&twice[0], &twice[0]), (&twice[1], &text(&made[1]["id"])));
    assert_eq!(site.post("annotations/labels/", json!([])).await.ok().json(), json!([]));
    for wrong in ["", "a\nb", "a\0b", &"x".repeat(101)] {
        site.post("annotations/labels/", json!([{ "name": "new" }, { "name": wrong }]))
            .await
            .names_field("name");
    }
    for wrong in [
        json!({ "name": "x" }),
        json!([["x"]]),
        json!(["x"]),
        json!([{ "name": 1 }]),
        json!([{}]),
        Value::Null,
    ] {
        site.post("annotations/labels/", wrong).await.refused(422, "invalid");
    }
    // Spaces around a name, and the composition of its letters, make no other label.
    assert_eq!((&made[0]["id"], &made[3]["id"]), (&made[1]["id"], &made[4]["id"]));
    assert_eq!(
        site.get("annotations/labels").await.ok().json()["items"].as_array().unwrap().len(),
        names.len() - 2
    );
}

#[tokio::test]
async fn records_are_found_by_batch_label_and_whether_they_have_any() {
    let site = Site::open().await;
    let batch = text(&site.post("batches", json!({ "name": "monday" })).await.ok().json()["id"]);
    let labels = site.labels(&["cap", "lid"]).await;
    let mut ids = Vec::new();
    for number in 0..5 {
        let asked = site.ask().await;
        site.put(&asked, &painted::jpeg(16 + number, 16)).await.ok();
        let batch = (number < 2).then_some(&batch);
        let body = json!({ "name": format!("{number}.jpg"), "batchId": batch, "source": asked.uri });
        let record = site.post("datasets/records", body).await.ok().json();
        if number > 2 {
            site.annotate(&record, json!([class(&labels[0])])).await.ok();
        }
        ids.insert(0, text(&record["id"]));
    }
    assert_eq!(site.found("").await, ids);
    assert_eq!(site.found(&format!("?batchId={batch}")).await, ids[3..]);
    assert_eq!(site.found(&format!("?batch={batch}&limit=1")).await, ids[3..4]);
    assert_eq!(site.found(&format!("?label={}", labels[0])).await, ids[..2]);
    assert_eq!(site.found(&format!("?labelId={}", labels[1])).await, [""; 0]);
    assert_eq!(site.found("?labeled=true").await, ids[..2]);
    assert_eq!(site.found("?labeled=false").await, ids[2..]);
    let first = site.get("datasets/records?limit=3").await.ok().json();
    let second = format!("?limit=3&cursor={}", text(&first["nextCursor"]));
    assert_eq!(site.found(&second).await, ids[3..]);
    let counts = site.get("batches").await.ok().json();
    assert_eq!(
        (&counts["items"][0]["name"], &counts["items"][0]["recordCount"]),
        (&json!("monday"), &json!(2))
    );
}
