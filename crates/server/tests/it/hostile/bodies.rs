//! JSON bodies for every operation that has one in the OpenAPI document.

use keyrack_key::Scope;
use reqwest::Method;
use serde_json::{Value, json};

use super::operations::{Field, Operation, operations};
use super::texts::{TextRule, VALID_NAMES};
use crate::coverage::path_in;
use crate::fixtures::AccessFixture;
use crate::harness::send;

/// Fields that accept free text. All other fields must reject a text that isn't one of their values.
const TEXTS: [(&str, TextRule); 5] = [
    ("name", TextRule::Name),
    ("note", TextRule::Prose(500)),
    ("description", TextRule::Prose(500)),
    ("reason", TextRule::Prose(200)),
    ("origin", TextRule::Anything),
];

#[tokio::test]
async fn malformed_body_is_rejected() {
    let mut fixture = AccessFixture::start().await;
    let before = fixture.stored_data().await;
    for operation in operations(&fixture).await {
        let send_it = async |body: &[u8], kind: &str| {
            let request = operation.request(&fixture).header("content-type", kind).body(body.to_vec());
            send(request).await
        };
        let json = "application/json";
        for (body, what) in broken(&operation) {
            let answer = send_it(&body, json).await;
            assert!(matches!(answer.status.as_u16(), 400 | 422), "{what}: {answer:?}");
            answer.assert_client_error();
        }
        for wrong in ["true", "1", "\"text\"", "[]", "[null]", "[[\"project\"]]"] {
            send_it(wrong.as_bytes(), json).await.problem(422, "invalid");
        }
        if !operation.may_be_left_out {
            send_it(b"null", json).await.problem(422, "invalid");
        }
        let base = Value::Object(operation.base.clone()).to_string();
        for kind in [
            "",
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "application/jsonp",
            "application/json-patch+json",
            "json",
        ] {
            send_it(base.as_bytes(), kind).await.problem(415, "not_json");
        }
        for size in [65_537, 1_000_000] {
            let padded = format!("{}{}", " ".repeat(size), base);
            send_it(padded.as_bytes(), json).await.problem(413, "too_large");
        }
        send(operation.request(&fixture).body(base)).await.problem(415, "not_json");
    }
    assert_eq!(fixture.stored_data().await, before);
}

/// Some generated clients send `null` if their user omits the body.
#[tokio::test]
async fn null_body_counts_as_absent_if_body_is_optional() {
    let fixture = AccessFixture::start().await;
    let operations = operations(&fixture).await;
    let pause = operations.iter().find(|operation| operation.path.ends_with("/pause")).unwrap();
    assert!(pause.may_be_left_out);
    let request = pause.request(&fixture).header("content-type", "application/json").body("null");
    let answer = send(request).await;
    assert!(answer.status.is_success(), "{answer:?}");
}

/// A byte order mark and an encoded body, which our own clients never send.
#[tokio::test]
async fn byte_order_mark_is_ignored_and_encoded_body_rejected() {
    let fixture = AccessFixture::start().await;
    let mut routes: Vec<_> =
        crate::coverage::api_routes().into_iter().filter(|route| !route.method.is_safe()).collect();
    routes.retain(|route| route.method != Method::DELETE || route.path == "/keys/{id}");
    for route in routes {
        let path = format!("/api/v1{}", path_in(&fixture.ours, &route.path));
        let request = || {
            let request = fixture.server.request(route.method.clone(), &path).bearer_auth(fixture.key());
            request.header("content-type", "application/json")
        };
        // An unknown field: the request changes nothing, and the response shows that the body was read.
        let surprise = br#"{"surprise": "{"}"#;
        let plain = send(request().body(surprise.to_vec())).await;
        let marked = send(request().body([b"\xEF\xBB\xBF", surprise.as_slice()].concat())).await;
        let shown = |answer: &crate::harness::Answer| (answer.status, answer.json()["details"].clone());
        assert_eq!(shown(&marked), shown(&plain), "{path}");
        for coding in ["gzip", "br", "zstd", "GZIP", "identity, gzip", "x-unknown"] {
            let encoded = send(request().header("content-encoding", coding).body("{}")).await;
            encoded.problem(415, "encoded_body");
            assert_eq!(encoded.header("accept-encoding"), "identity");
        }
        let twice = request().header("content-encoding", "identity").header("content-encoding", "gzip");
        send(twice.body("{}")).await.problem(415, "encoded_body");
        let identity = send(request().header("content-encoding", "Identity").body(surprise.to_vec())).await;
        assert_eq!(shown(&identity), shown(&plain), "{path}");
    }
    let bodiless = fixture.server.request(Method::GET, "/api/v1/keys").bearer_auth(fixture.key());
    assert_eq!(send(bodiless.header("content-encoding", "gzip")).await.status, 200);
}

