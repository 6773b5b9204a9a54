//! The fields that the Add New Key and Edit Scopes dialogs share.

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
    /// Whether the advanced section is open: if a field in it differs from the default or has an error.
    pub(crate) fn advanced_is_open(&self) -> bool {
        self.other_scopes.keys
            || self.other_scopes.node
            || self.limits.are_touched()
            || self.restrictions.is_touched()
    }

    /// A summary of the advanced section, for its heading.
    pub(crate) fn facts(&self) -> String {
        let restriction_summary = self.restrictions.restriction_summary();
        let limits = if self.limits.are_set() || !self.restrictions.max_image.value.is_empty() {
            " · limits"
        } else {
            ""
        };
        let keys = if self.other_scopes.keys { " · manages keys" } else { "" };
        let node = if self.other_scopes.node { " · verifies keys" } else { "" };
        format!("{restriction_summary}{limits}{keys}{node}")
    }
}
