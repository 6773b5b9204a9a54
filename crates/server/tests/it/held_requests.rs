//! Requests that the guard has allowed and that are held: each write verifies the key again.

use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::api::{Api, CreatedKey};
use crate::harness::Answer;
use crate::raw_http::{connect, read_answer};

/// Sends a POST request without the last byte of its body.
async fn hold_request(api: &Api, by: &CreatedKey, path: &str, body: &str) -> TcpStream {
    let mut stream = connect(&api.server.url).await;
    let host = api.server.url.trim_start_matches("http://");
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: {host}\r\nx-api-key: {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
         expect: 100-continue\r\n\r\n",
        by.secret,
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    // The server sends 100 Continue only after the guard has allowed the request.
    let mut interim_response = [0; 25];
    tokio::io::AsyncReadExt::read_exact(&mut stream, &mut interim_response).await.unwrap();
    assert_eq!(&interim_response, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(&body.as_bytes()[..body.len() - 1]).await.unwrap();
    stream
}

async fn release_request(mut stream: TcpStream, body: &str) -> Answer {
    stream.write_all(&body.as_bytes()[body.len() - 1..]).await.unwrap();
    read_answer(&mut stream).await.unwrap()
}

#[tokio::test]
async fn held_request_of_deleted_key_creates_no_key() {
    let api = Api::start().await;
    let thief = api.create_key(json!({ "name": "stolen", "scopes": ["keys", "inference"] })).await;
    let other = api.create_key(json!({ "name": "other", "scopes": ["inference"] })).await;
    let make = r#"{"name": "hidden", "scopes": ["keys"]}"#;
    let rotate = r#"{"gracePeriod": "0s"}"#;
    let making = hold_request(&api, &thief, "/api/v1/keys", make).await;
    let rotating = hold_request(&api, &thief, &format!("{}/rotate", other.path()), rotate).await;
    api.delete(&thief.path()).await.ok();
    release_request(making, make).await.assert_problem(401, "changed_key");
    release_request(rotating, rotate).await.assert_problem(401, "changed_key");
    api.server.post("/api/v1/verify", &other.secret, json!({ "workspace": crate::harness::SLUG })).await.ok();
}

#[tokio::test]
async fn held_request_of_narrowed_key_grants_nothing() {
    let api = Api::start().await;
    let wide = api.create_key(json!({ "name": "wide", "scopes": ["keys", "project"] })).await;
    let make = r#"{"name": "too wide", "scopes": ["project"]}"#;
    let making = hold_request(&api, &wide, "/api/v1/keys", make).await;
    api.patch(&wide.path(), json!({ "scopes": ["keys", "inference"] })).await.ok();
    release_request(making, make).await.assert_problem(401, "changed_key");
}

/// The response doesn't depend on stored data if the key was deleted in the meantime.
#[tokio::test]
async fn held_request_of_deleted_key_reveals_nothing() {
    let api = Api::start().await;
    let project = json!({ "name": "empty", "projectType": "classification" });
    let project = api.post("/api/v1/projects", project).await.ok().json()["id"].clone();
    let project = format!("/api/v1/projects/{}", project.as_str().unwrap());
    let nothing = "/api/v1/projects/prj_00000000000070008000000000000000";
    let source = r#"{"name": "a.jpg", "source": "upload://nothing"}"#;
    let mark = r#"{"dataset_record_id": "rec_00000000000070008000000000000000", "annotations": []}"#;
    let taken = r#"{"name": "empty", "projectType": "classification"}"#;
    let requests = [
        (format!("{project}/models"), "{} "),
        (format!("{nothing}/models"), "{} "),
        (format!("{project}/datasets/records"), source),
        (format!("{project}/annotations"), mark),
        (format!("{project}/annotations/labels"), r#"[{"name": ""}]"#),
        (format!("{project}/batches"), r#"{"name": ""}"#),
        (format!("{project}/upload"), r#"{"name": ""}"#),
        ("/api/v1/projects".to_owned(), taken),
        ("/api/v1/projects".to_owned(), r#"{"name": "", "projectType": "x"}"#),
    ];
    for (path, body) in requests {
        let thief = api.create_key(json!({ "name": "stolen", "scopes": ["project"] })).await;
        let request = hold_request(&api, &thief, &path, body).await;
        api.delete(&thief.path()).await.ok();
        let answer = release_request(request, body).await;
        assert_eq!(
            (answer.status, answer.json()["code"].as_str()),
            (401.try_into().unwrap(), Some("changed_key")),
            "{path}"
        );
    }
}
