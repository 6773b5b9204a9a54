//! Every form in which a picture may come.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::paint::{LABELS, painted, squared};
use super::studio::Studio;
use crate::harness::{Answer, send};

fn shows_a_disc(answer: Answer) {
    assert_eq!(answer.ok().json()["category"], LABELS[1]);
}

#[tokio::test]
async fn a_picture_in_json_is_read_however_it_is_written() {
    let studio = Studio::open().await;
    let picture = painted(1, 99);
    let standard = STANDARD.encode(&picture);
    let in_lines: Vec<_> =
        standard.as_bytes().chunks(76).map(|line| std::str::from_utf8(line).unwrap()).collect();
    for image in [
        standard.clone(),
        URL_SAFE_NO_PAD.encode(&picture),
        in_lines.join("\r\n"),
        format!("data:image/png;base64,{standard}"),
        format!("data:text/plain;base64,{}", URL_SAFE_NO_PAD.encode(&picture)),
    ] {
        shows_a_disc(studio.classify(json!({ "image": image })).await);
    }
    let request = studio
        .request("classify", &studio.classifier)
        .header("content-type", "Application/JSON; charset=utf-8");
    shows_a_disc(send(request.body(json!({ "image": standard }).to_string())).await);
}

pub(super) const BOUNDARY: &str = "-----------x";

pub(super) fn form(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (head, value) in parts {
        body.extend(format!("--{BOUNDARY}\r\nContent-Disposition: form-data; {head}\r\n\r\n").bytes());
        body.extend(*value);
        body.extend(b"\r\n");
    }
    body.extend(format!("--{BOUNDARY}--\r\n").bytes());
    body
}

async fn post(studio: &Studio, task: &str, body: Vec<u8>) -> Answer {
    let model = if task == "detect" { &studio.detector } else { &studio.classifier };
    let kind = format!("multipart/form-data; boundary={BOUNDARY}");
    send(studio.request(task, model).header("content-type", kind).body(body)).await
}

#[tokio::test]
async fn a_form_carries_the_file_and_the_rest_as_text() {
    let studio = Studio::open().await;
    let (picture, text) = (painted(1, 99), STANDARD.encode(painted(1, 99)));
    let file = ("name=\"image\"; filename=\"part.png\"\r\nContent-Type: image/png", &picture[..]);
    shows_a_disc(post(&studio, "classify", form(&[file])).await);
    shows_a_disc(post(&studio, "classify", form(&[("name=\"image\"", text.as_bytes())])).await);
    let all = post(&studio, "classify", form(&[("name=\"confidence\"", b"0"), file])).await.ok().json();
    assert_eq!(all["predictions"].as_array().unwrap().len(), 2);

    let square = squared(3).0;
    let file = ("name=\"image\"; filename=\"part.png\"", &square[..]);
    let rest: [(&str, &[u8]); 3] =
        [("name=\"annotate\"", b"false"), ("name=\"stroke_width\"", b"2.5"), ("name=\"show_prob\"", b"true")];
    let answer = post(&studio, "detect", form(&[&[file][..], &rest].concat())).await.ok().json();
    assert_eq!(answer["image"], Value::Null);

    for (wrong, field) in [
        (vec![file, ("name=\"confidence\"", &b"NaN"[..])], "confidence"),
        (vec![file, ("name=\"confidence\"", b"high")], "confidence"),
        (vec![file, ("name=\"annotate\"", b"1")], "annotate"),
        (vec![file, ("name=\"stroke_width\"", b"-1")], "stroke_width"),
        (vec![file, ("name=\"surprise\"", b"1")], "surprise"),
        (vec![file, file], "image"),
        (vec![("name=\"image\"", text.as_bytes()), file], "image"),
        (vec![("name=\"confidence\"", b"0")], "image"),
        (vec![("name=\"image\"; filename=\"\"", b"")], "image"),
        (vec![], "image"),
    ] {
        post(&studio, "detect", form(&wrong)).await.refused(422, "invalid").names(field);
    }
    post(&studio, "detect", b"no form".to_vec()).await.refused(400, "bad_form");
}

#[tokio::test]
async fn the_file_alone_is_enough() {
    let studio = Studio::open().await;
    // The kind is not believed: the bytes say what they are.
    for kind in ["image/png", "image/jpeg", "image/*", "image/x-unknown"] {
        let request = studio.request("classify", &studio.classifier).header("content-type", kind);
        shows_a_disc(send(request.body(painted(1, 99))).await);
    }
    let file = |query: &str| {
        let path = format!("/api/v1/predict/detect/{}?{query}", studio.detector);
        let request = studio.server.request(reqwest::Method::POST, &path).bearer_auth(&studio.key);
        request.header("content-type", "image/png").body(squared(3).0)
    };
    let answer = send(file("confidence=1&annotate=false&utm_source=x")).await.ok().json();
    assert_eq!(answer, json!({ "detections": [], "image": null, "labelsCount": [] }));
    send(file("confidence=2")).await.refused(422, "invalid").names("confidence");
    send(file("annotate=perhaps")).await.refused(422, "invalid").names("annotate");
    send(file("confidence=1&confidence=0")).await.refused(422, "invalid").names("confidence");
    let empty = studio.request("classify", &studio.classifier).header("content-type", "image/png");
    send(empty).await.refused(422, "invalid").names("image");
}
