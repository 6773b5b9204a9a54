//! `…/images/change`: labels or deletes the selected images.

use axum::extract::{FromRequest, RawForm, Request, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use keyrack_core::{AuthorizedCaller, Invalid, OpError};
use keyrack_key::{LabelId, RecordId};
use keyrack_store::Project;

use crate::app::{App, Shared};
use crate::web::error::PageError;
use crate::web::form::{sentence, unread, verify};
use crate::web::frame::{self, FlashMessage, NavItem, flash, show};
use crate::web::images::delete::DeleteImagesPage;
use crate::web::person::Member;
use crate::web::projects::{RequestedProject, url};
use crate::web::{return_path, text};

/// The largest number of images per request. A page shows fewer.
const MOST: usize = 500;

/// The fields of the form. The field `record` may occur many times.
#[derive(Debug, Default)]
pub struct ImageChangeForm {
    records: Vec<RecordId>,
    /// The action: `give`, `take`, or `delete`.
    action: String,
    label: Option<LabelId>,
    new: String,
    sure: bool,
    back: String,
}

impl FromRequest<Shared> for ImageChangeForm {
    type Rejection = PageError;

    async fn from_request(request: Request, app: &Shared) -> Result<Self, PageError> {
        let sender = request.extensions().get::<AuthorizedCaller>().cloned();
        let RawForm(bytes) = RawForm::from_request(request, app).await.map_err(unread)?;
        verify(sender, app).await?;
        let mut change = Self::default();
        for (name, value) in form_urlencoded::parse(&bytes) {
            match &*name {
                "record" => change.records.push(value.parse().map_err(|_| OpError::NotFound("image"))?),
                "do" => change.action = value.into_owned(),
                "label" if !value.is_empty() => {
                    change.label = Some(value.parse().map_err(|_| OpError::NotFound("label"))?);
                }
                "new" => change.new = value.into_owned(),
                "sure" => change.sure = value == "yes",
                "back" => change.back = value.into_owned(),
                _ => {}
            }
        }
        Ok(change)
    }
}

/// Sets or removes the class of the images, or deletes them.
pub(in crate::web) async fn submit(
    State(app): State<Shared>,
    RequestedProject { member, project }: RequestedProject,
    headers: HeaderMap,
    change: ImageChangeForm,
) -> Result<Response, PageError> {
    let base = url(&member, &project);
    let back = return_path::page_below(&base, &change.back).unwrap_or_else(|| base.clone());
    if change.records.is_empty() || change.records.len() > MOST {
        return Ok(flash::redirect(&app, &back, &FlashMessage::warning("Select at least one image.")));
    }
    if change.action == "delete" && !change.sure {
        return Ok(confirm(&app, &member, &headers, &base, &back, &change)?);
    }
    let count = text::count(change.records.len() as u64, "image");
    let done = match change.action.as_str() {
        "give" => {
            set_class(&app, &member, &project, &change).await.map(|class| format!("{count} labeled {class}."))
        }
        "take" => clear_class(&app, &member, &project, &change)
            .await
            .map(|()| format!("Label removed from {count}.")),
        "delete" => delete(&app, &member, &project, &change).await.map(|()| format!("{count} deleted.")),
        _ => return Err(Invalid::field("do", "Choose give, take, or delete.").into()),
    };
    match done {
        Ok(text) => Ok(flash::redirect(&app, &back, &FlashMessage::good(text))),
        Err(OpError::Invalid(invalid)) => {
            let text = invalid.fields().map(|(_, message)| message).collect::<Vec<_>>().join("; ");
            Ok(flash::redirect(&app, &back, &FlashMessage::warning(sentence(&text))))
        }
        Err(error) => Err(error.into()),
    }
}

async fn set_class(
    app: &App,
    member: &Member,
    project: &Project,
    change: &ImageChangeForm,
) -> Result<String, OpError> {
    let by = &member.acting;
    let new = change.new.trim();
    let (label, name) = if !new.is_empty() {
        // Verify that the images exist first. Otherwise a new class would remain without images.
        for record in &change.records {
            app.datasets.read(by, project.id, *record).await?;
        }
        let made = app.datasets.find_or_create_labels(by, project.id, &[new.to_owned()]).await?;
        made.into_iter().next().map(|label| (label.id, label.name)).ok_or(OpError::NotFound("label"))?
    } else if let Some(label) = change.label {
        let all = app.datasets.labels(by, project.id, None, super::ALL).await?.items;
        let known = all.into_iter().find(|one| one.id == label).ok_or(OpError::NotFound("label"))?;
        (known.id, known.name)
    } else {
        return Err(Invalid::field("label", "Choose a label, or enter a new one.").into());
    };
    app.datasets.set_category(by, project.id, &change.records, Some(label)).await?;
    Ok(name)
}

async fn clear_class(
    app: &App,
    member: &Member,
    project: &Project,
    change: &ImageChangeForm,
) -> Result<(), OpError> {
    app.datasets.set_category(&member.acting, project.id, &change.records, None).await
}

async fn delete(
    app: &App,
    member: &Member,
    project: &Project,
    change: &ImageChangeForm,
) -> Result<(), OpError> {
    for record in &change.records {
        match app.datasets.delete_record(&member.acting, project.id, *record).await {
            // Another request has deleted the image already.
            Ok(()) | Err(OpError::NotFound(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn confirm(
    app: &App,
    member: &Member,
    headers: &HeaderMap,
    base: &str,
    back: &str,
    change: &ImageChangeForm,
) -> Result<Response, OpError> {
    let view = DeleteImagesPage {
        frame: frame::of_member(app, member, NavItem::Projects, headers),
        action: format!("{base}/images/change"),
        what: text::count(change.records.len() as u64, "image"),
        back: back.to_owned(),
        records: change.records.iter().map(ToString::to_string).collect(),
    };
    Ok((StatusCode::OK, show!(app, view)?).into_response())
}
