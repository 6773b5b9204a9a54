#![expect(clippy::cast_precision_loss, reason = "tests of draw")]

use std::time::{Duration, Instant};

use image::Rgb;
use proptest::prelude::*;

use super::*;
use crate::Format;

fn gray(width: u32, height: u32) -> Picture {
    Picture::from_pixels(RgbImage::from_pixel(width, height, Rgb([128; 3])), Format::Png)
}

fn one(label: &str, left: f64, top: f64, width: f64, height: f64) -> LabeledBox<'_> {
    LabeledBox { label, class: 0, confidence: 0.87, rect: Rect { left, top, width, height } }
}

#[test]
fn outline_is_drawn_inside_the_box_only() {
    let style = BoxStyle { stroke: Some(2), show_confidence: false };
    let seen = draw(&gray(100, 100), &[one("", 10.0, 20.0, 50.0, 40.0)], &style);
    let at = |x, y| *seen.pixels().get_pixel(x, y);
    for (x, y) in [(10, 20), (59, 59), (11, 30), (58, 30), (30, 21), (30, 58)] {
        assert_eq!(at(x, y), color::of(0), "{x} {y}");
    }
    for (x, y) in [(9, 20), (60, 59), (12, 30), (57, 30), (30, 22), (30, 57)] {
        assert_eq!(at(x, y), Rgb([128; 3]), "{x} {y}");
    }
    assert_eq!((seen.width(), seen.height(), seen.format()), (100, 100, Format::Png));
}

#[test]
fn invalid_boxes_leave_the_image_unchanged() {
    let off = [
        one("off", 500.0, 0.0, 9.0, 9.0),
        one("nan", f64::NAN, 0.0, 9.0, 9.0),
        one("back", 9.0, 9.0, -5.0, 9.0),
    ];
    assert_eq!(draw(&gray(64, 64), &off, &BoxStyle::default()).rgb(), gray(64, 64).rgb());
    let bare = BoxStyle { stroke: Some(0), show_confidence: false };
    assert_eq!(draw(&gray(64, 64), &[one("", 1.0, 1.0, 9.0, 9.0)], &bare).rgb(), gray(64, 64).rgb());
}

#[test]
fn confidence_is_shown_if_requested() {
    assert_eq!(percent(0.874, "RBC"), " 87\u{a0}%");
    assert_eq!(percent(7.0, ""), "100\u{a0}%");
    assert_eq!(percent(f32::NAN, "RBC"), "");
    let boxes = [one("RBC", 20.0, 40.0, 30.0, 30.0)];
    let with = draw(&gray(200, 200), &boxes, &BoxStyle { stroke: None, show_confidence: true });
    assert_ne!(with.rgb(), draw(&gray(200, 200), &boxes, &BoxStyle::default()).rgb());
}

#[test]
fn tags_do_not_overlap_and_stay_in_the_image() {
    let font = TagFont::new(11);
    let boxes = [
        one("cell", 0.0, 0.0, 30.0, 30.0),
        one("cell", 1.0, 0.0, 30.0, 30.0),
        one("x", 195.0, 190.0, 5.0, 10.0),
    ];
    let drawn: Vec<_> = boxes.iter().map(|b| (PixelRect::of(b.rect, 200, 200), b)).collect();
    let tags = tags(&drawn, &BoxStyle::default(), &font, 200, 200);
    assert!(!tags[0].area.overlaps(tags[1].area));
    assert!(tags.iter().all(|tag| tag.area.right <= 200 && tag.area.bottom <= 200));
}

#[test]
fn thousands_of_boxes_on_a_large_image_draw_within_seconds() {
    let label = "ש漢m\u{202e}\n".repeat(200);
    let boxes = vec![one(&label, -10.0, -10.0, 1e9, 1e9); 2000];
    let started = Instant::now();
    let style = BoxStyle { stroke: Some(10_000), show_confidence: true };
    assert_eq!(draw(&gray(4000, 3000), &boxes, &style).width(), 4000);
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn any_boxes_can_be_drawn_on_any_image(
        (width, height) in (1u32..90, 1u32..90),
        stroke in prop_oneof![Just(None), (0u32..12).prop_map(Some), any::<u32>().prop_map(Some)],
        show_confidence: bool,
        boxes in proptest::collection::vec(
            (".{0,12}", any::<usize>(), any::<f32>(), -90.0..90.0f64, -90.0..90.0f64, 0.0..200.0f64, 0.0..200.0f64), 0..12),
    ) {
        let boxes: Vec<_> = boxes
            .iter()
            .map(|(label, class, confidence, left, top, width, height)| LabeledBox {
                label,
                class: *class,
                confidence: *confidence,
                rect: Rect { left: *left, top: *top, width: *width, height: *height },
            })
            .collect();
        let seen = draw(&gray(width, height), &boxes, &BoxStyle { stroke, show_confidence });
        prop_assert_eq!((seen.width(), seen.height()), (width, height));
    }
}

/// With `KEYRACK_LOOK_AT=image KEYRACK_LOOK=folder`, `cargo test -p keyrack-vision --lib draw -- --ignored` writes sample
/// drawings of the image to that folder.
#[test]
#[ignore = "writes sample drawings for review"]
fn sample_drawings_are_written_for_review() {
    let (Ok(from), Ok(to)) = (std::env::var("KEYRACK_LOOK_AT"), std::env::var("KEYRACK_LOOK")) else {
        return;
    };
    let picture = Picture::decode(&std::fs::read(from).unwrap(), &crate::ImageLimits::default()).unwrap();
    for long in [64u32, 640, 4000] {
        let height = picture.height() * long / picture.width();
        let sized =
            image::imageops::resize(picture.pixels(), long, height, image::imageops::FilterType::Triangle);
        let part = |share: f64| f64::from(long) * share;
        let labels = [
            "RBC",
            "WBC",
            "Platelets",
            "Zelle № 7",
            "эритроцит",
            "αβγ 漢",
            "a label that is longer than this picture is wide, and goes on",
        ];
        let boxes: Vec<_> = labels
            .iter()
            .enumerate()
            .map(|(i, label)| LabeledBox {
                label,
                class: i,
                confidence: 0.99 - i as f32 * 0.11,
                rect: Rect {
                    left: part(0.13 * i as f64),
                    top: part(0.11 * i as f64),
                    width: part(0.2),
                    height: part(0.16),
                },
            })
            .collect();
        let seen = draw(
            &Picture::from_pixels(sized, Format::Png),
            &boxes,
            &BoxStyle { stroke: None, show_confidence: true },
        );
        seen.pixels().save(format!("{to}/{long}.png")).unwrap();
    }
}
