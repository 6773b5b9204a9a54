//! `POST …/images`: stores the images and archives of a form. Each file has an outcome of its own.

mod view;

mod field;

use axum::extract::multipart::{Field, MultipartError, MultipartRejection};
use axum::extract::{Multipart, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::{HeaderMap, StatusCode};
use keyrack_core::predict::memory::MemoryDenial;
use keyrack_core::{ErrorCause, OpError};
use keyrack_guard::Problem;
use keyrack_store::Project;

use crate::app::{App, Shared};
use crate::web::error::PageError;
use crate::web::form::sentence;
use crate::web::frame::{self, FlashMessage, NavItem, flash, show};
use crate::web::person::Member;
use crate::web::projects::{RequestedProject, url};
use crate::web::text;
use field::{small, whole};
use view::UploadOutcomesPage;

pub(in crate::web) use view::UploadOutcome;

/// The largest number of files in one form. Further files are not read.
const MOST_FILES: usize = 2_000;
/// The batch of images that are uploaded without one.
const BATCH: &str = "browser";
/// The first bytes of a ZIP archive.
const ZIP: &[u8] = b"PK";

/// What has been read of the form.
#[derive(Default)]
struct UploadForm {
    batch: String,
    /// The script of the page sends each file in a request of its own, and needs the outcome instead of a redirect.
    each: bool,
    outcomes: Vec<UploadOutcome>,
    /// The ID of the import, if the form contained an archive.
    import: Option<String>,
    broken: Option<String>,
}

/// Stores the files and shows their outcomes.
pub(in crate::web) async fn submit(
    State(app): State<Shared>,
    RequestedProject { member, project }: RequestedProject,
    headers: HeaderMap,
    form: Result<Multipart, MultipartRejection>,
) -> Result<Response, PageError> {
    let form = form.map_err(|_| {
        let message = "We couldn't read this form. Reload the page and try again.";
        Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "bad_form", message)
    })?;
    let mut sent = UploadForm::default();
    if let Err(error) = take_all(&app, &member, &project, form, &mut sent).await? {
        sent.broken = Some(broken(&error).to_owned());
    }
    Ok(answer(&app, &member, &headers, &project, sent)?)
}

