//! The theme of the pages. A cookie keeps the choice, so that the server writes it into the page and the first paint has the
//! right colors.

use http::{HeaderMap, HeaderValue};
use keyrack_core::Invalid;
use std::str::FromStr;

use crate::app::App;
use crate::http::session;

const COOKIE: &str = "keyrack_theme";
const A_YEAR: i64 = 365 * 24 * 60 * 60;

/// The theme that a visitor chose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Theme {
    /// The theme of the visitor's system.
    #[default]
    System,
    Light,
    Dark,
}

impl Theme {
    pub(crate) const ALL: [Self; 3] = [Self::System, Self::Light, Self::Dark];

    /// The theme in the cookies of a request. An unknown value counts as [`Theme::System`].
    pub(in crate::web) fn of(headers: &HeaderMap) -> Self {
        session::value(headers, COOKIE).and_then(|name| name.parse().ok()).unwrap_or_default()
    }

    /// The name in cookies, forms, and the attribute `data-theme`.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::System => "System",
            Self::Light => "Light",
            Self::Dark => "Dark",
        }
    }

    /// Whether the visitor chose a theme other than the system's.
    pub(crate) fn is_fixed(self) -> bool {
        self != Self::System
    }

    /// The color of the page behind the content, for the browser's own bars. The style sheet has the same colors.
    pub(crate) const fn color(self) -> &'static str {
        match self {
            Self::System | Self::Light => "#fbfaf8",
            Self::Dark => "#141413",
        }
    }

    /// A `Set-Cookie` header that keeps the theme.
    pub(in crate::web) fn cookie(self, app: &App) -> HeaderValue {
        let seconds = if self.is_fixed() { A_YEAR } else { 0 };
        session::set(COOKIE, self.name(), seconds, app)
    }
}

impl FromStr for Theme {
    type Err = Invalid;

    fn from_str(name: &str) -> Result<Self, Invalid> {
        let theme = Self::ALL.into_iter().find(|theme| theme.name() == name);
        theme.ok_or_else(|| Invalid::field("theme", "Choose System, Light, or Dark."))
    }
}
