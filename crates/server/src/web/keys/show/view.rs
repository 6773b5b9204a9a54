//! The data of the page of a key.

use askama::Template;

use super::usage_view::{KeyUsage, RecommendationRow};
use crate::web::frame::Frame;
use crate::web::keys::exposure::ExposureNotice;
use crate::web::text::{
    Attribution, ExpiryStatus, LastUsed, PauseSummary, QuotaBar, RestrictionRow, ScopeBadge,
};

/// Requests that were denied because the key is paused.
#[derive(Clone, Debug)]
pub(crate) struct DeniedRequestCount {
    /// The use, such as "manage projects". Empty if the requests only verified the key.
    pub(crate) does: String,
    /// The permission, such as `projects:manage`. Empty if the requests only verified the key.
    pub(crate) permission: &'static str,
    /// The number of requests, such as "12 calls".
    pub(crate) calls: String,
}

/// The status of a key beside its name.
pub(crate) struct KeyStatusBadge {
    /// Active, Paused, Expired, or Deleted.
    pub(crate) label: &'static str,
    /// The CSS class with the color.
    pub(crate) class: &'static str,
}

/// The usage of a key in the last days, in a few figures.
pub(crate) struct KeyFigures {
    /// The period, such as "30 days".
    pub(crate) window: String,
    /// The number of requests, allowed or denied.
    pub(crate) requests: String,
    pub(crate) denied: String,
    /// The share of denied requests, such as "1.6% of requests". Empty if no request was denied.
    pub(crate) denied_share: String,
}

#[derive(Template)]
#[template(path = "keys/show/show.html")]
pub(crate) struct KeyDetailPage {
    pub(crate) frame: Frame,
    pub(crate) base: String,
    pub(crate) can_manage: bool,
    pub(crate) status: KeyStatusBadge,
    pub(crate) figures: KeyFigures,
    /// Whether the key has expired, so that it can only be extended or deleted.
    pub(crate) is_expired: bool,
    /// The URL of the audit log of the key.
    pub(crate) audit_log_url: String,
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) masked: String,
    /// The whole text of a publishable key.
    pub(crate) publishable: Option<String>,
    /// During a rotation, the end of the old secret, such as "…Z7pe works until 14:05 tomorrow".
    pub(crate) retiring: Option<String>,
    /// A sentence about callers that still use the old secret. May be empty.
    pub(crate) still_using: String,
    pub(crate) paused: Option<PauseSummary>,
    /// The requests that were denied since the key was paused, and the start of the count.
    pub(crate) denied_requests: Vec<DeniedRequestCount>,
    pub(crate) denied_since: String,
    pub(crate) scopes: Vec<ScopeBadge>,
    pub(crate) created: Attribution,
    pub(crate) last_used: Option<LastUsed>,
    pub(crate) expires: ExpiryStatus,
    pub(crate) deleted: Option<Attribution>,
    /// The restrictions of the key.
    pub(crate) limits: Vec<RestrictionRow>,
    /// The usage of its quotas.
    pub(crate) quotas: Vec<QuotaBar>,
    /// Whether the key is publishable.
    pub(crate) public: bool,
    /// The note. May be empty.
    pub(crate) note: String,
    /// The reason for the deletion, if it was given.
    pub(crate) deletion_reason: Option<String>,
    /// A notice, if the key was exposed.
    pub(crate) exposure: Option<ExposureNotice>,
    /// The recommendations other than the exposure.
    pub(crate) advice: Vec<RecommendationRow>,
    pub(crate) usage: KeyUsage,
}
