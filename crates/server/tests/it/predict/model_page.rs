//! The form on a model's page that tests the model.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use image::ImageFormat;
use keyrack_vision::{ImageLimits, Picture};
use reqwest::Method;

use super::body_formats::{BOUNDARY, form};
use super::fixture::PredictionFixture;
use super::image_host::ImageHost;
use super::samples::{LABELS, encode, noise_image, square_image};
use crate::harness::{Answer, send};
use crate::web_client::WebClient;

/// Submits the form with these fields.
async fn submit_image(
    predictions: &PredictionFixture,
    owner: &WebClient<'_>,
    model: &str,
    fields: &[(&str, &[u8])],
) -> Answer {
    let path = format!("/w/{}/models/{model}/try", owner.slug);
    let request = predictions.server.request(Method::POST, &path).header("cookie", &owner.cookie);
    let request = request.header("origin", &predictions.server.url);
    let kind = format!("multipart/form-data; boundary={BOUNDARY}");
    send(request.header("content-type", kind).body(form(fields))).await
}

/// The text between `start` and `end`.
fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    let (_, rest) = text.split_once(start).unwrap_or_else(|| panic!("no {start} in {text}"));
    rest.split_once(end).unwrap().0
}

/// The image in the response, and the size attributes of its tag.
fn result_image(answer: &Answer) -> (Picture, String) {
    assert_eq!(answer.status, 200, "{answer:?}");
    let tag = between(&answer.text, "<img src=\"data:image/jpeg;base64,", " alt=\"Uploaded image");
    let (jpeg, size) = tag.split_once("\" ").unwrap();
    let jpeg = BASE64_STANDARD.decode(jpeg.replace("&#43;", "+").replace("&#61;", "=")).unwrap();
    (Picture::decode(&jpeg, &ImageLimits::default()).unwrap(), size.to_owned())
}

#[tokio::test]
async fn model_page_reveals_nothing_about_private_image_urls() {
    let predictions = PredictionFixture::start_with(&["--allow-image-host", "localhost"]).await;
    let (owner, image_host) = (WebClient::sign_in(&predictions.server).await, ImageHost::start().await);
    let ask = async |host: &str, path: &str| {
        let url = image_host.url(host, path);
        submit_image(&predictions, &owner, &predictions.classifier, &[("name=\"url\"", url.as_bytes())]).await
    };
    let mut problem = Vec::new();
    for (host, path) in [
        ("127.0.0.1", "/picture"),
        ("localhost", "/missing"),
        ("localhost", "/page"),
        ("localhost", "/empty"),
    ] {
        let answer = ask(host, path).await;
        assert_eq!(answer.status, 422, "{path}: {answer:?}");
        problem.push(between(&answer.text, "id=\"try-error\">", "</p>").to_owned());
    }
    assert!(problem.iter().all(|one| *one == problem[0] && one.contains("public address")), "{problem:?}");
    // The image is fetched once.
    let before = image_host.connection_count();
    let answer = ask("localhost", "/picture").await;
    assert!(answer.text.contains(&format!("<h3>{}</h3>", LABELS[1])), "{answer:?}");
    assert_eq!((result_image(&answer).0.width(), image_host.connection_count()), (64, before + 1));
    let fields: [(&str, &[u8]); 1] = [("name=\"url\"", b"ftp://example.org/x")];
    let answer = submit_image(&predictions, &owner, &predictions.classifier, &fields).await;
    assert!(answer.text.contains("a URL that starts with http:// or https://"), "{answer:?}");
}

#[tokio::test]
async fn model_page_shows_scaled_image_with_original_size() {
    let predictions = PredictionFixture::start().await;
    let owner = WebClient::sign_in(&predictions.server).await;
    let large = encode(&noise_image(1_500, 900), ImageFormat::Png);
    let head = "name=\"image\"; filename=\"part.png\"\r\nContent-Type: image/png";
    let answer = submit_image(&predictions, &owner, &predictions.classifier, &[(head, &large)]).await;
    let (picture, size) = result_image(&answer);
    assert_eq!((picture.width(), size.as_str()), (1_024, "width=\"1500\" height=\"900\""));
    let answer =
        submit_image(&predictions, &owner, &predictions.detector, &[(head, &square_image(3).0)]).await;
    let (picture, size) = result_image(&answer);
    assert_eq!((picture.width(), size.as_str()), (160, "width=\"160\" height=\"120\""));
    assert!(answer.text.contains("Boxes with a confidence of at least 30%."), "{answer:?}");
}

