//! The fields of the Add New Key form that ask where an Inference key will be used: on servers, or on public
//! pages with a publishable key.

use keyrack_core::Invalid;
use serde::Deserialize;

use super::limits::LimitsForm;
use super::restrictions::RestrictionsForm;
use super::restrictions_view::PublishableFields;

/// The submitted fields.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::web::keys) struct PublishableForm {
    /// `public` or `servers`.
    used: String,
    public_origins: String,
    public_requests: String,
    public_every: String,
    public_unit: String,
    public_max_image: String,
}

impl PublishableForm {
    /// Whether the user chose a publishable key.
    pub(in crate::web::keys) fn is_chosen(&self) -> bool {
        self.used == "public"
    }

    /// Copies the fields into the fields that secret keys use for the same settings.
    pub(in crate::web::keys) fn copy_to(&self, limits: &mut LimitsForm, restrictions: &mut RestrictionsForm) {
        restrictions.origins = Some(self.public_origins.clone());
        restrictions.max_image = Some(self.public_max_image.clone());
        limits.visitor_requests = Some(self.public_requests.clone());
        limits.visitor_every.clone_from(&self.public_every);
        limits.visitor_unit.clone_from(&self.public_unit);
        limits.keep_predictions();
    }

    /// The fields for the page. Errors are shown here only if the user chose a publishable key.
    pub(in crate::web::keys) fn fields(&self, chosen: bool, invalid: Option<&Invalid>) -> PublishableFields {
        let (mut limits, mut restrictions) = <(LimitsForm, RestrictionsForm)>::default();
        self.copy_to(&mut limits, &mut restrictions);
        let invalid = invalid.filter(|_| chosen);
        PublishableFields {
            chosen,
            origins: restrictions.origins(invalid),
            visitor: limits.visitor_fields(invalid),
            max_image: restrictions.max_image(invalid),
        }
    }
}
