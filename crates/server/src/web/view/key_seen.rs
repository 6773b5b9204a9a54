//! That others have seen a key.

use super::Moment;

/// What a row of the list says of it.
pub(crate) struct SeenBadge {
    /// "Seen in a browser"
    pub(crate) says: &'static str,
    /// It opens more than others should have.
    pub(crate) is_urgent: bool,
}

/// What the key's own page says.
pub(crate) struct SeenInPublic {
    /// "Seen in a browser"
    pub(crate) title: &'static str,
    /// The last one first.
    pub(crate) places: Vec<SeenPlace>,
    pub(crate) means: &'static str,
    pub(crate) is_urgent: bool,
    /// The page for which a public key can be made, and the name of this sending; nothing where none is offered.
    pub(crate) offer: Option<(String, String)>,
}

/// Where, and when last.
pub(crate) struct SeenPlace {
    /// "It was seen on a page of https://shop.example"
    pub(crate) says: String,
    pub(crate) last: Moment,
}

/// Whether a key that others have seen shall hold more.
pub(crate) struct PublicUseQuestion {
    /// "on a page of https://shop.example"
    pub(crate) place: String,
    pub(crate) when: Moment,
    /// "train models", "be used from more origins"
    pub(crate) permits: Vec<String>,
    /// POST `acknowledge_public_use`: says yes to exactly this, so that a form changed afterwards is asked about anew.
    pub(crate) token: String,
}
