//! The query parameters that select entries of the audit log, for pages and exports.

use keyrack_store::{ActivityFilter, AuditAction};
use serde::Deserialize;
use utoipa::IntoParams;

use keyrack_core::Invalid;
use keyrack_core::times;

/// A filter for entries of the audit log.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct AuditFilterQuery {
    /// Only entries of this actor: `user:usr_…`, `key:key_…`, or `operator`.
    #[param(value_type = Option<crate::api::schema::ActorReference>)]
    actor: Option<String>,
    /// Only entries with this action, such as `key_rotated`.
    #[param(value_type = Option<crate::api::schema::AuditAction>)]
    action: Option<String>,
    /// Only entries about the resource with this ID.
    #[param(value_type = Option<crate::api::schema::ResourceId>)]
    target: Option<String>,
    /// Only entries about keys, projects, and models whose name contains this text.
    #[param(max_length = 100)]
    q: Option<String>,
    /// Only entries at or after this time.
    #[param(format = DateTime)]
    from: Option<String>,
    /// Only entries before this time.
    #[param(format = DateTime)]
    until: Option<String>,
}

impl AuditFilterQuery {
    /// Errors with all invalid parameters.
    pub fn parse(&self) -> Result<ActivityFilter, Invalid> {
        let mut invalid = Invalid::default();
        let actor = self.actor.as_deref().and_then(|text| invalid.take("actor", text.parse()));
        let action = self.action.as_deref().and_then(|text| invalid.take("action", action(text)));
        let target = self.target.as_deref().and_then(|text| invalid.take("target", id(text)));
        let from = self.from.as_deref().and_then(|text| invalid.take("from", times::parse(text)));
        let until = self.until.as_deref().and_then(|text| invalid.take("until", times::parse(text)));
        let text = self.q.as_deref().map(str::trim).filter(|text| !text.is_empty());
        // Names have at most 100 characters.
        let fits = text.is_none_or(|text| text.chars().count() <= 100);
        invalid.take("q", fits.then_some(()).ok_or("Use 100 characters or fewer."));
        let text = text.map(str::to_owned);
        let filter = ActivityFilter { actor, action, target, text, from, until };
        if invalid.fields().next().is_none() { Ok(filter) } else { Err(invalid) }
    }
}

fn action(text: &str) -> Result<AuditAction, String> {
    text.parse().map_err(|()| {
        let known: Vec<_> = AuditAction::ALL.iter().map(|action| action.name()).collect();
        format!("Use one of: {}.", known.join(", "))
    })
}

/// Validates an ID of any kind.
fn id(text: &str) -> Result<String, &'static str> {
    let is_id = text.split_once('_').is_some_and(|(kind, hex)| {
        kind.len() == 3
            && kind.bytes().all(|byte| byte.is_ascii_lowercase())
            && hex.len() == 32
            && hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    });
    if is_id { Ok(text.to_owned()) } else { Err("Use an ID such as key_ and 32 hexadecimal digits.") }
}
