//! Responses of models.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use keyrack_vision::detect::Object;
use keyrack_vision::{ImageLimits, Picture};
use serde_json::{Value, json};

use super::fixture::PredictionFixture;
use super::samples::{LABELS, SQUARE_IMAGE_SIZE, noise_image, pattern_image, square_image};
use crate::harness::text;

fn base64(bytes: &[u8]) -> String {
    BASE64_STANDARD.encode(bytes)
}

/// The number of an image whose square is at the top right.
const OFFSET_SQUARE: u32 = 65;

/// Panics unless the best box is near the square. The tolerance allows for the short training.
fn assert_surrounds(best: &Value, square: &Object) {
    assert!(square.left - square.top > 60.0, "{square:?} would hide swapped edges");
    for (field, expected) in
        [("x", square.left), ("y", square.top), ("width", square.width), ("height", square.height)]
    {
        assert!((number(&best[field]) - f64::from(expected)).abs() < 20.0, "{field}: {best} {square:?}");
    }
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("no number: {value}"))
}

#[tokio::test]
async fn classifier_returns_class_and_confidences() {
    let predictions = PredictionFixture::start().await;
    for class in [0, 1] {
        let picture = base64(&pattern_image(class, 99));
        // The format of the Python client.
        let answer = predictions.classify(json!({ "image": picture, "confidence": 0.7 })).await.ok().json();
        assert_eq!(answer["category"], LABELS[class], "{answer}");
        assert_eq!(answer["predictions"][0]["category"], LABELS[class]);
        assert_eq!(answer["predictions"][0]["confidence"], answer["confidence"]);
        let all = predictions.classify(json!({ "image": picture, "confidence": 0 })).await.ok().json();
        let all = all["predictions"].as_array().unwrap().clone();
        let sum: f64 = all.iter().map(|one| number(&one["confidence"])).sum();
        assert_eq!(all.len(), LABELS.len());
        assert!((sum - 1.0).abs() < 1e-5 && number(&all[0]["confidence"]) >= number(&all[1]["confidence"]));
    }
    let metrics = predictions.server.ops("/metrics").await.text;
    assert!(metrics.contains("keyrack_predictions_total{task=\"classify\"} 4"), "{metrics}");
    assert!(metrics.contains("keyrack_predictions_waiting 0"), "{metrics}");
}

#[tokio::test]
async fn classifier_always_returns_best_class() {
    let predictions = PredictionFixture::start().await;
    let picture = super::samples::encode(&noise_image(64, 64), image::ImageFormat::Png);
    let answer =
        predictions.classify(json!({ "image": base64(&picture), "confidence": 1 })).await.ok().json();
    assert_eq!(answer["predictions"].as_array().unwrap().len(), 1, "{answer}");
    assert_eq!(answer["predictions"][0]["category"], answer["category"]);
}

#[tokio::test]
async fn detector_returns_boxes_and_annotated_image() {
    let predictions = PredictionFixture::start().await;
    let (picture, square) = square_image(OFFSET_SQUARE);
    let all = json!({ "image": base64(&picture), "confidence": 0.0, "annotate": true, "show_prob": true, "stroke_width": null });
    let answer = predictions.detect(all).await.ok().json();
    let found = answer["detections"].as_array().unwrap();
    assert!(!found.is_empty(), "{answer}");
    assert_surrounds(&found[0], &square);
    assert_eq!(answer["labelsCount"], json!([{ "label": "square", "total": found.len() }]));
    let drawn = BASE64_STANDARD.decode(text(&answer["image"])).unwrap();
    let drawn = Picture::decode(&drawn, &ImageLimits::default()).unwrap();
    assert_eq!((drawn.width(), drawn.height()), SQUARE_IMAGE_SIZE);
    let plain = Picture::decode(&picture, &ImageLimits::default()).unwrap();
    let changed = drawn.rgb().iter().zip(plain.rgb()).filter(|(a, b)| a.abs_diff(**b) > 60).count();
    assert!(changed > 100, "{changed}");
    // The format of the TypeScript client.
    let none = json!({ "image": base64(&picture), "confidence": 1, "annotate": false, "showProb": false, "strokeWidth": 2.5 });
    let answer = predictions.detect(none).await.ok().json();
    assert_eq!(answer, json!({ "detections": [], "image": null, "labelsCount": [] }));
}

/// A phone stores a rotated image with an EXIF orientation. Boxes refer to the displayed image.
#[tokio::test]
async fn detector_boxes_follow_exif_orientation() {
    let predictions = PredictionFixture::start().await;
    let (picture, square) = square_image(OFFSET_SQUARE);
    let turned = image::load_from_memory(&picture).unwrap().rotate270().into_rgb8();
    let jpeg = super::samples::encode(&turned, image::ImageFormat::Jpeg);
    let exif =
        [&b"\xff\xe1\0\x22Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"[..]]
            .concat();
    let jpeg = [&jpeg[..2], &exif, &jpeg[2..]].concat();
    let answer = predictions.detect(json!({ "image": base64(&jpeg), "confidence": 0.0 })).await.ok().json();
    assert_surrounds(&answer["detections"][0], &square);
}
