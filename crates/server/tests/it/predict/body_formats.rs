//! All formats in which an image can be sent.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::fixture::PredictionFixture;
use super::samples::{LABELS, pattern_image, square_image};
use crate::harness::{Answer, send};

fn assert_disc(answer: Answer) {
    assert_eq!(answer.ok().json()["category"], LABELS[1]);
}

#[tokio::test]
async fn json_image_is_read_in_each_base64_form() {
    let predictions = PredictionFixture::start().await;
    let picture = pattern_image(1, 99);
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
        assert_disc(predictions.classify(json!({ "image": image })).await);
    }
    let request = predictions
        .request("classify", &predictions.classifier)
        .header("content-type", "Application/JSON; charset=utf-8");
    assert_disc(send(request.body(json!({ "image": standard }).to_string())).await);
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

async fn post(predictions: &PredictionFixture, task: &str, body: Vec<u8>) -> Answer {
    let model = if task == "detect" { &predictions.detector } else { &predictions.classifier };
    let kind = format!("multipart/form-data; boundary={BOUNDARY}");
    send(predictions.request(task, model).header("content-type", kind).body(body)).await
}

#[tokio::test]
async fn multipart_form_with_image_and_fields_is_read() {
    let predictions = PredictionFixture::start().await;
    let (picture, text) = (pattern_image(1, 99), STANDARD.encode(pattern_image(1, 99)));
    let file = ("name=\"image\"; filename=\"part.png\"\r\nContent-Type: image/png", &picture[..]);
    assert_disc(post(&predictions, "classify", form(&[file])).await);
    assert_disc(post(&predictions, "classify", form(&[("name=\"image\"", text.as_bytes())])).await);
    let all = post(&predictions, "classify", form(&[("name=\"confidence\"", b"0"), file])).await.ok().json();
    assert_eq!(all["predictions"].as_array().unwrap().len(), 2);

    let square = square_image(3).0;
    let file = ("name=\"image\"; filename=\"part.png\"", &square[..]);
    let rest: [(&str, &[u8]); 3] =
        [("name=\"annotate\"", b"false"), ("name=\"stroke_width\"", b"2.5"), ("name=\"show_prob\"", b"true")];
    let answer = post(&predictions, "detect", form(&[&[file][..], &rest].concat())).await.ok().json();
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
        post(&predictions, "detect", form(&wrong))
            .await
            .assert_problem(422, "invalid")
            .assert_field_error(field);
    }
    post(&predictions, "detect", b"no form".to_vec()).await.assert_problem(400, "bad_form");
}

#[tokio::test]
async fn plain_image_body_is_read() {
    let predictions = PredictionFixture::start().await;
    // The server ignores the content type and detects the format from the bytes.
    for kind in ["image/png", "image/jpeg", "image/*", "image/x-unknown"] {
        let request = predictions.request("classify", &predictions.classifier).header("content-type", kind);
        assert_disc(send(request.body(pattern_image(1, 99))).await);
    }
    let file = |query: &str| {
        let path = format!("/api/v1/predict/detect/{}?{query}", predictions.detector);
        let request = predictions.server.request(reqwest::Method::POST, &path).bearer_auth(&predictions.key);
        request.header("content-type", "image/png").body(square_image(3).0)
    };
    let answer = send(file("confidence=1&annotate=false&utm_source=x")).await.ok().json();
    assert_eq!(answer, json!({ "detections": [], "image": null, "labelsCount": [] }));
    send(file("confidence=2")).await.assert_problem(422, "invalid").assert_field_error("confidence");
    send(file("annotate=perhaps")).await.assert_problem(422, "invalid").assert_field_error("annotate");
    send(file("confidence=1&confidence=0"))
        .await
        .assert_problem(422, "invalid")
        .assert_field_error("confidence");
    let empty = predictions.request("classify", &predictions.classifier).header("content-type", "image/png");
    send(empty).await.assert_problem(422, "invalid").assert_field_error("image");
}
