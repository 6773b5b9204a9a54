//! Code examples for a prediction. The user fills in the secret.

use keyrack_store::{Model, ProjectType};

use crate::web::models::MIN_CONFIDENCE;
use crate::web::text::Snippet;

/// Examples for curl, Python, and JavaScript. Detectors get the confidence that the page uses.
pub(super) fn snippets(address: &str, secret: &str, model: &Model) -> Vec<Snippet> {
    let (way, client, ask, print) = match model.project_type {
        ProjectType::Classification => {
            ("classify", "classification", "predict", "answer.category, answer.confidence")
        }
        ProjectType::ObjectDetection => ("detect", "object_detection", "detect", "answer.detections"),
    };
    let (sure_curl, sure_python, sure_javascript) = match model.project_type {
        ProjectType::Classification => Default::default(),
        ProjectType::ObjectDetection => (
            format!(" \\\n  -F confidence={MIN_CONFIDENCE}"),
            format!(", confidence={MIN_CONFIDENCE}"),
            format!("form.append(\"confidence\", \"{MIN_CONFIDENCE}\");\n"),
        ),
    };
    let url = format!("{address}/api/v1/predict/{way}/{}", model.id);
    let curl = format!("curl {url} \\\n  -H \"X-Api-Key: {secret}\" \\\n  -F image=@image.jpg{sure_curl}");
    let python = format!(
        "from epigos import Epigos  # pip install epigos\n\n\
         client = Epigos(\"{secret}\", base_url=\"{address}/api/v1\")\n\
         model = client.{client}(\"{}\")\n\
         answer = model.{ask}(\"image.jpg\"{sure_python})\nprint({print})",
        model.id
    );
    let javascript = format!(
        "const form = new FormData();\nform.append(\"image\", file); // from an <input type=\"file\">\n{sure_javascript}\
         const answer = await fetch(\"{url}\", {{\n  method: \"POST\",\n  headers: {{ \"X-Api-Key\": \"{secret}\" }},\n  body: form,\n}});\n\
         console.log(await answer.json());"
    );
    [("curl", curl), ("Python", python), ("JavaScript", javascript)]
        .map(|(label, code)| Snippet { label: label.to_owned(), code })
        .into()
}
