//! Code examples for a prediction.

use keyrack_store::{Model, ProjectType};

use super::labeled;
use crate::web::text::Snippet;

/// The confidence from which a detector's boxes are shown on pages and requested in examples.
pub(in crate::web) const MIN_CONFIDENCE: f64 = 0.3;

/// Examples for curl, Python, and JavaScript. Detectors get the confidence that the page uses.
pub(in crate::web) fn snippets(address: &str, secret: &str, model: &Model) -> Vec<Snippet> {
    labeled([
        curl(address, secret, model, None),
        python(address, secret, model),
        javascript(address, secret, model),
    ])
}

/// Examples for a key that only accepts requests from a web page with this origin. A program can state the origin with curl;
/// the Python client can't.
pub(in crate::web) fn snippets_with_origin(
    address: &str,
    secret: &str,
    model: &Model,
    origin: &str,
) -> Vec<Snippet> {
    [("JavaScript", javascript(address, secret, model)), ("curl", curl(address, secret, model, Some(origin)))]
        .map(|(label, code)| Snippet { label: label.to_owned(), code })
        .into()
}

fn url(address: &str, model: &Model) -> String {
    let operation = match model.project_type {
        ProjectType::Classification => "classify",
        ProjectType::ObjectDetection => "detect",
    };
    format!("{address}/api/v1/predict/{operation}/{}", model.id)
}

fn curl(address: &str, secret: &str, model: &Model, origin: Option<&str>) -> String {
    let url = url(address, model);
    let origin = origin.map_or_else(String::new, |origin| format!(" \\\n  -H \"Origin: {origin}\""));
    let confidence = match model.project_type {
        ProjectType::Classification => String::new(),
        ProjectType::ObjectDetection => format!(" \\\n  -F confidence={MIN_CONFIDENCE}"),
    };
    format!(
        "curl {url} \\\n  -H \"Authorization: Bearer {secret}\"{origin} \\\n  -F image=@image.jpg{confidence}"
    )
}

fn python(address: &str, secret: &str, model: &Model) -> String {
    let (kind, predict, print) = match model.project_type {
        ProjectType::Classification => (
            "classification",
            "predict(\"image.jpg\")".to_owned(),
            "prediction.category, prediction.confidence",
        ),
        ProjectType::ObjectDetection => (
            "object_detection",
            format!("detect(\"image.jpg\", confidence={MIN_CONFIDENCE})"),
            "prediction.detections",
        ),
    };
    format!(
        "from epigos import Epigos  # pip install epigos\n\n\
         client = Epigos(\"{secret}\", base_url=\"{address}/api/v1\")\n\
         model = client.{kind}(\"{}\")\n\
         prediction = model.{predict}\nprint({print})",
        model.id
    )
}

fn javascript(address: &str, secret: &str, model: &Model) -> String {
    let url = url(address, model);
    let confidence = match model.project_type {
        ProjectType::Classification => String::new(),
        ProjectType::ObjectDetection => format!("form.append(\"confidence\", \"{MIN_CONFIDENCE}\");\n"),
    };
    format!(
        "const form = new FormData();\nform.append(\"image\", file); // from an <input type=\"file\">\n{confidence}\
         const response = await fetch(\"{url}\", {{\n  method: \"POST\",\n  headers: {{ \"Authorization\": \"Bearer {secret}\" }},\n  body: form,\n}});\n\
         console.log(await response.json());"
    )
}