/// Bodies that are not JSON.
fn broken(operation: &Operation) -> Vec<(Vec<u8>, &'static str)> {
    let field = &operation.fields[0].name;
    let with = |value: &[u8]| [b"{\"", field.as_bytes(), b"\":", value, b"}"].concat();
    let mut broken = vec![
        (b"{".to_vec(), "cut off"),
        (b"{\"".to_vec(), "cut off in a name"),
        (b"{} {}".to_vec(), "two values"),
        (b"{}x".to_vec(), "something behind it"),
        (b"\xEF\xBB\xBF\xEF\xBB\xBF{}".to_vec(), "two byte order marks"),
        (b"{}\0".to_vec(), "a NUL behind it"),
        ("{'name': 'x'}".into(), "other quotes"),
        ("{name: 1}".into(), "a bare name"),
        ("{\"a\": NaN}".into(), "no number"),
        (b"\x1f\x8b\x08\0\0\0\0\0".to_vec(), "compressed"),
        ("[".repeat(10_000).into(), "10,000 lists"),
        ("{\"a\":".repeat(10_000).into(), "10,000 objects"),
        (with("[".repeat(10_000).as_bytes()), "10,000 lists in a field"),
        (with(b"\"\\ud800\""), "half a surrogate pair"),
        (with(b"\"\\udc00\\ud800\""), "surrogates the wrong way round"),
        (with(b"\"\xff\xfe\""), "no UTF-8"),
        (with(b"\"\xc0\xaf\""), "overlong UTF-8"),
        (with(b"\"\xed\xa0\x80\""), "a surrogate in UTF-8"),
        (with(b"\"\\x41\""), "no such escape"),
        (with(b"\"a\nb\""), "a bare newline"),
        (with(b"1e999"), "too large a number"),
    ];
    if !operation.may_be_left_out {
        broken.push((Vec::new(), "nothing"));
        broken.push((b" ".to_vec(), "a space"));
    }
    broken
}

#[tokio::test]
async fn field_of_wrong_type_is_rejected_by_name() {
    let mut fixture = AccessFixture::start().await;
    let before = fixture.stored_data().await;
    for operation in operations(&fixture).await {
        for field in &operation.fields {
            for value in values_of_other_types(field) {
                operation.assert_rejects(&fixture, &field.name, &operation.with(&field.name, value)).await;
            }
        }
        for name in operation.base.keys() {
            let mut without = operation.base.clone();
            without.remove(name);
            operation.assert_rejects(&fixture, name, &without).await;
        }
        operation.assert_rejects(&fixture, "surprise", &operation.with("surprise", json!(1))).await;
        let name = &operation.fields[0].name;
        let twice = format!("{{\"{name}\": null, \"{name}\": null}}");
        let answer =
            send(operation.request(&fixture).header("content-type", "application/json").body(twice)).await;
        answer.check_field_error(name);
    }
    assert_eq!(fixture.stored_data().await, before);
}

fn values_of_other_types(field: &Field) -> Vec<Value> {
    let kind = &field.schema["type"];
    let is = |name: &str| {
        kind == name || kind.as_array().is_some_and(|kinds| kinds.iter().any(|kind| kind == name))
    };
    let mut values = vec![json!(-1), json!(1.5), json!(u64::MAX), json!(1e300)];
    if !is("boolean") {
        values.push(json!(true));
    }
    if !is("integer") {
        values.push(json!(0));
    }
    if !field.is_nullable {
        values.push(Value::Null);
    }
    if !is("string") {
        values.extend([json!(""), json!("text"), json!("[]"), json!("x".repeat(50_000))]);
    }
    if is("array") {
        values.extend([json!([null]), json!([1]), json!([["project"]]), json!([{}]), json!([true])]);
    } else {
        values.extend([json!([]), json!(["project"]), json!([null])]);
    }
    if !is("object") && !is("array") {
        values.extend([json!({}), json!({ "name": "x" })]);
    }
    values
}

#[tokio::test]
async fn invalid_text_is_rejected_by_field() {
    let mut fixture = AccessFixture::start().await;
    let before = fixture.stored_data().await;
    for operation in operations(&fixture).await {
        for field in &operation.fields {
            let rule =
                TEXTS.iter().find(|(name, _)| *name == field.name).map_or(TextRule::Words, |(_, rule)| *rule);
            for (what, text) in rule.invalid_texts() {
                let is_list = field.schema.to_string().contains("\"array\"");
                let is_object = field.schema.to_string().contains("\"object\"");
                let value = if is_list { json!([text]) } else { json!(text) };
                let body = operation.with(&field.name, value);
                if is_object {
                    continue;
                }
                let answer = operation.send(&fixture, &body).await;
                // For an unknown workspace, every key is unknown.
                if field.name == "workspace" && answer.status == 401 {
                    answer.problem(401, "unknown_key");
                    continue;
                }
                assert_eq!(answer.status, 422, "{} with {what}: {answer:?}", field.name);
                answer.assert_client_error();
                answer.check_field_error(&field.name);
            }
        }
    }
    assert_eq!(fixture.stored_data().await, before);
}

