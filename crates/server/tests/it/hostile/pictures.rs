//! The forms for pictures, filled in by somebody who has no browser.

use std::io::{Cursor, Write};

use keyrack_store::Role;
use reqwest::Method;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::cast::Cast;
use crate::harness::{Answer, send, until};

const MULTIPART: &str = "multipart/form-data; boundary=x";
const FORM: &str = "application/x-www-form-urlencoded";
const NOTHING: &str = "00000000000070008000000000000000";

async fn post(cast: &Cast, path: &str, kind: &str, body: impl Into<Vec<u8>>) -> Answer {
    let request = cast.member(Role::Owner).request(&cast.server, Method::POST, path);
    send(request.header("content-type", kind).body(body.into())).await
}

fn file(name: &str, file: &str, bytes: &str) -> String {
    format!(
        "--x\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"{file}\"\r\nContent-Type: image/png\r\n\r\n{bytes}\r\n"
    )
}

fn is_page(answer: &Answer, status: u16) {
    assert_eq!(answer.status, status, "{answer:?}");
    assert!(answer.header("content-type").starts_with("text/html"), "{answer:?}");
    assert!(!answer.text.contains("<script>alert"), "{answer:?}");
}

#[tokio::test]
async fn a_form_of_pictures_that_is_none_is_refused() {
    let cast = Cast::assemble().await;
    let path = format!("/w/ours/projects/{}/images", cast.ours.project);
    for (kind, body) in [
        ("", ""),
        ("text/plain", "x"),
        (FORM, "files=x"),
        ("application/json", "{}"),
        ("multipart/form-data", "x"),
    ] {
        is_page(&post(&cast, &path, kind, body).await, 415);
    }
    // Nothing chosen, as browsers send it.
    let answer = post(&cast, &path, MULTIPART, format!("{}--x--\r\n", file("files", "", ""))).await;
    assert_eq!(answer.status, 303, "{answer:?}");
    for body in [
        "nonsense".to_owned(),
        "--x\r\n".to_owned(),
        file("files", "cut-off.png", "bytes"),
        format!("--x\r\n{}: a\r\n\r\n--x--", "a".repeat(100_000)),
    ] {
        is_page(&post(&cast, &path, MULTIPART, body).await, 422);
    }
}

#[tokio::test]
async fn what_is_no_picture_says_so_and_stops_no_other_and_its_name_is_text() {
    let cast = Cast::assemble().await;
    let path = format!("/w/ours/projects/{}/images", cast.ours.project);
    let form: String = ["<script>alert(1)</script>.png", "../../etc/passwd", "a\\b.png", "", "bomb.zip"]
        .map(|name| file("files", name, if name == "bomb.zip" { "PKnonsense" } else { "no picture" }))
        .concat();
    let answer = post(&cast, &path, MULTIPART, format!("{form}--x--\r\n")).await;
    is_page(&answer, 422);
    assert!(answer.text.contains("0 of 3 images were added"), "{answer:?}");
    assert!(answer.text.contains("passwd") && !answer.text.contains("../etc"), "{answer:?}");
    let large = file("files", "large.png", &"x".repeat(11_000_000));
    let answer = post(&cast, &path, MULTIPART, format!("{large}--x--\r\n")).await;
    is_page(&answer, 422);
    assert!(answer.text.contains("larger than 10 MB"), "{answer:?}");
}

#[tokio::test]
async fn a_form_of_too_many_files_says_that_it_was_cut() {
    let cast = Cast::assemble().await;
    let path = format!("/w/ours/projects/{}/images", cast.ours.project);
    let form = file("files", "a.png", "no picture").repeat(2_001);
    let answer = post(&cast, &path, MULTIPART, format!("{form}--x--\r\n")).await;
    is_page(&answer, 422);
    assert!(answer.text.contains("more than 2000 files"), "{}", &answer.text[..5_000]);
    assert!(answer.text.contains("0 of 2,000 images") || answer.text.contains("0 of 2000 images"));
}

fn tiny() -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image::RgbImage::new(8, 8).write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}