/// A program with the snippet of the page finds the same boxes as the page.
#[tokio::test]
async fn model_page_snippets_use_page_confidence() {
    let predictions = PredictionFixture::start().await;
    let owner = WebClient::sign_in(&predictions.server).await;
    let page = async |model: &str| owner.page(&format!("/w/{}/models/{model}", owner.slug)).await.text;
    let request = page(&predictions.detector).await.replace("&#34;", "\"");
    for expected in
        ["-F confidence=0.3", "(\"image.jpg\", confidence=0.3)", "append(\"confidence\", \"0.3\")"]
    {
        assert!(request.contains(expected), "{expected}: {request}");
    }
    assert!(!page(&predictions.classifier).await.contains("confidence=0.3"));
}

#[tokio::test]
async fn new_inference_key_is_shown_with_a_prediction_that_it_can_make() {
    let predictions = PredictionFixture::start().await;
    let owner = WebClient::sign_in(&predictions.server).await;
    let path = owner.keys("/new");
    let generate = async |name: &str, scope: &str, fields: &[(&str, &str)]| {
        let nonce = owner.nonce(&path).await;
        let usual = [("nonce", nonce.as_str()), ("name", name), ("scope", scope), ("expiry", "never")];
        owner.submit(&path, &[&usual[..], fields].concat()).await.text
    };
    let newest = format!("/api/v1/predict/classify/{}", predictions.damaged);
    let other = format!("/api/v1/predict/detect/{}", predictions.detector);

    let any = generate("any model", "inference", &[]).await;
    assert!(any.contains(&newest) && any.contains("from epigos import Epigos"), "{any}");
    let one = [("only_models", "these"), (predictions.detector.as_str(), "on")];
    let one = generate("one model", "inference", &one).await;
    assert!(one.contains(&other) && !one.contains(&newest), "{one}");
    let page = [("used", "public"), ("public_origins", "https://*.shop.example")];
    let page = generate("a page", "inference", &page).await;
    assert!(page.contains("Origin: https://www.shop.example") && !page.contains("epigos"), "{page}");
    let project = generate("uploads", "project", &[]).await;
    assert!(project.contains("/api/v1/projects") && !project.contains("/predict/"), "{project}");
}

#[tokio::test]
async fn model_is_renamed_and_keeps_its_id() {
    let predictions = PredictionFixture::start().await;
    let owner = WebClient::sign_in(&predictions.server).await;
    let path = |model: &str| format!("/w/{}/models/{model}/rename", owner.slug);
    let rename = async |model: &str, name: &str| owner.submit(&path(model), &[("name", name)]).await;

    for wrong in ["", "  ", "a\u{202e}b", &"x".repeat(101)] {
        let answer = rename(&predictions.classifier, wrong).await;
        assert_eq!(answer.status, 422, "{wrong:?}: {answer:?}");
        assert!(answer.text.contains("f-name-error"), "{answer:?}");
    }
    let renamed = rename(&predictions.classifier, " Caps, night shift ").await;
    assert_eq!(renamed.status, 303, "{renamed:?}");
    let page = owner.page(renamed.header("location")).await.text;
    assert!(page.contains("<h1>Caps, night shift</h1>") && page.contains(&predictions.classifier), "{page}");
    assert_eq!(rename(&predictions.classifier, "Caps, night shift").await.status, 303, "the same name again");
    let taken = rename(&predictions.damaged, "caps,  NIGHT shift").await;
    assert_eq!(taken.status, 422, "{taken:?}");
    assert_eq!(rename(&predictions.theirs, "ours now").await.status, 404);

    let log = owner.page(&format!("/w/{}/settings/audit-log", owner.slug)).await.text;
    assert_eq!(log.matches("renamed the model").count(), 1, "{log}");
}

#[tokio::test]
async fn train_again_offers_settings_of_the_model() {
    let predictions = PredictionFixture::start().await;
    let owner = WebClient::sign_in(&predictions.server).await;
    let model = owner.page(&format!("/w/{}/models/{}", owner.slug, predictions.classifier)).await.text;
    let link = between(&model, "href=\"", &format!("train?again={}", predictions.classifier));
    assert!(model.contains("Train again") && !link.is_empty());
    let project = format!("/w/{}/projects/{}", owner.slug, predictions.project);
    for again in [&predictions.classifier, &predictions.theirs, "mdl_0", "<b>", ""] {
        let again: String = form_urlencoded::byte_serialize(again.as_bytes()).collect();
        let page = owner.page(&format!("{project}/train?again={again}")).await;
        assert_eq!(page.status, 200, "{again}: {page:?}");
        assert!(!page.text.contains("<b>"), "{page:?}");
    }
}
