//! The docs: their pages, their examples, their list of errors, and the search.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use keyrack_key::DenialReason;
use keyrack_store::Role;
use regex::Regex;
use reqwest::Method;
use serde_json::{Value, json};

use crate::coverage::path_in;
use crate::fixtures::AccessFixture;
use crate::harness::{Answer, send};

const PAGES: [&str; 7] = [
    "/docs",
    "/docs/authentication",
    "/docs/errors",
    "/docs/search?q=key",
    "/docs/api/keys",
    "/docs/api/predictions",
    "/docs/guides/verify-keys",
];

async fn open(fixture: &AccessFixture, path: &str) -> Answer {
    send(fixture.server.request(Method::GET, path).header("accept", "text/html")).await
}

async fn open_signed_in(fixture: &AccessFixture, path: &str) -> Answer {
    let request = fixture.member(Role::Owner).request(&fixture.server, Method::GET, path);
    send(request.header("accept", "text/html")).await
}

fn has_navigation(answer: &Answer) -> bool {
    answer.text.contains("href=\"/w/ours/settings/api-keys\"")
}

#[tokio::test]
async fn docs_have_navigation_with_session_only_and_link_to_pages_that_exist() {
    let fixture = AccessFixture::start().await;
    let mut linked = BTreeSet::new();
    for path in PAGES {
        let public = open(&fixture, path).await;
        assert_eq!(public.status, 200, "{public:?}");
        assert!(!has_navigation(&public) && public.text.contains("class=\"plain\""), "{path}");
        let own = open_signed_in(&fixture, path).await;
        assert_eq!(own.status, 200, "{own:?}");
        assert!(has_navigation(&own), "{path}");
        let page = path.split('?').next().unwrap();
        let is_in_contents =
            path.contains("search") || own.text.contains(&format!("href=\"{page}\" aria-current=\"page\""));
        assert!(is_in_contents, "{path} isn't marked in the contents");
        let links = public.text.split("href=\"/docs").skip(1);
        linked.extend(links.map(|link| format!("/docs{}", link.split(['"', '#']).next().unwrap())));
    }
    assert!(linked.len() > 15, "{linked:?}");
    for path in &linked {
        assert_eq!(open(&fixture, path).await.status, 200, "{path}");
    }
    for missing in
        ["/docs/api/nothing", "/docs/guides/%2e%2e%2foperations", "/docs/guides/README", "/docs/nothing"]
    {
        assert_eq!(open(&fixture, missing).await.status, 404, "{missing}");
    }
}

#[tokio::test]
async fn each_operation_has_example_with_address_of_this_server() {
    let fixture = AccessFixture::start().await;
    let document = fixture.server.get("/api/v1/openapi.json", fixture.key()).await.json();
    let mut pages = BTreeMap::new();
    for (path, method, operation) in operations(&document) {
        let group = operation["tags"][0].as_str().unwrap().to_lowercase();
        if !pages.contains_key(&group) {
            pages.insert(group.clone(), open(&fixture, &format!("/docs/api/{group}")).await.text);
        }
        let id = operation["operationId"].as_str().unwrap();
        let section = pages[&group].split(&format!("aria-labelledby=\"{id}\"")).nth(1).unwrap();
        let section = section.split("<section class=\"operation\"").next().unwrap();
        for language in ["curl", "Python", "JavaScript"] {
            assert!(section.contains(&format!("data-tab=\"{language}\"")), "{id}: {language}");
        }
        let start = path.split('{').next().unwrap();
        let url = format!("{}/api/v1{start}", fixture.server.url);
        assert!(section.matches(&url).count() >= 3, "{id} doesn't show {url}");
        let code = section.split("data-tabs=").nth(1).unwrap().split("<h3 id=").next().unwrap();
        assert!(!code.contains("/{"), "{id} has a parameter without an example: {code}");
        let has_json = operation["requestBody"]["content"]["application/json"].is_object();
        let sent = section.contains("-d &#39;") || section.contains("--data-binary");
        assert_eq!(has_json || sent, sent, "{id}: {method} has no example body");
    }
    assert!(pages.len() > 7, "{} groups", pages.len());
}

fn operations(document: &Value) -> Vec<(&str, &str, &Value)> {
    let paths = document["paths"].as_object().unwrap().iter();
    let all = paths.flat_map(|(path, methods)| {
        let methods = methods.as_object().unwrap().iter();
        methods.map(move |(method, operation)| (path.as_str(), method.as_str(), operation))
    });
    all.collect()
}

/// Operations that create something with their example, without anything that must exist before.
const CREATES: [&str; 7] = [
    "createKey",
    "createProject",
    "createBatch",
    "createLabels",
    "createUpload",
    "registerNode",
    "rotateKey",
];

