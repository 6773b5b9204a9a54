use proptest::prelude::*;

use super::*;

const MOST: usize = 1 << 20;

fn parse(json: &str) -> Result<Coco, CocoError> {
    Coco::parse(json.as_bytes(), MOST)
}

/// A file with one image, one category, and these annotations.
fn with(annotations: &str) -> Result<Coco, CocoError> {
    parse(&format!(
        r#"{{"images": [{{"id": 1, "file_name": "a.jpg"}}], "categories": [{{"id": 2, "name": "cat"}}],
            "annotations": [{annotations}]}}"#
    ))
}

#[test]
fn boxes_are_found_by_file_name_despite_unknown_fields() {
    let coco =
        with(r#"{"image_id": 1, "category_id": 2.0, "bbox": [1, 2.5, 3, 4], "segmentation": [[1, 1e999]], "deep": {"a": [{}]}}"#)
            .unwrap();
    assert_eq!(coco.files().collect::<Vec<_>>(), ["a.jpg"]);
    let rect = Rect { left: 1.0, top: 2.5, width: 3.0, height: 4.0 };
    assert_eq!(coco.boxes("a.jpg"), Some(vec![("cat".into(), rect)]));
    assert_eq!(coco.boxes("b.jpg"), None);
}

#[test]
fn unusual_names_and_ids_are_accepted() {
    let coco = parse(
        r#"{"images": [{"id": 18446744073709551615, "file_name": ".\\train\\a.jpg"}, {"id": -3, "file_name": "b.jpg"}],
            "categories": [{"id": 0, "name": "cell"}, {"id": 7, "name": "cell"}],
            "annotations": [{"image_id": -3, "category_id": 7, "bbox": [0, 0, 1, 1], "iscrowd": false},
                            {"image_id": -3, "category_id": 7, "bbox": [0, 0, 1, 1], "iscrowd": 1}]}"#,
    )
    .unwrap();
    assert_eq!(coco.boxes("train/a.jpg"), Some(vec![]));
    assert_eq!(coco.boxes("b.jpg").unwrap().len(), 1);
    assert_eq!((coco.len(), coco.is_empty()), (2, false));
}

#[test]
fn error_names_the_field_and_the_expectation() {
    for (annotation, expected) in [
        (
            r#"{"image_id": 9, "category_id": 2, "bbox": [0,0,1,1]}"#,
            "annotations[0].image_id: No image has the ID 9.",
        ),
        (
            r#"{"image_id": 1, "category_id": 9, "bbox": [0,0,1,1]}"#,
            "annotations[0].category_id: No category has the ID 9.",
        ),
        (
            r#"{"image_id": 1, "category_id": 2, "bbox": [0,0,-1,1]}"#,
            "annotations[0].bbox: width is -1. Use 0 pixels or more.",
        ),
        (
            r#"{"image_id": 1, "category_id": 2, "bbox": [0,0]}"#,
            "annotations[0].bbox: Use four numbers: left, top, width, height.",
        ),
        (
            r#"{"image_id": 1, "bbox": [0,0,1,1]}"#,
            "annotations[0].category_id: The ID of a category is missing.",
        ),
    ] {
        assert_eq!(with(annotation).unwrap_err().to_string(), expected);
    }
    for broken in [
        r#"{"image_id": 1, "category_id": 2, "bbox": [0,0,1e999,1]}"#,
        r#"{"image_id": 1, "category_id": 2, "bbox": [0,0,NaN,1]}"#,
        r#"{"image_id": 1.5, "category_id": 2, "bbox": [0,0,1,1]}"#,
        r#"{"image_id": "1", "category_id": 2, "bbox": [0,0,1,1]}"#,
        r#"{"image_id": 1, "category_id": 2, "bbox": [0,0,1,1,1]}"#,
    ] {
        let error = with(broken).unwrap_err().to_string();
        assert!(error.contains("line 2 column"), "{error}");
    }
}

#[test]
fn duplicates_are_rejected() {
    let twice = |images: &str, categories: &str| {
        parse(&format!(r#"{{"images": [{images}], "categories": [{categories}], "annotations": []}}"#))
            .unwrap_err()
            .to_string()
    };
    let name = twice(r#"{"id": 1, "file_name": "a"}, {"id": 2, "file_name": "./a"}"#, "");
    assert_eq!(name, r#"images[1].file_name: "a" is also the name of images[0]."#);
    assert_eq!(
        twice(r#"{"id": 1, "file_name": "a"}, {"id": 1, "file_name": "b"}"#, ""),
        "images[1].id: The ID 1 is used twice."
    );
    assert_eq!(
        twice("", r#"{"id": 1, "name": "a"}, {"id": 1, "name": "b"}"#),
        "categories[1].id: The ID 1 is used twice."
    );
}

#[test]
fn other_json_is_not_coco() {
    for other in ["", "[]", "7", "{}", r#"{"images": []}"#, r#"{"annotations": []}"#, "not json"] {
        assert!(matches!(parse(other), Err(CocoError::NotCoco)), "{other}");
    }
    assert!(matches!(Coco::parse(b"{}   ", 4), Err(CocoError::TooManyBytes { bytes: 5, most: 4 })));
    assert!(parse(&"{\"a\":".repeat(10_000)).is_err());
}

#[test]
fn more_than_a_million_annotations_are_rejected() {
    let mut json = String::from(r#"{"images": [], "annotations": [0"#);
    json.push_str(&",0".repeat(10));
    assert!(matches!(parse(&json), Err(CocoError::Json(_))));
    let one = r#"{"id":1,"name":""},"#;
    let many = format!(r#"{{"categories": [{}{{"id":1,"name":""}}]}}"#, one.repeat(COCO_LIST_MAX));
    let error = Coco::parse(many.as_bytes(), usize::MAX).unwrap_err().to_string();
    assert!(error.contains("expected a list of at most 1,000,000"), "{error}");
}

proptest! {
    #[test]
    fn arbitrary_text_parses_or_returns_an_error(text in "[\\[\\]{}\":,0-9a-z. -]{0,60}") {
        let _ = with(&text);
        let _ = parse(&text);
    }

    #[test]
    fn boxes_round_trip(numbers: [i32; 4]) {
        let [left, top, width, height] = numbers.map(|n| f64::from(n) / 64.0);
        let seen = with(&format!(r#"{{"image_id": 1, "category_id": 2, "bbox": [{left},{top},{width},{height}]}}"#));
        prop_assert_eq!(seen.is_err(), width < 0.0 || height < 0.0);
        if let Ok(coco) = seen {
            prop_assert_eq!(coco.boxes("a.jpg"), Some(vec![("cat".into(), Rect { left, top, width, height })]));
        }
    }
}
