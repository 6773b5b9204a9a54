//! A request that was let in and then held back: its key is judged again where it would change something.

use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::desk::{Desk, Made};
use crate::harness::Answer;
use crate::raw::{connect, read_answer};

/// `POST` of a body, of which all but the last byte is sent.
async fn held(desk: &Desk, by: &Made, path: &str, body: &str) -> TcpStream {
    let mut stream = connect(&desk.server.url).await;
    let host = desk.server.url.trim_start_matches("http://");
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: {host}\r\nx-api-key: {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
         expect: 100-continue\r\n\r\n",
        by.secret,
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    // The server asks for the body only when the guard has let the request in.
    let mut asked = [0; 25];
    tokio::io::AsyncReadExt::read_exact(&mut stream, &mut asked).await.unwrap();
    assert_eq!(&asked, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(&body.as_bytes()[..body.len() - 1]).await.unwrap();
    stream
}

async fn let_go(mut stream: TcpStream, body: &str) -> Answer {
    stream.write_all(&body.as_bytes()[body.len() - 1..]).await.unwrap();
    read_answer(&mut stream).await.unwrap()
}

#[tokio::test]
async fn a_deleted_key_leaves_no_other_behind() {
    let desk = Desk::open().await;
    let thief = desk.make(json!({ "name": "stolen", "scopes": ["keys", "inference"] })).await;
    let other = desk.make(json!({ "name": "other", "scopes": ["inference"] })).await;
    let make = r#"{"name": "hidden", "scopes": ["keys"]}"#;
    let rotate = r#"{"gracePeriod": "0s"}"#;
    let making = held(&desk, &thief, "/api/v1/keys", make).await;
    let rotating = held(&desk, &thief, &format!("{}/rotate", other.path()), rotate).await;
    desk.delete(&thief.path()).await.ok();
    let_go(making, make).await.refused(401, "changed_key");
    let_go(rotating, rotate).await.refused(401, "changed_key");
    desk.server
        .post("/api/v1/verify", &other.secret, json!({ "workspace": crate::harness::SLUG }))
        .await
        .ok();
}

#[tokio::test]
async fn a_narrowed_key_gives_what_it_has_now() {
    let desk = Desk::open().await;
    let wide = desk.make(json!({ "name": "wide", "scopes": ["keys", "project"] })).await;
    let make = r#"{"name": "too wide", "scopes": ["project"]}"#;
    let making = held(&desk, &wide, "/api/v1/keys", make).await;
    desk.patch(&wide.path(), json!({ "scopes": ["keys", "inference"] })).await.ok();
    let_go(making, make).await.refused(401, "changed_key");
}

/// What the store holds is no answer for a key that was deleted meanwhile.
#[tokio::test]
async fn a_deleted_key_learns_nothing_of_what_its_request_would_have_met() {
    let desk = Desk::open().await;
    let project = json!({ "name": "empty", "projectType": "classification" });
    let project = desk.post("/api/v1/projects", project).await.ok().json()["id"].clone();
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
        let thief = desk.make(json!({ "name": "stolen", "scopes": ["project"] })).await;
        let request = held(&desk, &thief, &path, body).await;
        desk.delete(&thief.path()).await.ok();
        let answer = let_go(request, body).await;
        assert_eq!(
            (answer.status, answer.json()["code"].as_str()),
            (401.try_into().unwrap(), Some("changed_key")),
            "{path}"
        );
    }
}