#[tokio::test]
async fn example_body_of_each_operation_is_valid() {
    let fixture = AccessFixture::start().await;
    let document = fixture.server.get("/api/v1/openapi.json", fixture.key()).await.json();
    let mut sent = 0;
    let mut all = operations(&document);
    // Other operations need the key.
    all.sort_by_key(|(_, _, operation)| operation["operationId"] == "deleteKey");
    for (path, method, operation) in all {
        let content = &operation["requestBody"]["content"]["application/json"];
        if !content.is_object() {
            continue;
        }
        let id = operation["operationId"].as_str().unwrap();
        assert!(!content["example"].is_null(), "{id} has no example");
        let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
        let path = format!("/api/v1{}", path_in(&fixture.ours, path));
        let request = fixture.server.request(method, &path).header("x-api-key", fixture.key());
        let mut body = content["example"].clone();
        if id == "createRecord" {
            body["source"] = create_upload(&fixture).await;
        }
        let answer = send(request.json(&body)).await;
        assert!(!matches!(answer.status.as_u16(), 400 | 415 | 422 | 500..), "{id}: {answer:?}");
        assert!(!CREATES.contains(&id) || answer.status.is_success(), "{id}: {answer:?}");
        sent += 1;
    }
    assert!(sent > 18, "{sent} examples");
}

/// Creates an upload and returns its URI.
async fn create_upload(fixture: &AccessFixture) -> Value {
    let path = path_in(&fixture.ours, "/api/v1/projects/{id}/upload");
    let created = fixture.server.post(&path, fixture.key(), json!({ "name": "cap.jpg" })).await;
    created.json()["uri"].clone()
}

/// The code and the name of the status of each problem in the source.
fn codes_in_source() -> BTreeMap<String, BTreeSet<String>> {
    let pattern = Regex::new(
        r#"(?:StatusCode::([A-Z_]+)\s*(?:,|=>\s*(?:return\s*)?\()|(?:Problem::new|problem)\(\s*(status),)\s*"([a-z_]+)""#,
    );
    let pattern = pattern.unwrap();
    let mut codes: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let source = fs::read_to_string(path).unwrap();
                let production = source.split("#[cfg(test)]\nmod tests {").next().unwrap();
                for found in pattern.captures_iter(production) {
                    let status = found.get(1).or(found.get(2)).unwrap().as_str().to_owned();
                    codes.entry(found[3].to_owned()).or_default().insert(status);
                }
            }
        }
    }
    codes
}

#[tokio::test]
async fn error_page_lists_each_code_of_the_source_with_its_status() {
    let fixture = AccessFixture::start().await;
    let page = open(&fixture, "/docs/errors").await.text;
    let row =
        Regex::new(r#"(?s)<tr role="row" id="([a-z_]+)">.*?"Status">(\d+)</td>.*?"Cause">([^<]+)</td>.*?"What to do">([^<]+)</td>"#).unwrap();
    let mut listed = BTreeMap::new();
    for row in row.captures_iter(&page) {
        let ends = row[3].ends_with('.') && row[4].ends_with('.');
        assert!(ends && row[3].len() > 10 && row[4].len() > 6, "{}: write sentences", &row[1]);
        let status: u16 = row[2].parse().unwrap();
        assert_eq!(listed.insert(row[1].to_owned(), status), None, "{} is listed twice", &row[1]);
    }
    let source = codes_in_source();
    assert!(source.len() > 45, "only {} codes were found", source.len());
    for (code, statuses) in &source {
        let Some(status) = listed.get(code) else { panic!("{code} isn't on the page with errors") };
        let name = reqwest::StatusCode::from_u16(*status).unwrap().canonical_reason().unwrap();
        let name = name.to_uppercase().replace(' ', "_");
        assert!(
            statuses.contains(&name) || statuses.contains("status"),
            "{code}: {status}, not {statuses:?}"
        );
    }
    let denials: BTreeSet<_> = DenialReason::ALL.map(DenialReason::code).into();
    for code in listed.keys() {
        assert!(source.contains_key(code) || denials.contains(code.as_str()), "no response has {code}");
    }
    for code in denials {
        assert!(listed.contains_key(code), "{code}");
    }
}

#[tokio::test]
async fn search_finds_operations_errors_and_guides() {
    let fixture = AccessFixture::start().await;
    for (query, url) in [
        ("rotate+a+key", "/docs/api/keys#rotateKey"),
        ("POST+%2Fkeys", "/docs/api/keys#createKey"),
        ("quota_exceeded", "/docs/errors#quota_exceeded"),
        ("NGINX+proxy", "/docs/guides/verify-keys#"),
    ] {
        let answer = open(&fixture, &format!("/docs/search?q={query}")).await;
        assert!(answer.text.contains(&format!("<a href=\"{url}")), "{query}: {answer:?}");
    }
    let answer = open(&fixture, "/docs/search?q=%3Cscript%3Ealert(1)%3C/script%3E").await;
    assert!(answer.text.contains("0 results for") && !answer.text.contains("<script>alert"), "{answer:?}");
    let empty = open(&fixture, "/docs/search").await;
    assert!(empty.status == 200 && !empty.text.contains("results for"), "{empty:?}");
}
