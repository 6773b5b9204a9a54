//! Deleted and expired data takes its objects with it, also after a crash.

use std::fs;
use std::path::PathBuf;

use keyrack_key::{Digest, Timestamp, UploadId};
use keyrack_store::{Actor, NewUpload, Store};
use rand_core::UnwrapErr;
use serde_json::Value;

use super::{DatasetFixture, test_images};
use crate::fixtures::AccessFixture;
use crate::harness::{text, wait_until};

#[tokio::test]
async fn deleted_project_leaves_no_objects_and_closes_uploads() {
    let dataset = DatasetFixture::start().await;
    let uri = text(&dataset.upload_image(&test_images::jpeg(8, 8)).await["source"]);
    dataset.upload_image(&test_images::png(8, 8)).await;
    let (sent, promised) = (dataset.request_upload().await, dataset.request_upload().await);
    dataset.put(&sent, &test_images::jpeg(8, 8)).await.ok();
    assert_eq!(dataset.objects().len(), 5);
    dataset.api.delete(&format!("/api/v1/projects/{}", dataset.project)).await.ok();
    dataset.wait_until_no_object_is_left().await;
    dataset.put(&promised, &test_images::jpeg(8, 8)).await.assert_problem(403, "wrong_signature");
    dataset.create_record(&uri).await.assert_problem(404, "not_found");
    assert!(dataset.objects().is_empty());
}

#[tokio::test]
async fn objects_of_deleted_record_are_removed_after_crash() {
    let mut dataset = DatasetFixture::start().await;
    let record = dataset.upload_image(&test_images::jpeg(8, 8)).await;
    let kept = dataset.upload_image(&test_images::jpeg(8, 8)).await;
    dataset.api.server.kill();
    let store = open_store(&dataset).await;
    let id = text(&record["id"]).parse().unwrap();
    let now = Timestamp::from_micros(jiff::Timestamp::now().as_microsecond());
    let workspace = store.workspace_by_slug("northfield-vision").await.unwrap().unwrap().id;
    let prefixes = [record_folder(&dataset, &record).display().to_string()];
    let project = dataset.project.parse().unwrap();
    store.as_operator().delete_record(workspace, project, id, &prefixes, Actor::Operator, now).await.unwrap();
    store.close().await;
    assert_eq!(dataset.objects().len(), 4);
    dataset.api.server.restart().await;
    wait_until("its objects are deleted", async || (dataset.objects().len() == 2).then_some(())).await;
    assert!(dataset.objects().iter().all(|file| file.starts_with(record_folder(&dataset, &kept))));
}

#[tokio::test]
async fn expired_upload_without_record_is_removed() {
    let mut dataset = DatasetFixture::start().await;
    dataset.upload_image(&test_images::jpeg(8, 8)).await;
    dataset.api.server.stop().await;
    let store = open_store(&dataset).await;
    let (now, project) = (Timestamp::from_micros(1_600_000_000_000_000), dataset.project.parse().unwrap());
    let id = UploadId::new(now, &mut UnwrapErr(getrandom::SysRng));
    let expires_at = now.plus(std::time::Duration::from_mins(15));
    let new = NewUpload {
        id,
        project,
        actor: Actor::Operator,
        digest: Digest::of(b"t"),
        now,
        expires_at,
        import: None,
        open_max: None,
    };
    store.as_operator().create_upload(&new).await.unwrap();
    store.close().await;
    let folder = dataset.api.server.data().join(format!("objects/projects/{project}/pictures/{id}"));
    fs::create_dir_all(&folder).unwrap();
    for name in ["staged", "image", "thumbnail", "staged#1"] {
        fs::write(folder.join(name), "pixels").unwrap();
    }
    dataset.api.server.restart().await;
    wait_until("its objects are deleted", async || (dataset.objects().len() == 2).then_some(())).await;
    wait_until("its folder is deleted", async || (!folder.exists()).then_some(())).await;
    dataset.api.server.stop().await;
    let store = open_store(&dataset).await;
    assert!(store.upload(id).await.unwrap().is_none());
    store.close().await;
}

#[tokio::test]
async fn record_is_created_from_object_moved_before_crash() {
    let dataset = DatasetFixture::start().await;
    let upload_url = dataset.request_upload().await;
    dataset.put(&upload_url, &test_images::jpeg(8, 8)).await.ok();
    let staged = dataset.api.server.data().join("objects").join(&dataset.objects()[0]);
    fs::rename(&staged, staged.with_file_name("image")).unwrap();
    assert_eq!(dataset.create_record(&upload_url.uri).await.status, 201);
    assert_eq!(dataset.objects().len(), 2);
}

#[tokio::test]
async fn partial_object_is_removed_after_crash() {
    let mut dataset = DatasetFixture::start().await;
    dataset.upload_image(&test_images::jpeg(8, 8)).await;
    let before = dataset.objects();
    dataset.api.server.kill();
    let half = dataset.api.server.data().join("objects").join(&before[0]).with_file_name("image#1");
    fs::write(&half, "half a picture").unwrap();
    dataset.api.server.restart().await;
    wait_until("the partial object is deleted", async || (!half.exists()).then_some(())).await;
    assert_eq!(dataset.objects(), before);
}

/// A disk error isn't the client's fault, and the upload isn't lost.
#[tokio::test]
async fn unwritable_folder_returns_500_and_keeps_upload() {
    let dataset = DatasetFixture::start().await;
    let upload_url = dataset.request_upload().await;
    dataset.put(&upload_url, &test_images::jpeg(8, 8)).await.ok();
    let folder = dataset.api.server.data().join("objects").join(dataset.objects()[0].parent().unwrap());
    // A folder in place of the thumbnail causes an error. A file mode wouldn't, since root ignores it.
    fs::create_dir_all(folder.join("thumbnail/in-the-way")).unwrap();
    dataset.create_record(&upload_url.uri).await.assert_problem(500, "internal");
    assert!(dataset.find_records("").await.is_empty());
    fs::remove_dir_all(folder.join("thumbnail")).unwrap();
    assert_eq!(dataset.create_record(&upload_url.uri).await.status, 201);
}

#[tokio::test]
async fn project_data_is_hidden_from_other_workspace() {
    let fixture = AccessFixture::start().await;
    for rest in ["batches", "annotations/labels", "datasets/records"] {
        let path = format!("/api/v1/projects/{}/{rest}", fixture.ours.project);
        fixture.server.get(&path, &fixture.their_key).await.assert_problem(404, "not_found");
        assert_eq!(fixture.server.get(&path, fixture.key()).await.status, 200);
    }
}

async fn open_store(dataset: &DatasetFixture) -> Store {
    Store::open(&dataset.api.server.data().join("keyrack.db"), UnwrapErr(getrandom::SysRng)).await.unwrap()
}

/// The folder with the objects of a record.
fn record_folder(dataset: &DatasetFixture, record: &Value) -> PathBuf {
    let upload = text(&record["source"]).replace("keyrack:", "");
    PathBuf::from(format!("projects/{}/pictures/{upload}", dataset.project))
}
