//! Decides when two names are equal: Unicode encodes the same letters in several ways, and some
//! characters are invisible.
//!
//! Names are stored as sent and compared by their key.

use icu_normalizer::ComposingNormalizerBorrowed;
use icu_properties::props::{BinaryProperty, DefaultIgnorableCodePoint};

/// Returns the key of a name: its canonical composition (NFC, UAX #15) without default-ignorable characters (UAX #44), such
/// as variation selectors, and with one space for each run of white space.
pub(crate) fn name_key(name: &str) -> String {
    let seen: String = name.chars().filter(|c| !DefaultIgnorableCodePoint::for_char(*c)).collect();
    let spaced = seen.split_whitespace().collect::<Vec<_>>().join(" ");
    ComposingNormalizerBorrowed::new_nfc().normalize(&spaced).into_owned()
}

/// Returns the key of a name that is compared ignoring case.
pub(crate) fn folded(name: &str) -> String {
    name_key(&name_key(name).to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equivalent_names_have_the_same_key() {
        let composed = "caf\u{e9}";
        for same in ["cafe\u{301}", "caf\u{e9}\u{fe0f}", "c\u{34f}af\u{e9}", "cafe\u{200d}\u{301}"] {
            assert_eq!(name_key(same), name_key(composed), "{same:?}");
        }
        assert_ne!(name_key("Caf\u{e9}"), name_key(composed));
        assert_eq!(folded("CAFE\u{301}"), folded(composed));
        assert_ne!(name_key("cafe"), name_key(composed));
        for same in ["line 3", " line  3", "line\u{A0}3\n", "line\u{200B} \u{3000}3", "line \u{FE0F} 3"] {
            assert_eq!(name_key(same), "line 3", "{same:?}");
        }
        assert_ne!(name_key("line3"), name_key("line 3"));
        assert_eq!(name_key("ﬁne"), "ﬁne", "compatibility forms are separate letters");
    }
}
