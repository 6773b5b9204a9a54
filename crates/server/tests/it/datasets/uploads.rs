//! Places for pictures: who may send where, and until when.

use keyrack_key::{Digest, Timestamp, UploadId};
use keyrack_store::{Actor, NewUpload, Role, Store};
use rand_core::UnwrapErr;
use reqwest::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{Asked, Site, painted};
use crate::cast::Cast;
use crate::harness::{Server, send, setup, text};
use crate::raw::{connect, read_answer};

#[tokio::test]
async fn only_the_url_that_was_answered_opens_its_place() {
    let site = Site::open().await;
    let (one, other) = (site.ask().await, site.ask().await);
    let (path, signature) = one.path.split_once("?signature=").unwrap();
    let flipped = if signature.ends_with('0') { '1' } else { '0' };
    let wrong = [
        path.to_owned(),
        format!("{path}?signature="),
        format!("{path}?signature={}", &signature[1..]),
        format!("{path}?signature={}{flipped}", &signature[..signature.len() - 1]),
        format!("{path}?signature={}", signature.to_uppercase()),
        format!("{path}?signature={}", other.path.split_once("?signature=").unwrap().1),
        format!("/api/v1/uploads/upl_00000000000070008000000000000000?signature={signature}"),
        format!("/api/v1/uploads/..%2f?signature={signature}"),
    ];
    for path in wrong {
        let asked = Asked { path, uri: String::new() };
        site.put(&asked, &painted::jpeg(8, 8)).await.refused(403, "wrong_signature");
    }
    assert!(site.objects().is_empty());
    site.put(&one, &painted::jpeg(8, 8)).await.ok();
}

#[tokio::test]
async fn sending_again_replaces_until_there_is_a_record() {
    let site = Site::open().await;
    let asked = site.ask().await;
    site.record_of(&asked.uri).await.refused(409, "not_uploaded");
    site.put(&asked, &painted::jpeg(8, 8)).await.ok();
    site.put(&asked, &painted::jpeg(9, 9)).await.ok();
    let record = site.record_of(&asked.uri).await.ok().json();
    assert_eq!(record["width"], 9);
    site.put(&asked, &painted::jpeg(10, 10)).await.refused(409, "already_recorded");
    assert_eq!(site.record_of(&asked.uri).await.ok().json(), record);
    assert_eq!(site.objects().len(), 2);
}

#[tokio::test]
async fn a_key_that_ends_takes_its_uploads_with_it() {
    let site = Site::open().await;
    let key = site.desk.key(&["project"]).await;
    let (early, late) = (site.ask_with(&key.secret).await, site.ask_with(&key.secret).await);
    site.put(&early, &painted::jpeg(8, 8)).await.ok();
    site.desk.delete(&key.path()).await.ok();
    site.put(&late, &painted::jpeg(8, 8)).await.refused(403, "key_ended");
    site.record_of(&early.uri).await.refused(403, "key_ended");
    assert!(site.found("").await.is_empty());
}

#[tokio::test]
async fn a_key_that_is_narrowed_may_not_finish_what_it_may_not_begin() {
    let site = Site::open().await;
    let other = site.desk.project("Elsewhere").await;
    for narrowed in [json!({ "scopes": ["inference"] }), json!({ "restrictions": { "projects": [other] } })] {
        let key = site.desk.key(&["project"]).await;
        let asked = site.ask_with(&key.secret).await;
        site.desk.patch(&key.path(), narrowed).await.ok();
        site.put(&asked, &painted::jpeg(8, 8)).await.refused(403, "key_ended");
    }
}

/// A name for the case, the changes of the key that requested the upload URL, and whether the URL still takes bytes.
type ChangesOfKey = (&'static str, Vec<(Method, &'static str, serde_json::Value)>, bool);

#[tokio::test]
async fn a_place_is_filled_while_the_very_secret_that_asked_is_valid() {
    let site = Site::open().await;
    let nets = |net: &str| json!({ "restrictions": { "networks": [net] } });
    let steps: [ChangesOfKey; 7] = [
        ("nothing", vec![], true),
        ("renamed", vec![(Method::PATCH, "", json!({ "name": "new" }))], true),
        ("paused", vec![(Method::POST, "/pause", json!({}))], false),
        ("resumed", vec![(Method::POST, "/pause", json!({})), (Method::POST, "/resume", json!({}))], true),
        ("rotated", vec![(Method::POST, "/rotate", json!({ "gracePeriod": "10m" }))], true),
        (
            "revoked",
            vec![
                (Method::POST, "/rotate", json!({ "gracePeriod": "10m" })),
                (Method::POST, "/retire", json!({})),
            ],
            false,
        ),
        ("other networks", vec![(Method::PATCH, "", nets("192.0.2.0/24"))], false),
    ];
    for (what, changes, may) in steps {
        let key = site.desk.key(&["project"]).await;
        let asked = site.ask_with(&key.secret).await;
        // A request of which the last byte is missing, and one that begins afterwards.
        let mut connection = connect(&site.desk.server.url).await;
        let picture = painted::jpeg(8, 8);
        let request_head = format!(
            "PUT {} HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\nexpect: 100-continue\r\n\r\n",
            asked.path,
            picture.len()
        );
        connection.write_all(request_head.as_bytes()).await.unwrap();
        let mut asks = [0; 25];
        connection.read_exact(&mut asks).await.unwrap();
        assert_eq!(&asks, b"HTTP/1.1 100 Continue\r\n\r\n");
        connection.write_all(&picture[..picture.len() - 1]).await.unwrap();
        for (method, rest, body) in changes {
            let path = format!("{}{rest}", key.path());
            send(site.desk.request(method, &path).json(&body)).await.ok();
        }
        connection.write_all(&picture[picture.len() - 1..]).await.unwrap();
        let held = read_answer(&mut connection).await.unwrap();
        let files = site.objects().len();
        let late = site.put(&asked, &picture).await;
        if may {
            assert_eq!((held.status.as_u16(), late.status.as_u16()), (204, 204), "{what}: {held:?} {late:?}");
        } else {
            assert_eq!(held.problem(403, "key_ended")["code"], "key_ended", "{what}");
            late.problem(403, "key_ended");
            assert_eq!(site.objects().len(), files, "{what}");
            site.record_of(&asked.uri).await.refused(403, "key_ended");
        }
    }
}

