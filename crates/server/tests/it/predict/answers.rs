//! What models answer.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use keyrack_vision::detect::Object;
use keyrack_vision::{ImageLimits, Picture};
use serde_json::{Value, json};

use super::paint::{LABELS, WIDE, noise, painted, squared};
use super::studio::Studio;
use crate::harness::text;

fn base64(bytes: &[u8]) -> String {
    BASE64_STANDARD.encode(bytes)
}

/// A number whose square lies far to the right and high up.
const ASIDE: u32 = 65;

/// The surest box is that of the square, as nearly as a model says that was trained in a moment.
fn surrounds(best: &Value, square: &Object) {
    assert!(square.left - square.top > 60.0, "{square:?} would stand a swap of its edges");
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
async fn a_classifier_says_what_a_picture_shows() {
    let studio = Studio::open().await;
    for class in [0, 1] {
        let picture = base64(&painted(class, 99));
        // As the Python client sends it.
        let answer = studio.classify(json!({ "image": picture, "confidence": 0.7 })).await.ok().json();
        assert_eq!(answer["category"], LABELS[class], "{answer}");
        assert_eq!(answer["predictions"][0]["category"], LABELS[class]);
        assert_eq!(answer["predictions"][0]["confidence"], answer["confidence"]);
        let all = studio.classify(json!({ "image": picture, "confidence": 0 })).await.ok().json();
        let all = all["predictions"].as_array().unwrap().clone();
        let sum: f64 = all.iter().map(|one| number(&one["confidence"])).sum();
        assert_eq!(all.len(), LABELS.len());
        assert!((sum - 1.0).abs() < 1e-5 && number(&all[0]["confidence"]) >= number(&all[1]["confidence"]));
    }
    let metrics = studio.server.ops("/metrics").await.text;
    assert!(metrics.contains("keyrack_predictions_total{task=\"classify\"} 4"), "{metrics}");
    assert!(metrics.contains("keyrack_predictions_waiting 0"), "{metrics}");
}

#[tokio::test]
async fn the_best_is_named_however_unlikely_it_is() {
    let studio = Studio::open().await;
    let picture = super::paint::encoded(&noise(64, 64), image::ImageFormat::Png);
    let answer = studio.classify(json!({ "image": base64(&picture), "confidence": 1 })).await.ok().json();
    assert_eq!(answer["predictions"].as_array().unwrap().len(), 1, "{answer}");
    assert_eq!(answer["predictions"][0]["category"], answer["category"]);
}

#[tokio::test]
async fn a_detector_says_what_is_where_and_draws_it() {
    let studio = Studio::open().await;
    let (picture, square) = squared(ASIDE);
    let all = json!({ "image": base64(&picture), "confidence": 0.0, "annotate": true, "show_prob": true, "stroke_width": null });
    let answer = studio.detect(all).await.ok().json();
    let found = answer["detections"].as_array().unwrap();
    assert!(!found.is_empty(), "{answer}");
    surrounds(&found[0], &square);
    assert_eq!(answer["labelsCount"], json!([{ "label": "square", "total": found.len() }]));
    let drawn = BASE64_STANDARD.decode(text(&answer["image"])).unwrap();
    let drawn = Picture::decode(&drawn, &ImageLimits::default()).unwrap();
    assert_eq!((drawn.width(), drawn.height()), WIDE);
    let plain = Picture::decode(&picture, &ImageLimits::default()).unwrap();
    let changed = drawn.rgb().iter().zip(plain.rgb()).filter(|(a, b)| a.abs_diff(**b) > 60).count();
    assert!(changed > 100, "{changed}");
    // As the TypeScript client sends it.
    let none = json!({ "image": base64(&picture), "confidence": 1, "annotate": false, "showProb": false, "strokeWidth": 2.5 });
    let answer = studio.detect(none).await.ok().json();
    assert_eq!(answer, json!({ "detections": [], "image": null, "labelsCount": [] }));
}

/// A phone's picture lies on its side, and its EXIF says so. Boxes are of what people see.
#[tokio::test]
async fn boxes_are_of_the_picture_as_it_is_shown() {
    let studio = Studio::open().await;
    let (picture, square) = squared(ASIDE);
    let turned = image::load_from_memory(&picture).unwrap().rotate270().into_rgb8();
    let jpeg = super::paint::encoded(&turned, image::ImageFormat::Jpeg);
    let exif =
        [&b"\xff\xe1\0\x22Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"[..]]
            .concat();
    let jpeg = [&jpeg[..2], &exif, &jpeg[2..]].concat();
    let answer = studio.detect(json!({ "image": base64(&jpeg), "confidence": 0.0 })).await.ok().json();
    surrounds(&answer["detections"][0], &square);
}
