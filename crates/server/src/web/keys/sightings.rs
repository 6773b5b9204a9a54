//! The exposure of a key, as pages describe it.

use keyrack_key::{Exposure, Timestamp};
use keyrack_store::{KeyRow, Sighting};

use super::what_if::permits;
use crate::ops::keys::sightings::{PublicUse, origin_of, place};
use crate::web::view::{PublicUseQuestion, SeenBadge, SeenInPublic, SeenPlace};
use crate::web::words;

/// The badge for the row of the list. `None` if the key was not exposed.
pub(super) fn badge(key: &KeyRow, seen: &[Sighting]) -> Option<SeenBadge> {
    let last = seen.first()?;
    Some(SeenBadge { says: title(last), is_urgent: is_urgent(key, seen) })
}

/// The notice for the page of the key. `None` if the key was not exposed. With a `nonce`, the notice offers a
/// publishable key; without, the user may not create keys.
pub(super) fn notice(
    key: &KeyRow,
    seen: &[Sighting],
    nonce: Option<String>,
    now: Timestamp,
) -> Option<SeenInPublic> {
    let last = seen.first()?;
    let is_urgent = is_urgent(key, seen);
    let origin = seen.iter().find_map(origin_of).filter(|_| is_urgent);
    Some(SeenInPublic {
        title: title(last),
        places: seen.iter().enumerate().map(|(at, one)| seen_place(at, one, key, now)).collect(),
        means: means(last, is_urgent),
        is_urgent,
        offer: origin.zip(nonce).map(|(origin, nonce)| (origin.to_string(), nonce)),
    })
}

/// The question before an exposed key is granted more.
pub(super) fn question(public: &PublicUse, now: Timestamp) -> PublicUseQuestion {
    PublicUseQuestion {
        place: place(&public.seen),
        when: words::moment(public.seen.last, now),
        permits: permits(public.permits, &public.widens),
        token: public.token(),
    }
}

fn is_urgent(key: &KeyRow, seen: &[Sighting]) -> bool {
    seen.iter().any(|one| !one.exposure.suits(key.terms.permissions))
}

const fn title(seen: &Sighting) -> &'static str {
    match seen.exposure {
        Exposure::Url => "Seen in a URL",
        Exposure::Browser | Exposure::None => "Seen in a browser",
    }
}

fn seen_place(at: usize, seen: &Sighting, key: &KeyRow, now: Timestamp) -> SeenPlace {
    let is_old = key.secrets.iter().any(|one| one.hint == seen.hint && one.retires_at.is_some());
    let secret = if is_old { format!(" with the old secret …{}", seen.hint) } else { String::new() };
    let begins = if at == 0 { "It was seen" } else { "And" };
    SeenPlace { says: format!("{begins} {}{secret}", place(seen)), last: words::moment(seen.last, now) }
}

const fn means(last: &Sighting, is_urgent: bool) -> &'static str {
    match (last.exposure, is_urgent) {
        (Exposure::Url, true) => {
            "URLs end up in logs and histories, where others read them. Where it holds more than Inference it is refused there, but whoever copies it can use it from a program, for all that it holds. Send it in a header, and rotate it."
        }
        (_, true) => {
            "Whoever opens the page can read the key. Where it holds more than Inference it is refused there, but whoever copies it can use it from a program, for all that it holds. Put a public key on the page, then rotate this one."
        }
        (_, false) => {
            "It holds Inference alone, so it works there. Take it that everybody has it: whoever does can make predictions with it, and nothing else. It is asked about before it is given more."
        }
    }
}