#[tokio::test]
async fn a_place_that_a_person_asked_for_is_closed_when_they_sign_out() {
    let cast = Cast::assemble().await;
    let path = format!("/api/v1/projects/{}/upload", cast.ours.project);
    let browser = cast.member(Role::Member);
    let ask = || browser.request(&cast.server, Method::POST, &path).header("x-keyrack-workspace", "ours");
    let put = async |asked: &serde_json::Value| {
        let path = text(&asked["uploadUrl"]).strip_prefix(&cast.server.url).unwrap().to_owned();
        send(cast.server.request(Method::PUT, &path).body(painted::jpeg(8, 8))).await
    };
    let asked = send(ask().json(&json!({ "name": "a.jpg" }))).await.ok().json();
    assert_eq!(put(&asked).await.status, 204);
    send(browser.request(&cast.server, Method::POST, "/sign-out")).await;
    put(&asked).await.refused(403, "key_ended");
}

#[tokio::test]
async fn a_source_is_of_one_project_and_one_workspace() {
    let site = Site::open().await;
    let asked = site.ask().await;
    site.put(&asked, &painted::jpeg(8, 8)).await.ok();
    let here = site.project.clone();
    let other = Site { project: site.desk.project("Elsewhere").await, desk: site.desk };
    for source in [&asked.uri, "", "keyrack:", "/etc/passwd", "https://example.org/a.jpg"] {
        other.record_of(source).await.names_field("source");
    }
    let site = Site { project: here, desk: other.desk };
    let body = |batch: &str| json!({ "name": "a.jpg", "batchId": batch, "source": asked.uri });
    for batch in ["", "x", "bat_00000000000070008000000000000000"] {
        site.post("datasets/records", body(batch)).await.names_field("batchId");
    }
    assert_eq!(site.record_of(&asked.uri).await.status, 201);

    let cast = Cast::assemble().await;
    let upload = format!("/api/v1/projects/{}/upload", cast.ours.project);
    let ours = cast.server.post(&upload, cast.key(), json!({ "name": "a.jpg" })).await.ok().json();
    let theirs = format!("/api/v1/projects/{}/datasets/records", cast.theirs.project);
    let body = json!({ "name": "a.jpg", "source": ours["uri"] });
    cast.server.post(&theirs, &cast.their_key, body).await.names_field("source");
}

#[tokio::test]
async fn a_url_whose_time_is_over_says_so() {
    let mut site = Site::open().await;
    let token = "0".repeat(64);
    site.desk.server.stop().await;
    let store =
        Store::open(&site.desk.server.data().join("keyrack.db"), UnwrapErr(getrandom::SysRng)).await.unwrap();
    let now = Timestamp::from_micros(jiff::Timestamp::now().as_microsecond());
    let minutes = |n: u64| now.minus(std::time::Duration::from_mins(n));
    let id = UploadId::new(now, &mut UnwrapErr(getrandom::SysRng));
    let project = site.project.parse().unwrap();
    let new = NewUpload {
        id,
        project,
        actor: Actor::Operator,
        digest: Digest::of(token.as_bytes()),
        now: minutes(16),
        expires_at: minutes(1),
        import: None,
        open_max: None,
    };
    store.as_operator().create_upload(&new).await.unwrap();
    store.close().await;
    site.desk.server.restart().await;
    let asked =
        Asked { path: format!("/api/v1/uploads/{id}?signature={token}"), uri: format!("keyrack:{id}") };
    site.put(&asked, &painted::jpeg(8, 8)).await.refused(403, "upload_over");
    site.record_of(&asked.uri).await.refused(403, "upload_over");
}

#[tokio::test]
async fn the_url_is_where_the_client_finds_the_server_and_in_no_log() {
    let server = Server::with(&["--log", "trace", "--public-url", "https://keys.example.org"], &[]).await;
    setup(&server.data()).run().await.succeeded();
    let key = server.key(&["project"]).await;
    let project = json!({ "name": "n", "projectType": "classification" });
    let project = text(&server.post("/api/v1/projects", &key, project).await.ok().json()["id"]);
    let asked =
        server.post(&format!("/api/v1/projects/{project}/upload"), &key, json!({ "name": "a" })).await;
    let url = text(&asked.ok().json()["uploadUrl"]);
    let path = url.strip_prefix("https://keys.example.org").unwrap();
    assert_eq!(send(server.request(Method::PUT, path).body(painted::jpeg(8, 8))).await.status, 204);
    send(server.request(Method::PUT, &format!("{path}0")).body("x")).await.refused(403, "wrong_signature");
    let log = server.output();
    let id = path.split(['/', '?']).find(|part| part.starts_with("upl_")).unwrap();
    assert!(log.contains(id), "the log tells of the request");
    assert!(!log.contains(path.split_once("signature=").unwrap().1));
}
