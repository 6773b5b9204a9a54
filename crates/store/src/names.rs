//! When two names are one: Unicode writes the same letters in several ways, and some characters leave no trace on a page.
//!
//! Names are stored as they were sent and compared by their key.

use icu_normalizer::ComposingNormalizerBorrowed;
use icu_properties::props::{BinaryProperty, DefaultIgnorableCodePoint};
use rusqlite::functions::FunctionFlags;

use crate::database::Native;

/// The key of a name: its canonical composition (NFC, UAX #15), without the characters that are ignored by default
/// (UAX #44), such as variation selectors.
pub(crate) fn name_key(name: &str) -> String {
    let seen: String = name.chars().filter(|c| !DefaultIgnorableCodePoint::for_char(*c)).collect();
    ComposingNormalizerBorrowed::new_nfc().normalize(&seen).into_owned()
}

/// The same for names that capitals don't tell apart.
pub(crate) fn folded(name: &str) -> String {
    name_key(&name_key(name).to_lowercase())
}

/// Lets migrations compute the keys of names that are stored already.
pub(crate) fn define(db: &Native) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    db.create_scalar_function("name_key", 1, flags, |context| Ok(name_key(&context.get::<String>(0)?)))?;
    db.create_scalar_function("folded", 1, flags, |context| Ok(folded(&context.get::<String>(0)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_one_key_however_it_is_composed() {
        let composed = "caf\u{e9}";
        for same in ["cafe\u{301}", "caf\u{e9}\u{fe0f}", "c\u{34f}af\u{e9}", "cafe\u{200d}\u{301}"] {
            assert_eq!(name_key(same), name_key(composed), "{same:?}");
        }
        assert_ne!(name_key("Caf\u{e9}"), name_key(composed));
        assert_eq!(folded("CAFE\u{301}"), folded(composed));
        assert_ne!(name_key("cafe"), name_key(composed));
        assert_eq!(name_key("ﬁne"), "ﬁne", "compatibility forms are letters of their own");
    }
}
