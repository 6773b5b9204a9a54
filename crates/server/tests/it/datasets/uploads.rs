//! Upload URLs: who can use them, and until when.

use keyrack_key::{Digest, Timestamp, UploadId};
use keyrack_store::{Actor, NewUpload, Role, Store};
use rand_core::UnwrapErr;
use reqwest::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{DatasetFixture, UploadUrl, test_images};
use crate::fixtures::AccessFixture;
use crate::harness::{Server, send, setup, text};
use crate::raw_http::{connect, read_answer};

#[tokio::test]
async fn upload_url_with_wrong_signature_is_denied() {
    let dataset = DatasetFixture::start().await;
    let (one, other) = (dataset.request_upload().await, dataset.request_upload().await);
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
        let upload_url = UploadUrl { path, uri: String::new() };
        dataset.put(&upload_url, &test_images::jpeg(8, 8)).await.assert_problem(403, "wrong_signature");
    }
    assert!(dataset.objects().is_empty());
    dataset.put(&one, &test_images::jpeg(8, 8)).await.ok();
}

#[tokio::test]
async fn second_upload_replaces_first_until_recorded() {
    let dataset = DatasetFixture::start().await;
    let upload_url = dataset.request_upload().await;
    dataset.create_record(&upload_url.uri).await.assert_problem(409, "not_uploaded");
    dataset.put(&upload_url, &test_images::jpeg(8, 8)).await.ok();
    dataset.put(&upload_url, &test_images::jpeg(9, 9)).await.ok();
    let record = dataset.create_record(&upload_url.uri).await.ok().json();
    assert_eq!(record["width"], 9);
    dataset.put(&upload_url, &test_images::jpeg(10, 10)).await.assert_problem(409, "already_recorded");
    assert_eq!(dataset.create_record(&upload_url.uri).await.ok().json(), record);
    assert_eq!(dataset.objects().len(), 2);
}

#[tokio::test]
async fn upload_url_of_deleted_key_is_denied() {
    let dataset = DatasetFixture::start().await;
    let key = dataset.api.create_key_with(&["project"]).await;
    let (early, late) =
        (dataset.request_upload_with(&key.secret).await, dataset.request_upload_with(&key.secret).await);
    dataset.put(&early, &test_images::jpeg(8, 8)).await.ok();
    dataset.api.delete(&key.path()).await.ok();
    dataset.put(&late, &test_images::jpeg(8, 8)).await.assert_problem(403, "key_ended");
    dataset.create_record(&early.uri).await.assert_problem(403, "key_ended");
    assert!(dataset.find_records("").await.is_empty());
}

#[tokio::test]
async fn upload_url_of_narrowed_key_is_denied() {
    let dataset = DatasetFixture::start().await;
    let other = dataset.api.project("Elsewhere").await;
    for narrowed in [json!({ "scopes": ["inference"] }), json!({ "restrictions": { "projects": [other] } })] {
        let key = dataset.api.create_key_with(&["project"]).await;
        let upload_url = dataset.request_upload_with(&key.secret).await;
        dataset.api.patch(&key.path(), narrowed).await.ok();
        dataset.put(&upload_url, &test_images::jpeg(8, 8)).await.assert_problem(403, "key_ended");
    }
}

/// The name of the case, the changes of the key that requested the upload URL, and whether the URL still accepts bytes.
type ChangesOfKey = (&'static str, Vec<(Method, &'static str, serde_json::Value)>, bool);

#[tokio::test]
async fn upload_url_works_only_while_its_secret_is_valid() {
    let dataset = DatasetFixture::start().await;
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
        let key = dataset.api.create_key_with(&["project"]).await;
        let upload_url = dataset.request_upload_with(&key.secret).await;
        // One request is held before its last byte; another begins after the change.
        let mut connection = connect(&dataset.api.server.url).await;
        let picture = test_images::jpeg(8, 8);
        let request_head = format!(
            "PUT {} HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\nexpect: 100-continue\r\n\r\n",
            upload_url.path,
            picture.len()
        );
        connection.write_all(request_head.as_bytes()).await.unwrap();
        let mut requests = [0; 25];
        connection.read_exact(&mut requests).await.unwrap();
        assert_eq!(&requests, b"HTTP/1.1 100 Continue\r\n\r\n");
        connection.write_all(&picture[..picture.len() - 1]).await.unwrap();
        for (method, rest, body) in changes {
            let path = format!("{}{rest}", key.path());
            send(dataset.api.request(method, &path).json(&body)).await.ok();
        }
        connection.write_all(&picture[picture.len() - 1..]).await.unwrap();
        let held = read_answer(&mut connection).await.unwrap();
        let files = dataset.objects().len();
        let late = dataset.put(&upload_url, &picture).await;
        if may {
            assert_eq!((held.status.as_u16(), late.status.as_u16()), (204, 204), "{what}: {held:?} {late:?}");
        } else {
            assert_eq!(held.problem(403, "key_ended")["code"], "key_ended", "{what}");
            late.problem(403, "key_ended");
            assert_eq!(dataset.objects().len(), files, "{what}");
            dataset.create_record(&upload_url.uri).await.assert_problem(403, "key_ended");
        }
    }
}

