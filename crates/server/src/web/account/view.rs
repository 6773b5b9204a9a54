//! The page with the account of the signed-in user.

use askama::Template;

use crate::web::frame::Frame;
use crate::web::text::DisplayTime;

#[derive(Template)]
#[template(path = "account/account.html")]
pub(crate) struct AccountPage {
    pub(crate) frame: Frame,
    pub(crate) name: String,
    pub(crate) email: String,
    /// The sessions of the user, the current one first.
    pub(crate) sessions: Vec<SessionRow>,
}

pub(crate) struct SessionRow {
    pub(crate) id: String,
    pub(crate) is_this: bool,
    /// The browser, such as "Firefox on Linux".
    pub(crate) agent: String,
    pub(crate) address: String,
    pub(crate) last_seen: DisplayTime,
    pub(crate) started: DisplayTime,
}