#[tokio::test]
async fn invalid_times_and_durations_are_rejected() {
    let mut fixture = AccessFixture::start().await;
    let before = fixture.stored_data().await;
    let new = |at: &str| json!({ "name": "x", "scopes": ["inference"], "expiresAt": at });
    for at in [
        "99999-01-01T00:00:00Z",
        "+099999-01-01T00:00:00Z",
        "-0001-01-01T00:00:00Z",
        "-1",
        "0",
        "0000-00-00T00:00:00Z",
        "1969-12-31T23:59:59Z",
        "2016-12-31T23:59:60Z",
        "2027-02-30T00:00:00Z",
        "2027-01-01T24:00:01Z",
        "2027-01-01T00:00:00",
        "2027-01-01",
        "2027-01-01T00:00:00+99:00",
        "9223372036854775807",
        "1795381706",
        "never",
        "2020-01-01T00:00:00Z",
        "2027-01-01T00:00:00Z\0",
    ] {
        fixture.server.post("/api/v1/keys", fixture.key(), new(at)).await.check_field_error("expiresAt");
        let path = format!("/api/v1/keys/{}", fixture.ours.key);
        fixture
            .server
            .patch(&path, fixture.key(), json!({ "expiresAt": at }))
            .await
            .check_field_error("expiresAt");
    }
    for overlap in [
        "-1s",
        "1",
        "s",
        "1y",
        "31d",
        "99999999999999999999d",
        "18446744073709551615s",
        "1e3s",
        "0x1s",
        "٣h",
        "1 h",
    ] {
        let path = format!("/api/v1/keys/{}/rotate", fixture.ours.key);
        fixture
            .server
            .post(&path, fixture.key(), json!({ "gracePeriod": overlap }))
            .await
            .check_field_error("gracePeriod");
    }
    assert_eq!(fixture.stored_data().await, before);
}

#[tokio::test]
async fn lists_with_thousands_of_items_are_rejected() {
    let mut fixture = AccessFixture::start().await;
    let before = fixture.stored_data().await;
    let many: Vec<_> = (0..5_000).map(|n| n.to_string()).collect();
    let body = json!({ "name": "x", "scopes": many });
    fixture.server.post("/api/v1/keys", fixture.key(), body).await.assert_client_error();
    for list in ["projects", "networks", "origins"] {
        let body = json!({ "name": "x", "scopes": ["project"], "restrictions": { list: many } });
        let answer = fixture.server.post("/api/v1/keys", fixture.key(), body).await;
        answer.assert_client_error();
        answer.check_field_error("restrictions");
    }
    assert_eq!(fixture.stored_data().await, before);
}

/// If the server closed the connection during the upload, the client would lose the response.
#[tokio::test]
async fn denied_client_still_sending_receives_response() {
    let fixture = AccessFixture::start().await;
    let body = " ".repeat(8_000_000);
    for (key, status, code) in [
        ("nonsense", 401, "malformed_key"),
        (&fixture.deleted, 401, "deleted_key"),
        (fixture.key(), 413, "too_large"),
    ] {
        let request = fixture.server.request(Method::POST, "/api/v1/keys").bearer_auth(key);
        let answer = send(request.header("content-type", "application/json").body(body.clone())).await;
        answer.problem(status, code);
    }
    let narrow = &fixture.key_with_scopes(&[Scope::Inference]).secret;
    let request = fixture.server.request(Method::POST, "/api/v1/projects").bearer_auth(narrow);
    send(request.body(body)).await.problem(403, "insufficient_scope");
}

#[tokio::test]
async fn unusual_valid_names_are_returned_byte_for_byte() {
    let fixture = AccessFixture::start().await;
    let longest = "工".repeat(100);
    for name in VALID_NAMES.into_iter().chain([longest.as_str()]) {
        let created = fixture
            .server
            .post("/api/v1/keys", fixture.key(), json!({ "name": name, "scopes": ["inference"] }))
            .await;
        assert_eq!(created.status, 201, "{created:?}");
        assert_eq!(created.json()["name"], name);
        let body = json!({ "name": name, "projectType": "classification", "description": name });
        let created = fixture.server.post("/api/v1/projects", fixture.key(), body).await;
        assert_eq!(created.status, 201, "{created:?}");
        assert_eq!(created.json()["description"], name);
    }
}

/// A secret in the wrong field must not reach the response, which others may read or log.
#[tokio::test]
async fn secret_in_wrong_field_is_not_repeated() {
    let fixture = AccessFixture::start().await;
    let secret = &fixture.key_with_scopes(&[Scope::Project]).secret;
    for operation in operations(&fixture).await {
        for field in operation.fields.iter().filter(|field| !field.schema.to_string().contains("\"object\""))
        {
            for value in [json!(secret), json!([secret]), json!({ secret: 1 })] {
                let accepts_text = TEXTS.iter().any(|(name, _)| *name == field.name) && value.is_string();
                if !accepts_text {
                    let answer = operation.send(&fixture, &operation.with(&field.name, value)).await;
                    assert!(answer.status.is_client_error() && !answer.text.contains(secret), "{answer:?}");
                }
            }
        }
        let answer = operation.send(&fixture, &operation.with(secret, json!(1))).await;
        assert!(answer.status.is_client_error() && !answer.text.contains(secret), "{answer:?}");
    }
}
