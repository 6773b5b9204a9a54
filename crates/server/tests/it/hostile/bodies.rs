//! JSON bodies, for every operation that the OpenAPI document gives one.

use keyrack_key::Scope;
use reqwest::Method;
use serde_json::{Value, json};

use super::operation::{Field, Operation, operations};
use super::text::{FINE, Takes};
use crate::cast::Cast;
use crate::coverage::path_in;
use crate::harness::send;

/// Texts that are more than a word of a list. A field that is not here has to refuse whatever is no such word.
const TEXTS: [(&str, Takes); 5] = [
    ("name", Takes::Name),
    ("note", Takes::Prose(500)),
    ("description", Takes::Prose(500)),
    ("reason", Takes::Prose(200)),
    ("origin", Takes::Anything),
];

#[tokio::test]
async fn a_body_that_is_no_body_is_refused() {
    let mut cast = Cast::assemble().await;
    let before = cast.written().await;
    for operation in operations(&cast).await {
        let send_it = async |body: &[u8], kind: &str| {
            let request = operation.request(&cast).header("content-type", kind).body(body.to_vec());
            send(request).await
        };
        let json = "application/json";
        for (body, what) in broken(&operation) {
            let answer = send_it(&body, json).await;
            assert!(matches!(answer.status.as_u16(), 400 | 422), "{what}: {answer:?}");
            answer.is_clear_refusal();
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
        send(operation.request(&cast).body(base)).await.problem(415, "not_json");
    }
    assert_eq!(cast.written().await, before);
}

/// Some generated clients send `null` where their user leaves out the body.
#[tokio::test]
async fn null_counts_as_no_body_where_a_body_may_be_left_out() {
    let cast = Cast::assemble().await;
    let operations = operations(&cast).await;
    let pause = operations.iter().find(|operation| operation.path.ends_with("/pause")).unwrap();
    assert!(pause.may_be_left_out);
    let request = pause.request(&cast).header("content-type", "application/json").body("null");
    let answer = send(request).await;
    assert!(answer.status.is_success(), "{answer:?}");
}

/// What no client of ours writes is understood nevertheless, or said to be not.
#[tokio::test]
async fn a_byte_order_mark_is_passed_over_and_an_encoded_body_is_named() {
    let cast = Cast::assemble().await;
    let mut routes: Vec<_> =
        crate::coverage::api_routes().into_iter().filter(|route| !route.method.is_safe()).collect();
    routes.retain(|route| route.method != Method::DELETE || route.path == "/keys/{id}");
    for route in routes {
        let path = format!("/api/v1{}", path_in(&cast.ours, &route.path));
        let request = || {
            let request = cast.server.request(route.method.clone(), &path).bearer_auth(cast.key());
            request.header("content-type", "application/json")
        };
        // A field that no body has: nothing is done, and the answer shows that the body was read.
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
    let bodiless = cast.server.request(Method::GET, "/api/v1/keys").bearer_auth(cast.key());
    assert_eq!(send(bodiless.header("content-encoding", "gzip")).await.status, 200);
}

/// What cannot be read as JSON at all.
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
async fn a_field_of_the_wrong_kind_is_refused_by_its_name() {
    let mut cast = Cast::assemble().await;
    let before = cast.written().await;
    for operation in operations(&cast).await {
        for field in &operation.fields {
            for value in of_other_kinds(field) {
                operation.refuses(&cast, &field.name, &operation.with(&field.name, value)).await;
            }
        }
        for name in operation.base.keys() {
            let mut without = operation.base.clone();
            without.remove(name);
            operation.refuses(&cast, name, &without).await;
        }
        operation.refuses(&cast, "surprise", &operation.with("surprise", json!(1))).await;
        let name = &operation.fields[0].name;
        let twice = format!("{{\"{name}\": null, \"{name}\": null}}");
        let answer =
            send(operation.request(&cast).header("content-type", "application/json").body(twice)).await;
        answer.names_field(name);
    }
    assert_eq!(cast.written().await, before);
}

fn of_other_kinds(field: &Field) -> Vec<Value> {
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
async fn a_text_that_does_not_belong_is_refused_by_its_field() {
    let mut cast = Cast::assemble().await;
    let before = cast.written().await;
    for operation in operations(&cast).await {
        for field in &operation.fields {
            let takes =
                TEXTS.iter().find(|(name, _)| *name == field.name).map_or(Takes::Words, |(_, takes)| *takes);
            for (what, text) in takes.refuses() {
                let is_list = field.schema.to_string().contains("\"array\"");
                let is_object = field.schema.to_string().contains("\"object\"");
                let value = if is_list { json!([text]) } else { json!(text) };
                let body = operation.with(&field.name, value);
                if is_object {
                    continue;
                }
                let answer = operation.send(&cast, &body).await;
                // A workspace that is not there is one whose keys are unknown.
                if field.name == "workspace" && answer.status == 401 {
                    answer.problem(401, "unknown_key");
                    continue;
                }
                assert_eq!(answer.status, 422, "{} with {what}: {answer:?}", field.name);
                answer.is_clear_refusal();
                answer.names_field(&field.name);
            }
        }
    }
    assert_eq!(cast.written().await, before);
}

#[tokio::test]
async fn times_and_spans_beyond_reason_are_refused() {
    let mut cast = Cast::assemble().await;
    let before = cast.written().await;
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
        cast.server.post("/api/v1/keys", cast.key(), new(at)).await.names_field("expiresAt");
        let path = format!("/api/v1/keys/{}", cast.ours.key);
        cast.server.patch(&path, cast.key(), json!({ "expiresAt": at })).await.names_field("expiresAt");
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
        let path = format!("/api/v1/keys/{}/rotate", cast.ours.key);
        cast.server
            .post(&path, cast.key(), json!({ "gracePeriod": overlap }))
            .await
            .names_field("gracePeriod");
    }
    assert_eq!(cast.written().await, before);
}

#[tokio::test]
async fn lists_of_thousands_are_refused_in_few_words() {
    let mut cast = Cast::assemble().await;
    let before = cast.written().await;
    let many: Vec<_> = (0..5_000).map(|n| n.to_string()).collect();
    let body = json!({ "name": "x", "scopes": many });
    cast.server.post("/api/v1/keys", cast.key(), body).await.is_clear_refusal();
    for list in ["projects", "networks", "origins"] {
        let body = json!({ "name": "x", "scopes": ["project"], "restrictions": { list: many } });
        let answer = cast.server.post("/api/v1/keys", cast.key(), body).await;
        answer.is_clear_refusal();
        answer.names_field("restrictions");
    }
    assert_eq!(cast.written().await, before);
}

/// A connection that is closed over what is still being sent takes the answer with it.
#[tokio::test]
async fn whoever_is_refused_while_still_sending_hears_it() {
    let cast = Cast::assemble().await;
    let body = " ".repeat(8_000_000);
    for (key, status, code) in [
        ("nonsense", 401, "malformed_key"),
        (&cast.deleted, 401, "deleted_key"),
        (cast.key(), 413, "too_large"),
    ] {
        let request = cast.server.request(Method::POST, "/api/v1/keys").bearer_auth(key);
        let answer = send(request.header("content-type", "application/json").body(body.clone())).await;
        answer.problem(status, code);
    }
    let narrow = &cast.holding(&[Scope::Inference]).secret;
    let request = cast.server.request(Method::POST, "/api/v1/projects").bearer_auth(narrow);
    send(request.body(body)).await.problem(403, "insufficient_scope");
}

#[tokio::test]
async fn odd_names_that_are_somebodys_come_back_byte_for_byte() {
    let cast = Cast::assemble().await;
    let longest = "工".repeat(100);
    for name in FINE.into_iter().chain([longest.as_str()]) {
        let made = cast
            .server
            .post("/api/v1/keys", cast.key(), json!({ "name": name, "scopes": ["inference"] }))
            .await;
        assert_eq!(made.status, 201, "{made:?}");
        assert_eq!(made.json()["name"], name);
        let body = json!({ "name": name, "projectType": "classification", "description": name });
        let made = cast.server.post("/api/v1/projects", cast.key(), body).await;
        assert_eq!(made.status, 201, "{made:?}");
        assert_eq!(made.json()["description"], name);
    }
}

/// A secret in the wrong place is not repeated to whoever reads the answer, or the log of the client.
#[tokio::test]
async fn a_secret_in_the_wrong_field_is_not_repeated() {
    let cast = Cast::assemble().await;
    let secret = &cast.holding(&[Scope::Project]).secret;
    for operation in operations(&cast).await {
        for field in operation.fields.iter().filter(|field| !field.schema.to_string().contains("\"object\""))
        {
            for value in [json!(secret), json!([secret]), json!({ secret: 1 })] {
                let takes = TEXTS.iter().any(|(name, _)| *name == field.name) && value.is_string();
                if !takes {
                    let answer = operation.send(&cast, &operation.with(&field.name, value)).await;
                    assert!(answer.status.is_client_error() && !answer.text.contains(secret), "{answer:?}");
                }
            }
        }
        let answer = operation.send(&cast, &operation.with(secret, json!(1))).await;
        assert!(answer.status.is_client_error() && !answer.text.contains(secret), "{answer:?}");
    }
}
