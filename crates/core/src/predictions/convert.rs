//! Converts model results to responses.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use keyrack_vision::classify::ClassPrediction;
use keyrack_vision::detect;
use keyrack_vision::{BoxStyle, LabeledBox, Picture, Rect, draw};

use super::{
    ClassifyOptions, DetectOptions, DetectedObjects, Detection, ImageClasses, LabelConfidence, SmallCopy,
};

/// For images in responses.
const JPEG_QUALITY: u8 = 85;
/// The longer side of a small copy, in pixels.
const SMALL: u32 = 1024;

impl SmallCopy {
    fn of(picture: &Picture) -> Self {
        let jpeg = BASE64_STANDARD.encode(picture.thumbnail(SMALL).to_jpeg(JPEG_QUALITY));
        Self { jpeg, width: picture.width(), height: picture.height() }
    }
}

pub(super) fn classified(
    guesses: &[ClassPrediction<'_>],
    picture: &Picture,
    asked: ClassifyOptions,
) -> Option<ImageClasses> {
    let likely = |guess: &ClassPrediction<'_>| LabelConfidence {
        label: guess.label.to_owned(),
        confidence: guess.confidence,
    };
    let best = likely(guesses.first()?);
    let rest = guesses[1..].iter().filter(|guess| f64::from(guess.confidence) >= asked.confidence);
    let all = std::iter::once(best.clone()).chain(rest.map(likely)).collect();
    Some(ImageClasses { best, all, small: asked.small.then(|| SmallCopy::of(picture)) })
}

pub(super) fn detected(
    found: &[detect::Detection],
    labels: &[String],
    picture: &Picture,
    wanted: &DetectOptions,
    stroke: Option<u32>,
) -> DetectedObjects {
    let label = |class: usize| labels.get(class).map_or("", String::as_str);
    let objects = found.iter().map(|detect::Detection { object, confidence }| Detection {
        label: label(object.class).to_owned(),
        confidence: *confidence,
        left: object.left,
        top: object.top,
        width: object.width,
        height: object.height,
    });
    let boxes: Vec<_> = found
        .iter()
        .map(|detect::Detection { object, confidence }| LabeledBox {
            label: label(object.class),
            class: object.class,
            confidence: *confidence,
            rect: Rect {
                left: object.left.into(),
                top: object.top.into(),
                width: object.width.into(),
                height: object.height.into(),
            },
        })
        .collect();
    let style = BoxStyle { stroke, show_confidence: wanted.show_confidence };
    let annotated =
        wanted.annotate.then(|| BASE64_STANDARD.encode(draw(picture, &boxes, &style).to_jpeg(JPEG_QUALITY)));
    let small = wanted.small.then(|| SmallCopy::of(picture));
    DetectedObjects { objects: objects.collect(), annotated, small }
}
