//! The exposure of a key, as pages describe it.

mod view;

use keyrack_core::keys::exposures::{ExposedAccess, origin_of, place};
use keyrack_key::{Exposure, Timestamp};
use keyrack_store::{ExposureRecord, KeyRow};

use super::what_if::permits;
use crate::web::text;
use view::ExposurePlace;

pub(in crate::web) use view::{ExposureBadge, ExposureNotice, ExposureQuestion};

/// The badge for the row of the list. `None` if the key was not exposed.
pub(super) fn badge(key: &KeyRow, sightings: &[ExposureRecord]) -> Option<ExposureBadge> {
    let last = sightings.first()?;
    Some(ExposureBadge { text: title(last), is_urgent: is_urgent(key, sightings) })
}

/// The notice for the page of the key. `None` if the key was not exposed. With a `nonce`, the notice offers a
/// publishable key; without, the user may not create keys.
pub(super) fn notice(
    key: &KeyRow,
    sightings: &[ExposureRecord],
    nonce: Option<String>,
    now: Timestamp,
) -> Option<ExposureNotice> {
    let last = sightings.first()?;
    let is_urgent = is_urgent(key, sightings);
    let origin = sightings.iter().find_map(origin_of).filter(|_| is_urgent);
    Some(ExposureNotice {
        title: title(last),
        places: sightings.iter().enumerate().map(|(at, one)| exposure_place(at, one, key, now)).collect(),
        explanation: explanation(last, is_urgent),
        is_urgent,
        offer: origin.zip(nonce).map(|(origin, nonce)| (origin.to_string(), nonce)),
    })
}

/// The question before an exposed key is granted more.
pub(super) fn question(public: &ExposedAccess, now: Timestamp) -> ExposureQuestion {
    ExposureQuestion {
        place: place(&public.exposure),
        when: text::moment(public.exposure.last, now),
        permits: permits(public.added_permissions, &public.loosened_restrictions),
        token: public.token(),
    }
}

fn is_urgent(key: &KeyRow, sightings: &[ExposureRecord]) -> bool {
    sightings.iter().any(|one| !one.exposure.permits(key.terms.permissions))
}

const fn title(sighting: &ExposureRecord) -> &'static str {
    match sighting.exposure {
        Exposure::Url => "Exposed in a URL",
        Exposure::Browser | Exposure::None => "Exposed in a browser",
    }
}

fn exposure_place(at: usize, sighting: &ExposureRecord, key: &KeyRow, now: Timestamp) -> ExposurePlace {
    let is_old = key.secrets.iter().any(|one| one.hint == sighting.hint && one.retires_at.is_some());
    let secret = if is_old { format!(" with the old secret …{}", sighting.hint) } else { String::new() };
    let begins = if at == 0 { "Exposed" } else { "Also exposed" };
    ExposurePlace {
        text: format!("{begins} {}{secret}", place(sighting)),
        last: text::moment(sighting.last, now),
    }
}

const fn explanation(last: &ExposureRecord, is_urgent: bool) -> &'static str {
    match (last.exposure, is_urgent) {
        (Exposure::Url, true) => {
            "URLs are stored in logs and browser histories, where others can read them. Keyrack denies this key in URLs if it has more than the Inference scope, but anyone who copies it can use it elsewhere. Send the key in a header, and rotate it."
        }
        (_, true) => {
            "Anyone who opens the page can read the key. Keyrack denies this key in browsers if it has more than the Inference scope, but anyone who copies it can use it elsewhere. Use a publishable key on the page, then rotate this one."
        }
        (_, false) => {
            "This key only has the Inference scope, so it works there. Assume that anyone can use it to make predictions. Confirm before you give it more access."
        }
    }
}
