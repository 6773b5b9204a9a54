//! The frame around the pages: navigation on error pages, and the theme.

use keyrack_store::Role;
use reqwest::Method;

use crate::fixtures::AccessFixture;
use crate::harness::{Answer, send};

const FORM: &str = "application/x-www-form-urlencoded";
const NAVIGATION: &str = "href=\"/w/ours/settings/api-keys\"";

async fn open(fixture: &AccessFixture, path: &str, cookie: &str) -> Answer {
    let request = fixture.server.request(Method::GET, path).header("accept", "text/html");
    send(request.header("cookie", cookie)).await
}

#[tokio::test]
async fn error_page_keeps_navigation_of_signed_in_user() {
    let fixture = AccessFixture::start().await;
    let cookie = &fixture.member(Role::Viewer).cookie;
    for (path, status) in [
        ("/no/such/page", 404),
        ("/w/theirs/projects", 404),
        ("/w/nothing/settings/api-keys", 404),
        ("/w/ours/settings/api-keys/key_1", 404),
        ("/w/ours/settings/api-keys/new", 403),
    ] {
        let answer = open(&fixture, path, cookie).await;
        assert_eq!(answer.status, status, "{path}: {answer:?}");
        assert!(answer.text.contains(NAVIGATION), "{path}: {answer:?}");
        assert!(!answer.text.contains("/w/theirs/"), "{path}: {answer:?}");
    }
    for cookie in ["", "keyrack_session=", &format!("keyrack_session={}", "0".repeat(64))] {
        let answer = open(&fixture, "/no/such/page", cookie).await;
        assert_eq!(answer.status, 404, "{answer:?}");
        assert!(!answer.text.contains("href=\"/w/"), "{answer:?}");
    }
}

#[tokio::test]
async fn error_page_for_request_of_another_site_has_no_navigation() {
    let fixture = AccessFixture::start().await;
    let owner = fixture.member(Role::Owner);
    let foreign = fixture.server.request(Method::POST, "/account/theme").header("cookie", &owner.cookie);
    let foreign = foreign.header("origin", "https://evil.example").header("content-type", FORM);
    let answer = send(foreign.body("theme=dark")).await;
    assert_eq!(answer.status, 403, "{answer:?}");
    assert!(!answer.text.contains(NAVIGATION) && answer.header("set-cookie").is_empty(), "{answer:?}");
}

#[tokio::test]
async fn theme_is_kept_in_cookie_and_written_into_each_page() {
    let fixture = AccessFixture::start().await;
    let owner = fixture.member(Role::Owner);
    for (theme, attribute) in
        [("dark", "<html lang=\"en\" data-theme=\"dark\">"), ("system", "<html lang=\"en\">")]
    {
        let form =
            owner.request(&fixture.server, Method::POST, "/account/theme").header("content-type", FORM);
        let answer = send(form.body(format!("theme={theme}"))).await;
        assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/account"), "{answer:?}");
        let set = answer.header("set-cookie");
        assert!(set.starts_with(&format!("keyrack_theme={theme};")) && set.contains("HttpOnly"), "{set}");
        assert_eq!(set.contains("Max-Age=0"), theme == "system", "{set}");
        let kept = format!("keyrack_theme={theme}");
        for path in ["/docs", "/sign-in", "/no/such/page"] {
            assert!(open(&fixture, path, &kept).await.text.contains(attribute), "{path}");
        }
        let account = open(&fixture, "/account", &format!("{}; {kept}", owner.cookie)).await;
        assert!(account.text.contains(attribute), "{account:?}");
        let pressed = format!("value=\"{theme}\" aria-pressed=\"true\"");
        assert!(account.text.contains(&pressed), "{account:?}");
    }
}

#[tokio::test]
async fn unknown_theme_is_rejected_in_form_and_ignored_in_cookie() {
    let fixture = AccessFixture::start().await;
    let owner = fixture.member(Role::Owner);
    for theme in ["", "DARK", "dark%20", "%22%3E%3Cscript%3E", "%00", &"d".repeat(5_000)] {
        let form =
            owner.request(&fixture.server, Method::POST, "/account/theme").header("content-type", FORM);
        let answer = send(form.body(format!("theme={theme}"))).await;
        assert_eq!(answer.status, 422, "{theme:.20}: {answer:?}");
        assert!(answer.header("set-cookie").is_empty(), "{answer:?}");
        let page = open(&fixture, "/docs", &format!("keyrack_theme={theme}")).await;
        assert!(page.status == 200 && page.text.contains("<html lang=\"en\">"), "{theme:.20}: {page:?}");
    }
    for raw in ["keyrack_theme=\"dark\"><b>", "keyrack_theme", "keyrack_theme=light\"onload=x"] {
        let page = open(&fixture, "/docs", raw).await;
        assert!(page.status == 200 && page.text.contains("<html lang=\"en\">"), "{raw}: {page:?}");
    }
}

#[tokio::test]
async fn touch_icon_is_a_small_png() {
    let fixture = AccessFixture::start().await;
    let page = open(&fixture, "/sign-in", "").await.text;
    assert!(page.contains("<link rel=\"apple-touch-icon\" href=\"/apple-touch-icon.png\">"), "{page}");
    let icon = fixture.server.request(Method::GET, "/apple-touch-icon.png").send().await.unwrap();
    assert_eq!(icon.headers()["content-type"], "image/png");
    let icon = icon.bytes().await.unwrap();
    assert!(icon.starts_with(b"\x89PNG") && icon.len() < 10_000, "{} bytes", icon.len());
}
