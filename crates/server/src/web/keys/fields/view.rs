//! The fields that the Add New Key and Edit Scopes dialogs share.

use keyrack_core::numbers::counted;

use super::limits_view::LimitFields;
use super::restrictions_view::{PublishableFields, RestrictionFields};
use crate::web::form::Field;

#[derive(Clone, Debug, Default)]
pub(crate) struct KeyFields {
    /// The form field `name`.
    pub(crate) name: Field,
    /// The form field `scope`: `project`, `inference`, or, when editing, `none`. Empty if no scope is selected.
    pub(crate) scope: Field,
    /// The form field `expiry`: the value of one of `expiries`, exactly one of which is selected.
    pub(crate) expiry: Field,
    pub(crate) expiries: Vec<ExpiryOption>,
    /// The form field `expires_on` as `YYYY-MM-DD`, used if `expiry` is `date`.
    pub(crate) expires_on: Field,
    /// The first date that can be selected, as `YYYY-MM-DD`.
    pub(crate) earliest: String,
    /// The last date that can be selected. `None` if the policy has no limit.
    pub(crate) latest: Option<String>,
    /// A sentence about the policy, such as "This workspace lets a key live for 90 days at most."
    pub(crate) policy: Option<String>,
    /// Whether the key is publishable, which allows only Inference.
    pub(crate) public: bool,
    pub(crate) other_scopes: OtherScopes,
    pub(crate) limits: LimitFields,
    pub(crate) restrictions: RestrictionFields,
    /// Whether the form has a field for where an Inference key will be used. Only for new keys.
    pub(crate) asks_for_use: bool,
    pub(crate) publishable: PublishableFields,
    /// Whether the user can remove both Project and Inference. Only when editing.
    pub(crate) allows_none: bool,
}

/// An option for the expiry of a key.
#[derive(Clone, Debug)]
pub(crate) struct ExpiryOption {
    /// The form value: `never`, `keep`, `30d`, `90d`, `365d`, `longest`, or `date`.
    pub(crate) value: &'static str,
    /// The label, such as "In 30 days".
    pub(crate) label: String,
    /// The explanation, such as "It stops working on 26 December 2026. …".
    pub(crate) explanation: String,
    pub(crate) is_chosen: bool,
}

/// The scopes besides Project and Inference.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct OtherScopes {
    /// The form field `keys`, `on` if checked.
    pub(crate) keys: bool,
    /// The form field `node`, `on` if checked.
    pub(crate) node: bool,
}

impl KeyFields {
    /// A summary such as "2 limits". The script of the page computes the texts of all groups while the user edits the form.
    pub(crate) fn limits_summary(&self) -> String {
        match self.limits.set() + usize::from(!self.restrictions.max_image.value.is_empty()) {
            0 => "none".to_owned(),
            limits => counted(limits as u64, "limit"),
        }
    }

    pub(crate) fn limits_have_error(&self) -> bool {
        self.limits.have_error() || self.restrictions.max_image.error.is_some()
    }

    /// A summary such as "manages keys".
    pub(crate) fn administration_summary(&self) -> String {
        let OtherScopes { keys, node } = self.other_scopes;
        let parts = [(keys, "manages keys"), (node, "verifies keys")];
        let parts: Vec<_> = parts.into_iter().filter_map(|(has, text)| has.then_some(text)).collect();
        if parts.is_empty() { "none".to_owned() } else { parts.join(" · ") }
    }
}
