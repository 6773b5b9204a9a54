//! What ends takes its objects with it, also after a crash.

use std::fs;
use std::path::PathBuf;

use keyrack_key::{Digest, Timestamp, UploadId};
use keyrack_store::{Actor, NewUpload, Store};
use rand_core::UnwrapErr;
use serde_json::Value;

use super::{Site, painted};
use crate::cast::Cast;
use crate::harness::{text, until};

#[tokio::test]
async fn a_deleted_project_leaves_no_object_and_no_way_back() {
    let site = Site::open().await;
    let uri = text(&site.picture(&painted::jpeg(8, 8)).await["source"]);
    site.picture(&painted::png(8, 8)).await;
    let (sent, promised) = (site.ask().await, site.ask().await);
    site.put(&sent, &painted::jpeg(8, 8)).await.ok();
    assert_eq!(site.objects().len(), 5);
    site.desk.delete(&format!("/api/v1/projects/{}", site.project)).await.ok();
    site.until_no_object_is_left().await;
    site.put(&promised, &painted::jpeg(8, 8)).await.refused(403, "wrong_signature");
    site.record_of(&uri).await.refused(404, "not_found");
    assert!(site.objects().is_empty());
}

#[tokio::test]
async fn what_a_crash_came_before_is_removed_when_the_server_starts() {
    let mut site = Site::open().await;
    let record = site.picture(&painted::jpeg(8, 8)).await;
    let kept = site.picture(&painted::jpeg(8, 8)).await;
    site.desk.server.kill();
    let store = open(&site).await;
    let id = text(&record["id"]).parse().unwrap();
    let now = Timestamp::from_micros(jiff::Timestamp::now().as_microsecond());
    let workspace = store.workspace_by_slug("northfield-vision").await.unwrap().unwrap().id;
    let prefixes = [folder_of(&site, &record).display().to_string()];
    let project = site.project.parse().unwrap();
    store.as_operator().delete_record(workspace, project, id, &prefixes, Actor::Operator, now).await.unwrap();
    store.close().await;
    assert_eq!(site.objects().len(), 4);
    site.desk.server.restart().await;
    until("its objects are gone", async || (site.objects().len() == 2).then_some(())).await;
    assert!(site.objects().iter().all(|file| file.starts_with(folder_of(&site, &kept))));
}

#[tokio::test]
async fn an_upload_that_nobody_records_ends_with_its_object() {
    let mut site = Site::open().await;
    site.picture(&painted::jpeg(8, 8)).await;
    site.desk.server.stop().await;
    let store = open(&site).await;
    let (now, project) = (Timestamp::from_micros(1_600_000_000_000_000), site.project.parse().unwrap());
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
    let folder = site.desk.server.data().join(format!("objects/projects/{project}/pictures/{id}"));
    fs::create_dir_all(&folder).unwrap();
    for name in ["staged", "image", "thumbnail", "staged#1"] {
        fs::write(folder.join(name), "pixels").unwrap();
    }
    site.desk.server.restart().await;
    until("its objects are gone", async || (site.objects().len() == 2).then_some(())).await;
    until("its folder is gone", async || (!folder.exists()).then_some(())).await;
    site.desk.server.stop().await;
    let store = open(&site).await;
    assert!(store.upload(id).await.unwrap().is_none());
    store.close().await;
}

#[tokio::test]
async fn a_record_is_made_of_what_a_crash_left_where_it_was_to_stay() {
    let site = Site::open().await;
    let asked = site.ask().await;
    site.put(&asked, &painted::jpeg(8, 8)).await.ok();
    let staged = site.desk.server.data().join("objects").join(&site.objects()[0]);
    fs::rename(&staged, staged.with_file_name("image")).unwrap();
    assert_eq!(site.record_of(&asked.uri).await.status, 201);
    assert_eq!(site.objects().len(), 2);
}

#[tokio::test]
async fn what_was_being_written_when_the_power_went_is_removed_and_the_rest_stays() {
    let mut site = Site::open().await;
    site.picture(&painted::jpeg(8, 8)).await;
    let before = site.objects();
    site.desk.server.kill();
    let half = site.desk.server.data().join("objects").join(&before[0]).with_file_name("image#1");
    fs::write(&half, "half a picture").unwrap();
    site.desk.server.restart().await;
    until("the half is gone", async || (!half.exists()).then_some(())).await;
    assert_eq!(site.objects(), before);
}

/// A disk that fails is not the client's fault, and what it sent is not lost.
#[tokio::test]
async fn a_folder_that_cannot_be_written_is_no_mistake_of_the_client() {
    let site = Site::open().await;
    let asked = site.ask().await;
    site.put(&asked, &painted::jpeg(8, 8)).await.ok();
    let folder = site.desk.server.data().join("objects").join(site.objects()[0].parent().unwrap());
    // In the way of the thumbnail; a mode would not hold root back.
    fs::create_dir_all(folder.join("thumbnail/in-the-way")).unwrap();
    site.record_of(&asked.uri).await.refused(500, "internal");
    assert!(site.found("").await.is_empty());
    fs::remove_dir_all(folder.join("thumbnail")).unwrap();
    assert_eq!(site.record_of(&asked.uri).await.status, 201);
}

#[tokio::test]
async fn nothing_of_a_deleted_project_can_be_asked_for_by_another_workspace() {
    let cast = Cast::assemble().await;
    for rest in ["batches", "annotations/labels", "datasets/records"] {
        let path = format!("/api/v1/projects/{}/{rest}", cast.ours.project);
        cast.server.get(&path, &cast.their_key).await.refused(404, "not_found");
        assert_eq!(cast.server.get(&path, cast.key()).await.status, 200);
    }
}

async fn open(site: &Site) -> Store {
    Store::open(&site.desk.server.data().join("keyrack.db"), UnwrapErr(getrandom::SysRng)).await.unwrap()
}

/// Where the objects of a record lie.
fn folder_of(site: &Site, record: &Value) -> PathBuf {
    let upload = text(&record["source"]).replace("keyrack:", "");
    PathBuf::from(format!("projects/{}/pictures/{upload}", site.project))
}
