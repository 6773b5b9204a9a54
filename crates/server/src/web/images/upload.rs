//! `…/images`: pictures as a browser sends them, many in one form. Each has its own outcome.

use axum::extract::multipart::{Field, MultipartError, MultipartRejection};
use axum::extract::{Multipart, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use keyrack_guard::Problem;
use keyrack_store::Project;

use crate::app::{App, Shared};
use crate::ops::OpError;
use crate::web::error::PageError;
use crate::web::flash;
use crate::web::form::sentence;
use crate::web::frame::{self, show};
use crate::web::person::Member;
use crate::web::projects::{Chosen, url};
use crate::web::view::{Here, Notice, Outcome, Outcomes, Tone};
use crate::web::words;

/// A form with more files than these is cut there.
const MOST_FILES: usize = 2_000;
/// Where nobody names a batch.
const BATCH: &str = "browser";

/// What became of the form so far.
#[derive(Default)]
struct Sent {
    batch: String,
    /// The module sends each picture by itself, and wants its outcome and no page to go to.
    each: bool,
    outcomes: Vec<Outcome>,
    broken: Option<String>,
}

/// Takes the pictures in.
pub(in crate::web) async fn submit(
    State(app): State<Shared>,
    Chosen { member, project }: Chosen,
    headers: HeaderMap,
    form: Result<Multipart, MultipartRejection>,
) -> Result<Response, PageError> {
    let form = form.map_err(|_| {
        let says = "The form did not arrive as this page sends it.";
        Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "bad_form", says)
    })?;
    let mut sent = Sent::default();
    if let Err(error) = take_all(&app, &member, &project, form, &mut sent).await? {
        sent.broken = Some(broken(&error).to_owned());
    }
    Ok(answer(&app, &member, &headers, &project, sent)?)
}

/// Reads the form to its end. What is wrong with one picture is its outcome; a form that breaks off ends all.
async fn take_all(
    app: &App,
    member: &Member,
    project: &Project,
    mut form: Multipart,
    sent: &mut Sent,
) -> Result<Result<(), MultipartError>, OpError> {
    loop {
        let field = match form.next_field().await {
            Ok(Some(field)) => field,
            Ok(None) => return Ok(Ok(())),
            Err(error) => return Ok(Err(error)),
        };
        match field.name() {
            Some("batch") => match small(field).await {
                Ok(text) => text.trim().clone_into(&mut sent.batch),
                Err(error) => return Ok(Err(error)),
            },
            Some("each") => sent.each = true,
            // A form without a file sends one without a name.
            Some("files") if field.file_name().is_some_and(|name| !name.is_empty()) => {
                if sent.outcomes.len() == MOST_FILES {
                    return Ok(Ok(()));
                }
                match take(app, member, project, field, &sent.batch).await? {
                    Ok(outcome) => sent.outcomes.push(outcome),
                    Err(error) => return Ok(Err(error)),
                }
            }
            _ => {}
        }
    }
}

async fn take(
    app: &App,
    member: &Member,
    project: &Project,
    field: Field<'_>,
    batch: &str,
) -> Result<Result<Outcome, MultipartError>, OpError> {
    let name = field.file_name().unwrap_or_default().rsplit(['/', '\\']).next().unwrap_or_default().to_owned();
    let bytes = match whole(field, app.config.max_image).await {
        Ok(Some(bytes)) => bytes,
        Ok(None) => {
            let most = words::bytes(app.config.max_image as u64);
            return Ok(Ok(Outcome { name, refused: Some(format!("is larger than {most}")) }));
        }
        Err(error) => return Ok(Err(error)),
    };
    let batch = if batch.is_empty() { BATCH } else { batch };
    let refused = match app.datasets.add_picture(&member.acting, project.id, &name, Some(batch), bytes.into()).await {
        Ok(_) => None,
        Err(OpError::Problem(problem)) if problem.status().is_client_error() => Some(problem.message().to_owned()),
        Err(OpError::Invalid(invalid)) => {
            Some(invalid.fields().map(|(_, says)| says).collect::<Vec<_>>().join("; "))
        }
        Err(error) => return Err(error),
    };
    Ok(Ok(Outcome { name, refused: refused.map(|why| sentence(&why)) }))
}

/// All of a file, or nothing of one that is too large. What is too large is still read, so that the next file is found.
async fn whole(mut field: Field<'_>, most: usize) -> Result<Option<Vec<u8>>, MultipartError> {
    let mut bytes = Vec::new();
    let mut fits = true;
    while let Some(chunk) = field.chunk().await? {
        fits = fits && bytes.len() + chunk.len() <= most;
        if fits {
            bytes.extend_from_slice(&chunk);
        } else {
            bytes = Vec::new();
        }
    }
    Ok(fits.then_some(bytes))
}

/// A field that people type into.
async fn small(field: Field<'_>) -> Result<String, MultipartError> {
    let bytes = whole(field, 1_000).await?.unwrap_or_default();
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn broken(error: &MultipartError) -> &'static str {
    if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
        "The form was too large. What stands here arrived before that."
    } else {
        "The form broke off on its way. What stands here arrived before that."
    }
}

fn answer(
    app: &App,
    member: &Member,
    headers: &HeaderMap,
    project: &Project,
    sent: Sent,
) -> Result<Response, OpError> {
    let url = url(member, project);
    let all = sent.outcomes.len();
    let added = sent.outcomes.iter().filter(|one| one.refused.is_none()).count();
    let images = words::count(all as u64, "image");
    if !sent.each && sent.broken.is_none() && added == all {
        let (tone, text) = match all {
            0 => (Tone::Warning, "No file was chosen.".to_owned()),
            1 => (Tone::Good, "1 image was added.".to_owned()),
            _ => (Tone::Good, format!("{images} were added.")),
        };
        return Ok(flash::redirect(app, &url, &Notice { tone, text, detail: String::new() }));
    }
    let view = Outcomes {
        frame: frame::of_member(app, member, Here::Projects, headers),
        project_url: url,
        project_name: project.name.clone(),
        title: format!("{added} of {images} {} added", if all == 1 { "was" } else { "were" }),
        outcomes: sent.outcomes,
        broken: sent.broken,
    };
    let status = if added < all || view.broken.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    Ok((status, show!(app, view)?).into_response())
}
