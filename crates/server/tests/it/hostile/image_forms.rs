//! The image forms, submitted without a browser.

use std::io::{Cursor, Write};

use keyrack_store::Role;
use reqwest::Method;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::fixtures::AccessFixture;
use crate::harness::{Answer, send, wait_until};

const MULTIPART: &str = "multipart/form-data; boundary=x";
const FORM: &str = "application/x-www-form-urlencoded";
const NOTHING: &str = "00000000000070008000000000000000";

async fn post(fixture: &AccessFixture, path: &str, kind: &str, body: impl Into<Vec<u8>>) -> Answer {
    let request = fixture.member(Role::Owner).request(&fixture.server, Method::POST, path);
    send(request.header("content-type", kind).body(body.into())).await
}

fn file(name: &str, file: &str, bytes: &str) -> String {
    format!(
        "--x\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"{file}\"\r\nContent-Type: image/png\r\n\r\n{bytes}\r\n"
    )
}

fn assert_page(answer: &Answer, status: u16) {
    assert_eq!(answer.status, status, "{answer:?}");
    assert!(answer.header("content-type").starts_with("text/html"), "{answer:?}");
    assert!(!answer.text.contains("<script>alert"), "{answer:?}");
}

#[tokio::test]
async fn malformed_image_form_is_rejected() {
    let fixture = AccessFixture::start().await;
    let path = format!("/w/ours/projects/{}/images", fixture.ours.project);
    for (kind, body) in [
        ("", ""),
        ("text/plain", "x"),
        (FORM, "files=x"),
        ("application/json", "{}"),
        ("multipart/form-data", "x"),
    ] {
        assert_page(&post(&fixture, &path, kind, body).await, 415);
    }
    // Browsers send this if no file is selected.
    let answer = post(&fixture, &path, MULTIPART, format!("{}--x--\r\n", file("files", "", ""))).await;
    assert_eq!(answer.status, 303, "{answer:?}");
    for body in [
        "nonsense".to_owned(),
        "--x\r\n".to_owned(),
        file("files", "cut-off.png", "bytes"),
        format!("--x\r\n{}: a\r\n\r\n--x--", "a".repeat(100_000)),
    ] {
        assert_page(&post(&fixture, &path, MULTIPART, body).await, 422);
    }
}

#[tokio::test]
async fn invalid_image_is_reported_with_escaped_name() {
    let fixture = AccessFixture::start().await;
    let path = format!("/w/ours/projects/{}/images", fixture.ours.project);
    let form: String = ["<script>alert(1)</script>.png", "../../etc/passwd", "a\\b.png", "", "bomb.zip"]
        .map(|name| file("files", name, if name == "bomb.zip" { "PKnonsense" } else { "no picture" }))
        .concat();
    let answer = post(&fixture, &path, MULTIPART, format!("{form}--x--\r\n")).await;
    assert_page(&answer, 422);
    assert!(answer.text.contains("0 of 3 images added"), "{answer:?}");
    assert!(answer.text.contains("passwd") && !answer.text.contains("../etc"), "{answer:?}");
    let large = file("files", "large.png", &"x".repeat(11_000_000));
    let answer = post(&fixture, &path, MULTIPART, format!("{large}--x--\r\n")).await;
    assert_page(&answer, 422);
    assert!(answer.text.contains("larger than 10 MB"), "{answer:?}");
}

#[tokio::test]
async fn image_form_with_too_many_files_reports_limit() {
    let fixture = AccessFixture::start().await;
    let path = format!("/w/ours/projects/{}/images", fixture.ours.project);
    let form = file("files", "a.png", "no picture").repeat(2_001);
    let answer = post(&fixture, &path, MULTIPART, format!("{form}--x--\r\n")).await;
    assert_page(&answer, 422);
    assert!(answer.text.contains("more than 2000 files"), "{}", &answer.text[..5_000]);
    assert!(answer.text.contains("0 of 2,000 images") || answer.text.contains("0 of 2000 images"));
}

fn tiny() -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image::RgbImage::new(8, 8).write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}

