//! The account of whoever is signed in, and where it is signed in.

use askama::Template;

use super::{Frame, Moment};

#[derive(Template)]
#[template(path = "account.html")]
pub(crate) struct Account {
    pub(crate) frame: Frame,
    pub(crate) name: String,
    pub(crate) email: String,
    /// The present one first.
    pub(crate) sessions: Vec<SessionRow>,
}

pub(crate) struct SessionRow {
    pub(crate) id: String,
    pub(crate) is_this: bool,
    /// "Firefox on Linux"
    pub(crate) agent: String,
    pub(crate) address: String,
    pub(crate) last_seen: Moment,
    pub(crate) started: Moment,
}
