//! The fields of the Add New Key form that ask where an Inference key will be used: on servers, or on public
//! pages with a publishable key.

use serde::Deserialize;

use super::limits::LimitsForm;
use super::narrow::NarrowForm;
use crate::ops::Invalid;
use crate::web::view::PublicFields;

/// The submitted fields.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct PublicForm {
    /// `public` or `servers`.
    used: String,
    public_origins: String,
    public_requests: String,
    public_every: String,
    public_unit: String,
    public_max_image: String,
}

impl PublicForm {
    /// Whether the user chose a publishable key.
    pub(super) fn is_chosen(&self) -> bool {
        self.used == "public"
    }

    /// Copies the fields into the fields that secret keys use for the same settings.
    pub(super) fn settle(&self, limits: &mut LimitsForm, narrow: &mut NarrowForm) {
        narrow.origins = Some(self.public_origins.clone());
        narrow.max_image = Some(self.public_max_image.clone());
        limits.visitor_requests = Some(self.public_requests.clone());
        limits.visitor_every.clone_from(&self.public_every);
        limits.visitor_unit.clone_from(&self.public_unit);
        limits.keep_predictions();
    }

    /// The fields for the page. Errors are shown here only if the user chose a publishable key.
    pub(super) fn fields(&self, chosen: bool, invalid: Option<&Invalid>) -> PublicFields {
        let (mut limits, mut narrow) = <(LimitsForm, NarrowForm)>::default();
        self.settle(&mut limits, &mut narrow);
        let invalid = invalid.filter(|_| chosen);
        PublicFields {
            chosen,
            origins: narrow.origins(invalid),
            visitor: limits.visitor_fields(invalid),
            max_image: narrow.max_image(invalid),
        }
    }
}