#[tokio::test]
async fn upload_url_of_user_is_denied_after_sign_out() {
    let fixture = AccessFixture::start().await;
    let path = format!("/api/v1/projects/{}/upload", fixture.ours.project);
    let browser = fixture.member(Role::Member);
    let request_upload =
        || browser.request(&fixture.server, Method::POST, &path).header("x-keyrack-workspace", "ours");
    let put = async |upload_url: &serde_json::Value| {
        let path = text(&upload_url["uploadUrl"]).strip_prefix(&fixture.server.url).unwrap().to_owned();
        send(fixture.server.request(Method::PUT, &path).body(test_images::jpeg(8, 8))).await
    };
    let upload_url = send(request_upload().json(&json!({ "name": "a.jpg" }))).await.ok().json();
    assert_eq!(put(&upload_url).await.status, 204);
    send(browser.request(&fixture.server, Method::POST, "/sign-out")).await;
    put(&upload_url).await.assert_problem(403, "key_ended");
}

#[tokio::test]
async fn upload_source_of_other_project_is_rejected() {
    let dataset = DatasetFixture::start().await;
    let upload_url = dataset.request_upload().await;
    dataset.put(&upload_url, &test_images::jpeg(8, 8)).await.ok();
    let here = dataset.project.clone();
    let other = DatasetFixture { project: dataset.api.project("Elsewhere").await, api: dataset.api };
    for source in [&upload_url.uri, "", "keyrack:", "/etc/passwd", "https://example.org/a.jpg"] {
        other.create_record(source).await.check_field_error("source");
    }
    let dataset = DatasetFixture { project: here, api: other.api };
    let body = |batch: &str| json!({ "name": "a.jpg", "batchId": batch, "source": upload_url.uri });
    for batch in ["", "x", "bat_00000000000070008000000000000000"] {
        dataset.post("datasets/records", body(batch)).await.check_field_error("batchId");
    }
    assert_eq!(dataset.create_record(&upload_url.uri).await.status, 201);

    let fixture = AccessFixture::start().await;
    let upload = format!("/api/v1/projects/{}/upload", fixture.ours.project);
    let ours = fixture.server.post(&upload, fixture.key(), json!({ "name": "a.jpg" })).await.ok().json();
    let theirs = format!("/api/v1/projects/{}/datasets/records", fixture.theirs.project);
    let body = json!({ "name": "a.jpg", "source": ours["uri"] });
    fixture.server.post(&theirs, &fixture.their_key, body).await.check_field_error("source");
}

#[tokio::test]
async fn expired_upload_url_is_denied() {
    let mut dataset = DatasetFixture::start().await;
    let token = "0".repeat(64);
    dataset.api.server.stop().await;
    let store = Store::open(&dataset.api.server.data().join("keyrack.db"), UnwrapErr(getrandom::SysRng))
        .await
        .unwrap();
    let now = Timestamp::from_micros(jiff::Timestamp::now().as_microsecond());
    let minutes = |n: u64| now.minus(std::time::Duration::from_mins(n));
    let id = UploadId::new(now, &mut UnwrapErr(getrandom::SysRng));
    let project = dataset.project.parse().unwrap();
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
    dataset.api.server.restart().await;
    let upload_url =
        UploadUrl { path: format!("/api/v1/uploads/{id}?signature={token}"), uri: format!("keyrack:{id}") };
    dataset.put(&upload_url, &test_images::jpeg(8, 8)).await.assert_problem(403, "upload_over");
    dataset.create_record(&upload_url.uri).await.assert_problem(403, "upload_over");
}

#[tokio::test]
async fn upload_url_uses_public_url_and_is_not_logged() {
    let server =
        Server::start_with(&["--log", "trace", "--public-url", "https://keys.example.org"], &[]).await;
    setup(&server.data()).run().await.assert_succeeded();
    let key = server.create_secret(&["project"]).await;
    let project = json!({ "name": "n", "projectType": "classification" });
    let project = text(&server.post("/api/v1/projects", &key, project).await.ok().json()["id"]);
    let upload_url =
        server.post(&format!("/api/v1/projects/{project}/upload"), &key, json!({ "name": "a" })).await;
    let url = text(&upload_url.ok().json()["uploadUrl"]);
    let path = url.strip_prefix("https://keys.example.org").unwrap();
    assert_eq!(send(server.request(Method::PUT, path).body(test_images::jpeg(8, 8))).await.status, 204);
    send(server.request(Method::PUT, &format!("{path}0")).body("x"))
        .await
        .assert_problem(403, "wrong_signature");
    let log = server.output();
    let id = path.split(['/', '?']).find(|part| part.starts_with("upl_")).unwrap();
    assert!(log.contains(id), "the log contains the request");
    assert!(!log.contains(path.split_once("signature=").unwrap().1));
}
