//! Many at once: clients send with several threads, and repeat what was too slow for them.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use serde_json::json;

use super::{Site, class, painted};
use crate::harness::text;

#[tokio::test]
async fn four_threads_upload_a_data_set() {
    let site = Site::open().await;
    let thread = async |first: u32| {
        let batch = site.post("batches", json!({ "name": "sdk-upload" })).await.ok().json();
        for number in first..first + 5 {
            let asked = site.ask().await;
            site.put(&asked, &painted::jpeg(16 + number, 16)).await.ok();
            let body =
                json!({ "name": format!("{number}.jpg"), "batchId": batch["id"], "source": asked.uri });
            let record = site.post("datasets/records", body).await.ok().json();
            let label = &site.labels(&[["cap", "lid"][number as usize % 2]]).await[0];
            site.annotate(&record, json!([class(label)])).await.ok();
        }
    };
    join_all((0..4).map(|number| thread(number * 5))).await;
    assert_eq!(site.found("?labeled=true").await.len(), 20);
    assert_eq!(site.objects().len(), 40);
    let records = |list: serde_json::Value| -> Vec<_> {
        list["items"].as_array().unwrap().iter().map(|one| one["recordCount"].as_u64().unwrap()).collect()
    };
    assert_eq!(records(site.get("batches").await.ok().json()), [20]);
    assert_eq!(records(site.get("annotations/labels").await.ok().json()), [10, 10]);
}

#[tokio::test]
async fn one_source_has_one_record_however_often_and_at_once_it_is_asked_for() {
    let site = Site::open().await;
    for _ in 0..5 {
        let asked = site.ask().await;
        site.put(&asked, &painted::jpeg(64, 64)).await.ok();
        let large = painted::jpeg(96, 96);
        let (answers, _) =
            tokio::join!(join_all((0..6).map(|_| site.record_of(&asked.uri))), site.put(&asked, &large));
        let made = answers.iter().filter(|answer| answer.status == 201).count();
        let records: BTreeSet<_> = answers.into_iter().map(|answer| answer.ok().json().to_string()).collect();
        assert_eq!((made, records.len()), (1, 1), "{records:?}");
        // Whichever of the two pictures it is, the record is about that one.
        let record: serde_json::Value = serde_json::from_str(records.first().unwrap()).unwrap();
        let path = site.path(&format!("datasets/records/{}/image", text(&record["id"])));
        let kept =
            site.desk.request(reqwest::Method::GET, &path).send().await.unwrap().bytes().await.unwrap();
        assert_eq!(
            image::load_from_memory(&kept).unwrap().width(),
            u32::try_from(record["width"].as_u64().unwrap()).unwrap()
        );
        assert!(site.objects().iter().all(|file| !file.ends_with("staged")));
    }
}

#[tokio::test]
async fn a_project_that_ends_while_pictures_come_keeps_none_of_them() {
    let mut site = Site::open().await;
    for round in 0..8 {
        end_while_pictures_come(&site).await;
        site.project = site.desk.project(&format!("Bottle caps {round}")).await;
    }
}

async fn end_while_pictures_come(site: &Site) {
    let picture = async || {
        // Each step may be told that the project is gone.
        let body = json!({ "name": "a.jpg" });
        let asked = site.post("upload", body).await;
        if asked.status == 200 {
            let asked = asked.json();
            let path = text(&asked["uploadUrl"]).replace(&site.desk.server.url, "");
            let place = super::Asked { path, uri: text(&asked["uri"]) };
            site.put(&place, &painted::jpeg(64, 64)).await;
            let made = site.record_of(&place.uri).await;
            assert!(!made.status.is_server_error(), "{made:?}");
        }
    };
    let end = async {
        for _ in 0..3 {
            site.ask().await;
        }
        site.desk.delete(&format!("/api/v1/projects/{}", site.project)).await.ok();
    };
    tokio::join!(join_all((0..12).map(|_| picture())), end);
    site.until_no_object_is_left().await;
}