#[tokio::test]
async fn what_an_import_says_it_left_out_is_not_there() {
    let cast = Cast::assemble().await;
    let path = format!("/w/ours/projects/{}/images", cast.ours.project);
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for name in [format!("{}/long.png", "x".repeat(101)), "caps/short.png".to_owned()] {
        zip.start_file(name, SimpleFileOptions::default()).unwrap();
        zip.write_all(&tiny()).unwrap();
    }
    let mut body = file("files", "a.zip", "").into_bytes();
    body.truncate(body.len() - 2);
    body.extend(zip.finish().unwrap().into_inner());
    body.extend(b"\r\n--x--\r\n");
    let answer = post(&cast, &path, MULTIPART, body).await;
    assert_eq!(answer.status, 303, "{answer:?}");
    let import = answer.header("location").to_owned();
    let page = until("the import ends", async || {
        let page = send(cast.member(Role::Owner).request(&cast.server, Method::GET, &import)).await;
        page.text.contains("View images").then_some(page.text)
    })
    .await;
    assert!(page.contains("1 image was added") && page.contains("long.png"), "{page}");
    let records = format!("/api/v1/projects/{}/datasets/records", cast.ours.project);
    let records = cast.server.get(&records, cast.key()).await.ok().json();
    let names: Vec<_> =
        records["items"].as_array().unwrap().iter().map(|record| record["name"].as_str().unwrap()).collect();
    assert!(names.iter().any(|name| name.ends_with("short.png")), "{names:?}");
    assert!(!names.iter().any(|name| name.ends_with("long.png")), "{names:?}");
}

#[tokio::test]
async fn an_archive_that_is_none_ends_with_the_reason() {
    let cast = Cast::assemble().await;
    let path = format!("/w/ours/projects/{}/images", cast.ours.project);
    let body = format!("{}--x--\r\n", file("files", "a.zip", "PK\u{3}\u{4}nonsense"));
    let answer = post(&cast, &path, MULTIPART, body).await;
    assert_eq!(answer.status, 303, "{answer:?}");
    let import = answer.header("location").to_owned();
    let owner = cast.member(Role::Owner);
    for _ in 0..200 {
        let page = send(owner.request(&cast.server, Method::GET, &import)).await;
        is_page(&page, 200);
        if page.text.contains("The import failed") {
            let elsewhere = import.replace("/w/ours/", "/w/theirs/");
            is_page(&send(cast.stranger.request(&cast.server, Method::GET, &elsewhere)).await, 404);
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("the import goes on");
}

#[tokio::test]
async fn images_and_classes_of_others_are_not_there_and_nobody_is_led_astray() {
    let cast = Cast::assemble().await;
    let base = format!("/w/ours/projects/{}", cast.ours.project);
    let path = format!("{base}/images/change");
    for body in [
        format!("do=take&record=rec_{NOTHING}x"),
        "do=give&record=nonsense&new=a".to_owned(),
        format!("do=give&record=rec_{NOTHING}&label=lbl_{NOTHING}"),
        format!("do=give&record=rec_{NOTHING}&new=a"),
    ] {
        is_page(&post(&cast, &path, FORM, body).await, 404);
    }
    is_page(&post(&cast, &path, FORM, format!("do=explode&record=rec_{NOTHING}")).await, 422);
    let elsewhere = ["evil", "/../x", "/../../../../sign-out", "/%2e%2e/x", "/..//evil.example", "/..\\x"];
    let elsewhere = elsewhere.map(|rest| format!("{base}{rest}"));
    let foreign = ["//evil.example", "https://evil.example", "/w/theirs", "", "/\\evil.example"];
    for back in foreign.into_iter().chain(elsewhere.iter().map(String::as_str)) {
        let back: String = form_urlencoded::byte_serialize(back.as_bytes()).collect();
        let answer = post(&cast, &path, FORM, format!("do=take&back={back}")).await;
        assert_eq!((answer.status.as_u16(), answer.header("location")), (303, base.as_str()), "{answer:?}");
    }
    let many = format!("record=rec_{NOTHING}&").repeat(501);
    let answer = post(&cast, &path, FORM, format!("{many}do=take")).await;
    assert_eq!(answer.status, 303, "{answer:?}");
    // A model that is not ready is asked nothing.
    let ask = format!("/w/ours/models/{}/try", cast.ours.model);
    is_page(&post(&cast, &ask, MULTIPART, format!("{}--x--\r\n", file("image", "a.png", "x"))).await, 404);
}
