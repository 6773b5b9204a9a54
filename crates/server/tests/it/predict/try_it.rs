//! The place on a model's page where it is tried.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use image::ImageFormat;
use keyrack_vision::{ImageLimits, Picture};
use reqwest::Method;

use super::forms::{BOUNDARY, form};
use super::paint::{LABELS, encoded, noise, squared};
use super::server_of_pictures::Pictures;
use super::studio::Studio;
use crate::harness::{Answer, send};
use crate::visitor::Visitor;

/// Tries a model with the fields of a form.
async fn try_it(studio: &Studio, owner: &Visitor<'_>, model: &str, fields: &[(&str, &[u8])]) -> Answer {
    let path = format!("/w/{}/models/{model}/try", owner.slug);
    let request = studio.server.request(Method::POST, &path).header("cookie", &owner.cookie);
    let request = request.header("origin", &studio.server.url);
    let kind = format!("multipart/form-data; boundary={BOUNDARY}");
    send(request.header("content-type", kind).body(form(fields))).await
}

/// What stands in `text` between two others.
fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    let (_, rest) = text.split_once(start).unwrap_or_else(|| panic!("no {start} in {text}"));
    rest.split_once(end).unwrap().0
}

/// The picture in the answer, and the size that the page gives for it.
fn shown(answer: &Answer) -> (Picture, String) {
    assert_eq!(answer.status, 200, "{answer:?}");
    let tag = between(&answer.text, "<img src=\"data:image/jpeg;base64,", " alt=\"Uploaded image");
    let (jpeg, size) = tag.split_once("\" ").unwrap();
    let jpeg = BASE64_STANDARD.decode(jpeg.replace("&#43;", "+").replace("&#61;", "=")).unwrap();
    (Picture::decode(&jpeg, &ImageLimits::default()).unwrap(), size.to_owned())
}

#[tokio::test]
async fn an_address_is_answered_in_the_same_words_whatever_lies_there() {
    let studio = Studio::with(&["--allow-image-host", "localhost"]).await;
    let (owner, pictures) = (Visitor::sign_in(&studio.server).await, Pictures::open().await);
    let ask = async |host: &str, path: &str| {
        let url = pictures.url(host, path);
        try_it(&studio, &owner, &studio.classifier, &[("name=\"url\"", url.as_bytes())]).await
    };
    let mut says = Vec::new();
    for (host, path) in [
        ("127.0.0.1", "/picture"),
        ("localhost", "/missing"),
        ("localhost", "/page"),
        ("localhost", "/empty"),
    ] {
        let answer = ask(host, path).await;
        assert_eq!(answer.status, 422, "{path}: {answer:?}");
        says.push(between(&answer.text, "id=\"try-error\">", "</p>").to_owned());
    }
    assert!(says.iter().all(|one| *one == says[0] && one.contains("public address")), "{says:?}");
    // What is fetched is fetched once.
    let before = pictures.asked();
    let answer = ask("localhost", "/picture").await;
    assert!(answer.text.contains(&format!("<h3>{}</h3>", LABELS[1])), "{answer:?}");
    assert_eq!((shown(&answer).0.width(), pictures.asked()), (64, before + 1));
    let fields: [(&str, &[u8]); 1] = [("name=\"url\"", b"ftp://example.org/x")];
    let answer = try_it(&studio, &owner, &studio.classifier, &fields).await;
    assert!(answer.text.contains("an address with http or https"), "{answer:?}");
}

#[tokio::test]
async fn the_picture_comes_back_small_and_boxes_are_of_its_own_pixels() {
    let studio = Studio::open().await;
    let owner = Visitor::sign_in(&studio.server).await;
    let large = encoded(&noise(1_500, 900), ImageFormat::Png);
    let head = "name=\"image\"; filename=\"part.png\"\r\nContent-Type: image/png";
    let answer = try_it(&studio, &owner, &studio.classifier, &[(head, &large)]).await;
    let (picture, size) = shown(&answer);
    assert_eq!((picture.width(), size.as_str()), (1_024, "width=\"1500\" height=\"900\""));
    let answer = try_it(&studio, &owner, &studio.detector, &[(head, &squared(3).0)]).await;
    let (picture, size) = shown(&answer);
    assert_eq!((picture.width(), size.as_str()), (160, "width=\"160\" height=\"120\""));
    assert!(answer.text.contains("Boxes that are at least 30 % sure."), "{answer:?}");
}

/// Whoever asks from a program finds what the page has shown.
#[tokio::test]
async fn a_program_asks_a_detector_for_boxes_as_unsure_as_those_of_the_page() {
    let studio = Studio::open().await;
    let owner = Visitor::sign_in(&studio.server).await;
    let page = async |model: &str| owner.page(&format!("/w/{}/models/{model}", owner.slug)).await.text;
    let asks = page(&studio.detector).await.replace("&#34;", "\"");
    for says in ["-F confidence=0.3", "(\"picture.jpg\", confidence=0.3)", "append(\"confidence\", \"0.3\")"]
    {
        assert!(asks.contains(says), "{says}: {asks}");
    }
    assert!(!page(&studio.classifier).await.contains("confidence=0.3"));
}