#[tokio::test]
async fn skipped_archive_file_is_not_recorded() {
    let fixture = AccessFixture::start().await;
    let path = format!("/w/ours/projects/{}/images", fixture.ours.project);
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for name in [format!("{}/long.png", "x".repeat(101)), "caps/short.png".to_owned()] {
        zip.start_file(name, SimpleFileOptions::default()).unwrap();
        zip.write_all(&tiny()).unwrap();
    }
    let mut body = file("files", "a.zip", "").into_bytes();
    body.truncate(body.len() - 2);
    body.extend(zip.finish().unwrap().into_inner());
    body.extend(b"\r\n--x--\r\n");
    let answer = post(&fixture, &path, MULTIPART, body).await;
    assert_eq!(answer.status, 303, "{answer:?}");
    let import = answer.header("location").to_owned();
    let page = wait_until("the import ends", async || {
        let page = send(fixture.member(Role::Owner).request(&fixture.server, Method::GET, &import)).await;
        page.text.contains("View images").then_some(page.text)
    })
    .await;
    assert!(page.contains("1 image added") && page.contains("long.png"), "{page}");
    let records = format!("/api/v1/projects/{}/datasets/records", fixture.ours.project);
    let records = fixture.server.get(&records, fixture.key()).await.ok().json();
    let names: Vec<_> =
        records["items"].as_array().unwrap().iter().map(|record| record["name"].as_str().unwrap()).collect();
    assert!(names.iter().any(|name| name.ends_with("short.png")), "{names:?}");
    assert!(!names.iter().any(|name| name.ends_with("long.png")), "{names:?}");
}

#[tokio::test]
async fn invalid_archive_fails_with_reason() {
    let fixture = AccessFixture::start().await;
    let path = format!("/w/ours/projects/{}/images", fixture.ours.project);
    let body = format!("{}--x--\r\n", file("files", "a.zip", "PK\u{3}\u{4}nonsense"));
    let answer = post(&fixture, &path, MULTIPART, body).await;
    assert_eq!(answer.status, 303, "{answer:?}");
    let import = answer.header("location").to_owned();
    let owner = fixture.member(Role::Owner);
    for _ in 0..200 {
        let page = send(owner.request(&fixture.server, Method::GET, &import)).await;
        assert_page(&page, 200);
        if page.text.contains("The import failed") {
            let elsewhere = import.replace("/w/ours/", "/w/theirs/");
            assert_page(&send(fixture.stranger.request(&fixture.server, Method::GET, &elsewhere)).await, 404);
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("the import does not end");
}

#[tokio::test]
async fn foreign_images_are_not_found_and_redirects_stay_local() {
    let fixture = AccessFixture::start().await;
    let base = format!("/w/ours/projects/{}", fixture.ours.project);
    let path = format!("{base}/images/change");
    for body in [
        format!("do=take&record=rec_{NOTHING}x"),
        "do=give&record=nonsense&new=a".to_owned(),
        format!("do=give&record=rec_{NOTHING}&label=lbl_{NOTHING}"),
        format!("do=give&record=rec_{NOTHING}&new=a"),
    ] {
        assert_page(&post(&fixture, &path, FORM, body).await, 404);
    }
    assert_page(&post(&fixture, &path, FORM, format!("do=explode&record=rec_{NOTHING}")).await, 422);
    let elsewhere = ["evil", "/../x", "/../../../../sign-out", "/%2e%2e/x", "/..//evil.example", "/..\\x"];
    let elsewhere = elsewhere.map(|rest| format!("{base}{rest}"));
    let foreign = ["//evil.example", "https://evil.example", "/w/theirs", "", "/\\evil.example"];
    for back in foreign.into_iter().chain(elsewhere.iter().map(String::as_str)) {
        let back: String = form_urlencoded::byte_serialize(back.as_bytes()).collect();
        let answer = post(&fixture, &path, FORM, format!("do=take&back={back}")).await;
        assert_eq!((answer.status.as_u16(), answer.header("location")), (303, base.as_str()), "{answer:?}");
    }
    let many = format!("record=rec_{NOTHING}&").repeat(501);
    let answer = post(&fixture, &path, FORM, format!("{many}do=take")).await;
    assert_eq!(answer.status, 303, "{answer:?}");
    // A model that isn't ready cannot be tested.
    let ask = format!("/w/ours/models/{}/try", fixture.ours.model);
    assert_page(
        &post(&fixture, &ask, MULTIPART, format!("{}--x--\r\n", file("image", "a.png", "x"))).await,
        404,
    );
}