/// Reads the form to its end. An error of one image becomes its outcome; an error of the form stops the upload
/// and is the inner `Err`.
async fn take_all(
    app: &App,
    member: &Member,
    project: &Project,
    mut form: Multipart,
    sent: &mut UploadForm,
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
            // Browsers send a field without a file name if no file is selected.
            Some("files") if field.file_name().is_some_and(|name| !name.is_empty()) => {
                if sent.outcomes.len() == MOST_FILES {
                    sent.broken = Some(format!(
                        "There were more than {MOST_FILES} files in the form. The rest wasn't uploaded. Upload it separately, or \
                         upload everything as a .zip."
                    ));
                    return Ok(Ok(()));
                }
                if let Err(error) = take(app, member, project, field, sent).await? {
                    return Ok(Err(error));
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
    mut field: Field<'_>,
    sent: &mut UploadForm,
) -> Result<Result<(), MultipartError>, OpError> {
    let name =
        field.file_name().unwrap_or_default().rsplit(['/', '\\']).next().unwrap_or_default().to_owned();
    let first = match field.chunk().await {
        Ok(first) => first.unwrap_or_default(),
        Err(error) => return Ok(Err(error)),
    };
    if first.starts_with(ZIP) {
        return archive(app, member, project, field, &first, &name, sent).await;
    }
    let most = app.config.max_image;
    let whole =
        match whole(field, &first, app.datasets.memory().collect(member.acting.claimant(), most, None)).await
        {
            Ok(whole) => whole,
            Err(error) => return Ok(Err(error)),
        };
    let denial = match whole {
        Err(MemoryDenial::TooLarge) => Some(format!("is larger than {}", text::bytes(most as u64))),
        Err(MemoryDenial::Exhausted(exhausted)) => refusal::<()>(Err(exhausted.into()))?,
        // The budget is held until the image is stored.
        Ok((bytes, _held)) => {
            let by = &member.acting;
            refusal(app.datasets.add_image(by, project.id, &name, Some(batch(sent)), bytes, None).await)?
        }
    };
    sent.outcomes.push(UploadOutcome { name, denial: denial.map(|why| sentence(&why)) });
    Ok(Ok(()))
}

fn batch(sent: &UploadForm) -> &str {
    if sent.batch.is_empty() { BATCH } else { &sent.batch }
}

/// The reason why an image was denied. `None` if it was stored, and an error if further images would fail as well.
fn refusal<T>(added: Result<T, OpError>) -> Result<Option<String>, OpError> {
    match added {
        Ok(_) => Ok(None),
        Err(OpError::Invalid(invalid)) => {
            Ok(Some(invalid.fields().map(|(_, message)| message).collect::<Vec<_>>().join("; ")))
        }
        Err(error) if error.is_busy() => {
            Ok(Some("wasn't checked because the server is busy. Upload it again.".to_owned()))
        }
        Err(error) if error.cause() != ErrorCause::Request => Ok(Some(error.to_string())),
        Err(error) => Err(error),
    }
}

/// Stores an archive and queues its import. A worker imports the images, also after a restart of the server.
async fn archive(
    app: &App,
    member: &Member,
    project: &Project,
    mut field: Field<'_>,
    first: &[u8],
    name: &str,
    sent: &mut UploadForm,
) -> Result<Result<(), MultipartError>, OpError> {
    let begun = app.imports.begin(&member.acting, project.id, name, batch(sent)).await;
    let mut arriving = match begun {
        Ok(arriving) => arriving,
        Err(error) => {
            let why = match error {
                // An import takes longer than an image, so the message names what to wait for.
                OpError::ShareUsedUp(exhausted) => Some(exhausted.to_string()),
                other => refusal::<()>(Err(other))?,
            };
            let denial = why.map(|why| sentence(&why));
            sent.outcomes.push(UploadOutcome { name: name.to_owned(), denial });
            return Ok(Ok(()));
        }
    };
    arriving.write(first).await?;
    loop {
        match field.chunk().await {
            Ok(Some(chunk)) => arriving.write(&chunk).await?,
            Ok(None) => break,
            Err(error) => return Ok(Err(error)),
        }
    }
    sent.import = Some(arriving.finish().await?.to_string());
    Ok(Ok(()))
}

fn broken(error: &MultipartError) -> &'static str {
    if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
        "The upload was too large. The images below arrived before that."
    } else {
        "The upload was interrupted. The images below arrived before that."
    }
}

fn answer(
    app: &App,
    member: &Member,
    headers: &HeaderMap,
    project: &Project,
    sent: UploadForm,
) -> Result<Response, OpError> {
    let url = url(member, project);
    let all = sent.outcomes.len();
    let added = sent.outcomes.iter().filter(|one| one.denial.is_none()).count();
    let images = text::count(all as u64, "image");
    if let Some(id) = sent.import.filter(|_| sent.broken.is_none() && added == all) {
        return Ok(Redirect::to(&format!("{url}/imports/{id}")).into_response());
    }
    if !sent.each && sent.broken.is_none() && added == all {
        let notice = match all {
            0 => FlashMessage::warning("Choose a file first."),
            1 => FlashMessage::good("1 image added."),
            _ => FlashMessage::good(format!("{images} added.")),
        };
        return Ok(flash::redirect(app, &url, &notice));
    }
    let view = UploadOutcomesPage {
        frame: frame::of_member(app, member, NavItem::Projects, headers),
        project_url: url,
        project_name: project.name.clone(),
        title: format!("{added} of {images} added"),
        files: sent.outcomes,
        broken: sent.broken,
    };
    let status =
        if added < all || view.broken.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    Ok((status, show!(app, view)?).into_response())
}
