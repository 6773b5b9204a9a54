//! The exposure of a key.

use crate::web::text::DisplayTime;

/// The badge in the row of the list.
pub(crate) struct ExposureBadge {
    /// The text, such as "Exposed in a browser".
    pub(crate) text: &'static str,
    /// Whether the key grants more than a public key may.
    pub(crate) is_urgent: bool,
}

/// The notice on the page of the key.
pub(crate) struct ExposureNotice {
    /// The title, such as "Exposed in a browser".
    pub(crate) title: &'static str,
    /// The places of exposure, the latest first.
    pub(crate) places: Vec<ExposurePlace>,
    pub(crate) explanation: &'static str,
    pub(crate) is_urgent: bool,
    /// The origin for which the page offers a publishable key, and the nonce of the form. `None` without an offer.
    pub(crate) offer: Option<(String, String)>,
}

/// A place of exposure, and when the key was last seen there.
pub(crate) struct ExposurePlace {
    /// The text, such as "It was seen on a page of https://shop.example".
    pub(crate) text: String,
    pub(crate) last: DisplayTime,
}

/// The question before an exposed key is granted more.
pub(crate) struct ExposureQuestion {
    /// The place of exposure, such as "on a page of https://shop.example".
    pub(crate) place: String,
    pub(crate) when: DisplayTime,
    /// The new abilities, such as "train models" or "be used from more origins".
    pub(crate) permits: Vec<String>,
    /// The form field `acknowledge_public_use`. It confirms exactly this grant, so that a further change needs
    /// a new confirmation.
    pub(crate) token: String,
}
