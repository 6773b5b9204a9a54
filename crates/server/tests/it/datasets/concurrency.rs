//! Concurrent requests: clients upload with several threads and repeat slow requests.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use serde_json::json;

use super::{DatasetFixture, classification, test_images};
use crate::harness::text;

#[tokio::test]
async fn dataset_uploaded_by_four_threads_is_complete() {
    let dataset = DatasetFixture::start().await;
    let thread = async |first: u32| {
        let batch = dataset.post("batches", json!({ "name": "sdk-upload" })).await.ok().json();
        for number in first..first + 5 {
            let upload_url = dataset.request_upload().await;
            dataset.put(&upload_url, &test_images::jpeg(16 + number, 16)).await.ok();
            let body =
                json!({ "name": format!("{number}.jpg"), "batchId": batch["id"], "source": upload_url.uri });
            let record = dataset.post("datasets/records", body).await.ok().json();
            let label = &dataset.labels(&[["cap", "lid"][number as usize % 2]]).await[0];
            dataset.annotate(&record, json!([classification(label)])).await.ok();
        }
    };
    join_all((0..4).map(|number| thread(number * 5))).await;
    assert_eq!(dataset.find_records("?labeled=true").await.len(), 20);
    assert_eq!(dataset.objects().len(), 40);
    let records = |list: serde_json::Value| -> Vec<_> {
        list["items"].as_array().unwrap().iter().map(|one| one["recordCount"].as_u64().unwrap()).collect()
    };
    assert_eq!(records(dataset.get("batches").await.ok().json()), [20]);
    assert_eq!(records(dataset.get("annotations/labels").await.ok().json()), [10, 10]);
}

#[tokio::test]
async fn concurrent_records_of_one_source_create_one_record() {
    let dataset = DatasetFixture::start().await;
    for _ in 0..5 {
        let upload_url = dataset.request_upload().await;
        dataset.put(&upload_url, &test_images::jpeg(64, 64)).await.ok();
        let large = test_images::jpeg(96, 96);
        let (answers, _) = tokio::join!(
            join_all((0..6).map(|_| dataset.create_record(&upload_url.uri))),
            dataset.put(&upload_url, &large)
        );
        let created = answers.iter().filter(|answer| answer.status == 201).count();
        let records: BTreeSet<_> = answers.into_iter().map(|answer| answer.ok().json().to_string()).collect();
        assert_eq!((created, records.len()), (1, 1), "{records:?}");
        // Either image may win, but the record must describe the stored one.
        let record: serde_json::Value = serde_json::from_str(records.first().unwrap()).unwrap();
        let path = dataset.path(&format!("datasets/records/{}/image", text(&record["id"])));
        let kept =
            dataset.api.request(reqwest::Method::GET, &path).send().await.unwrap().bytes().await.unwrap();
        assert_eq!(
            image::load_from_memory(&kept).unwrap().width(),
            u32::try_from(record["width"].as_u64().unwrap()).unwrap()
        );
        assert!(dataset.objects().iter().all(|file| !file.ends_with("staged")));
    }
}

#[tokio::test]
async fn project_deleted_during_uploads_keeps_no_objects() {
    let mut dataset = DatasetFixture::start().await;
    for round in 0..8 {
        delete_project_during_uploads(&dataset).await;
        dataset.project = dataset.api.project(&format!("Bottle caps {round}")).await;
    }
}

async fn delete_project_during_uploads(dataset: &DatasetFixture) {
    let upload = async || {
        // The project can be deleted before any of these steps.
        let body = json!({ "name": "a.jpg" });
        let upload_url = dataset.post("upload", body).await;
        if upload_url.status == 200 {
            let upload_url = upload_url.json();
            let path = text(&upload_url["uploadUrl"]).replace(&dataset.api.server.url, "");
            let place = super::UploadUrl { path, uri: text(&upload_url["uri"]) };
            dataset.put(&place, &test_images::jpeg(64, 64)).await;
            let created = dataset.create_record(&place.uri).await;
            assert!(!created.status.is_server_error(), "{created:?}");
        }
    };
    let end = async {
        for _ in 0..3 {
            dataset.request_upload().await;
        }
        dataset.api.delete(&format!("/api/v1/projects/{}", dataset.project)).await.ok();
    };
    tokio::join!(join_all((0..12).map(|_| upload())), end);
    dataset.wait_until_no_object_is_left().await;
}
