//! The form for several keys, submitted without a browser.

use keyrack_store::Role;
use reqwest::Method;

use crate::fixtures::AccessFixture;
use crate::harness::{Answer, send};

const SELECTED: &str = "/w/ours/settings/api-keys/selected";
const FORM: &str = "application/x-www-form-urlencoded";

async fn post(fixture: &AccessFixture, role: Role, kind: &str, body: &str) -> Answer {
    let request = fixture.member(role).request(&fixture.server, Method::POST, SELECTED);
    send(request.header("content-type", kind).body(body.to_owned())).await
}

fn assert_page(answer: &Answer, status: u16, what: &str) {
    assert_eq!(answer.status, status, "{what}: {answer:?}");
    assert!(answer.header("content-type").starts_with("text/html"), "{what}: {answer:?}");
    assert!(
        !answer.text.contains("<script>alert") && !answer.text.contains("of a test"),
        "{what}: {answer:?}"
    );
}

#[tokio::test]
async fn selection_with_invalid_fields_changes_no_key() {
    let mut fixture = AccessFixture::start().await;
    let before = fixture.stored_data().await;
    let (ours, theirs) = (fixture.ours.key.to_string(), fixture.theirs.key.to_string());
    let confirmed = "do=delete&confirmed=yes&for=resumed";
    let many = (0..51).map(|number| format!("&key=key_000000000000700080000000{number:08}"));
    let many = many.collect::<Vec<_>>().concat();
    let long = "a".repeat(70_000);
    for (what, body, status) in [
        ("a key of another workspace", format!("{confirmed}&key={ours}&key={theirs}"), 404),
        ("a missing key", format!("{confirmed}&key={ours}&key=key_00000000000070008000000000000000"), 404),
        ("markup", format!("{confirmed}&key={ours}&key=%3Cscript%3Ealert(1)%3C/script%3E"), 404),
        ("an empty ID", format!("{confirmed}&key={ours}&key="), 404),
        ("invalid UTF-8", format!("{confirmed}&key={ours}&key=%ff%fe"), 404),
        ("another kind of ID", format!("{confirmed}&key={ours}&key={}", fixture.ours.project), 404),
        ("51 keys", format!("{confirmed}{many}"), 422),
        ("no action", format!("confirmed=yes&key={ours}"), 422),
        ("an unknown action", format!("do=rotate&confirmed=yes&key={ours}"), 422),
        ("an export by POST", format!("do=export&confirmed=yes&key={ours}"), 422),
        ("a long reason", format!("{confirmed}&key={ours}&reason={long}"), 413),
    ] {
        assert_page(&post(&fixture, Role::Owner, FORM, &body).await, status, what);
    }
    let unreadable = post(&fixture, Role::Owner, FORM, &format!("{confirmed}&key={ours}&reason=%00")).await;
    assert_eq!(unreadable.status, 422, "{unreadable:?}");
    for kind in ["", "text/plain", "application/json", "multipart/form-data; boundary=x"] {
        assert_page(&post(&fixture, Role::Owner, kind, &format!("{confirmed}&key={ours}")).await, 415, kind);
    }
    for body in ["", confirmed] {
        assert_eq!(post(&fixture, Role::Owner, FORM, body).await.status, 303);
    }
    for back in
        ["//evil.example", "https://evil.example", "/w/theirs/settings/api-keys", "javascript:alert(1)"]
    {
        let answer = post(&fixture, Role::Owner, FORM, &format!("do=delete&back={back}")).await;
        assert_eq!(answer.header("location"), "/w/ours/settings/api-keys", "{back}");
    }
    assert_eq!(fixture.stored_data().await, before);
}

#[tokio::test]
async fn member_below_admin_can_neither_select_nor_change_keys() {
    let mut fixture = AccessFixture::start().await;
    let before = fixture.stored_data().await;
    let ours = fixture.ours.key.to_string();
    for role in [Role::Viewer, Role::Member] {
        let member = fixture.member(role);
        for action in ["pause&for=resumed", "delete"] {
            let body = format!("do={action}&confirmed=yes&key={ours}");
            assert_page(&post(&fixture, role, FORM, &body).await, 403, action);
        }
        let export = format!("/w/ours/settings/api-keys/export?key={ours}");
        assert_page(&send(member.request(&fixture.server, Method::GET, &export)).await, 403, "export");
        let list = send(member.request(&fixture.server, Method::GET, "/w/ours/settings/api-keys")).await;
        assert!(list.status == 200 && !list.text.contains("type=\"checkbox\" name=\"key\""), "{list:?}");
    }
    let owner = fixture.member(Role::Owner);
    let theirs = format!("/w/ours/settings/api-keys/export?key={ours}&key={}", fixture.theirs.key);
    assert_page(&send(owner.request(&fixture.server, Method::GET, &theirs)).await, 404, "export");
    let list = send(owner.request(&fixture.server, Method::GET, "/w/ours/settings/api-keys")).await;
    assert!(list.text.contains("type=\"checkbox\" name=\"key\""), "{list:?}");
    assert_eq!(fixture.stored_data().await, before);
}
