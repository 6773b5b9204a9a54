//! Validation errors, by field.

use std::borrow::Cow;

use icu_properties::props::{
    BidiControl, BinaryProperty, DefaultIgnorableCodePoint, Emoji, EnumeratedProperty, GeneralCategory,
    NoncharacterCodePoint, UnifiedIdeograph,
};
use keyrack_key::find_secret;

/// The invalid fields and what each should contain. A form shows them next to the field, the API as `details`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Invalid {
    fields: Vec<(&'static str, String)>,
}

impl Invalid {
    /// An error for one field.
    pub fn field(field: &'static str, expected: impl Into<String>) -> Self {
        Self { fields: vec![(field, expected.into())] }
    }

    /// Converts the error of a field, if the result is an error.
    pub fn of_result<T>(field: &'static str, result: Result<T, impl ToString>) -> Option<Self> {
        result.err().map(|error| Self::field(field, error.to_string()))
    }

    /// Combines errors into one.
    pub fn all(parts: impl IntoIterator<Item = Option<Self>>) -> Self {
        Self { fields: parts.into_iter().flatten().flat_map(|part| part.fields).collect() }
    }

    /// Returns the value of a field, or records its error and returns `None`.
    pub fn take<T>(&mut self, field: &'static str, result: Result<T, impl ToString>) -> Option<T> {
        result.map_err(|error| self.fields.push((field, error.to_string()))).ok()
    }

    /// Returns all invalid fields with what each should contain.
    pub fn fields(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.fields.iter().map(|(field, expected)| (*field, expected.as_str()))
    }

    /// Returns what a field should contain. Returns `None` if the field is valid.
    pub fn of(&self, field: &str) -> Option<String> {
        self.fields.iter().find(|(name, _)| *name == field).map(|(_, expected)| expected.clone())
    }
}

/// The error for text with a secret key.
pub(crate) const CONTAINS_SECRET: &str =
    "Remove the secret key: everyone who can see this text could use it. Then rotate the key.";

/// Validates the name of an object or a person: 1 to 100 characters, at least one of them visible. All names follow
/// these rules. Each run of whitespace becomes one space, and leading and trailing whitespace is removed, because pages
/// display no difference. An invisible character is an error that gives its position, and so is a secret key, because
/// names are stored and shown in plain text.
pub fn name(text: &str) -> Result<String, Cow<'static, str>> {
    let text = text.trim();
    if !text.chars().any(is_seen) {
        return Err("Enter a name.".into());
    }
    if let Some((at, c)) = hidden(text).next() {
        return Err(remove(text, at, c).into());
    }
    if find_secret(text).is_some() {
        return Err(CONTAINS_SECRET.into());
    }
    let name = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if name.chars().count() > 100 {
        return Err("Use 100 characters or fewer.".into());
    }
    Ok(name)
}

/// Validates optional text of at most `most` characters, under the same rules for invisible characters and secret keys,
/// but with line breaks. Returns `None` for empty text.
pub fn note(text: &str, most: usize) -> Result<Option<String>, String> {
    let text = text.trim();
    if text.chars().count() > most {
        return Err(format!("Use {most} characters or fewer."));
    }
    if let Some((at, c)) = hidden(text).find(|(_, c)| !matches!(c, '\n' | '\r' | '\t')) {
        return Err(remove(text, at, c));
    }
    if find_secret(text).is_some() {
        return Err(CONTAINS_SECRET.to_owned());
    }
    Ok(Some(text.to_owned()).filter(|text| !text.is_empty()))
}

/// The error for text with a hidden character `c` at byte `at`. People cannot see the character, so the error
/// gives its position.
fn remove(text: &str, at: usize, c: char) -> String {
    let place = text.get(..at).map_or(0, |before| before.chars().count()) + 1;
    format!("Remove the invisible or control character U+{:04X} at position {place}.", u32::from(c))
}

/// Replaces each hidden character of text from an untrusted source with an underscore, and each character of a secret key.
pub fn visible(text: &str) -> String {
    let text = text.trim();
    let hidden: Vec<_> = hidden(text).map(|(at, _)| at).collect();
    let seen = |(at, c)| if hidden.binary_search(&at).is_ok() { '_' } else { c };
    let mut visible: String = text.char_indices().map(seen).collect();
    let mut checked = 0;
    while let Some(secret) = find_secret(&visible[checked..]) {
        let secret = checked + secret.start..checked + secret.end;
        checked = secret.end;
        let mask = "_".repeat(secret.len());
        visible.replace_range(secret, &mask);
    }
    visible
}

/// Whether a character is visible without other characters.
fn is_seen(c: char) -> bool {
    !(c.is_whitespace() || is_unseen(c) || is_mark(c))
}

/// Returns the characters that make text look like other text, with their byte positions.
///
/// Joiners and variation selectors are part of words and emoji. They are allowed only where they change the appearance
/// of the text: otherwise, a name with such a character would look like the name without the character.
fn hidden(text: &str) -> impl Iterator<Item = (usize, char)> {
    let (mut seen, mut last) = (None, None);
    let mut letters = text.char_indices().peekable();
    std::iter::from_fn(move || {
        loop {
            let (at, c) = letters.next()?;
            let after = letters.peek().map(|(_, c)| *c);
            let is_hidden = is_unseen(c) && !is_at_work((seen, last), c, after);
            last = Some(c);
            if is_hidden {
                return Some((at, c));
            }
            if !DefaultIgnorableCodePoint::for_char(c) {
                seen = last;
            }
        }
    })
}

/// Whether the invisible character `c` changes how its neighbors look: the last visible character (`seen`), the
/// previous character (`last`), which may be invisible too, and the next character (`after`).
fn is_at_work((seen, last): (Option<char>, Option<char>), c: char, after: Option<char>) -> bool {
    let joins = |c: Option<char>| c.is_some_and(|c| !c.is_ascii() && !is_unseen(c) && !c.is_whitespace());
    match c {
        // Scripts that join letters, and emoji sequences.
        '\u{200C}' | '\u{200D}' | '\u{2D7F}' | '\u{1107F}' => joins(seen) && joins(after),
        // Text or emoji presentation (UTS #51). Of ASCII, only keycap sequences.
        '\u{FE0E}' | '\u{FE0F}' => {
            after == Some('\u{20E3}') || last.is_some_and(|c| !c.is_ascii() && Emoji::for_char(c))
        }
        // Variants of Chinese characters (UTS #37).
        '\u{E0100}'..='\u{E01EF}' => last.is_some_and(UnifiedIdeograph::for_char),
        _ => false,
    }
}

/// Combining marks, which are visible only on a preceding letter.
fn is_mark(c: char) -> bool {
    matches!(GeneralCategory::for_char(c), GeneralCategory::NonspacingMark | GeneralCategory::EnclosingMark)
}

/// Characters that have no glyph, change the direction of text, break lines, or replace lost letters. A name with such
/// a character could look like another name.
fn is_unseen(c: char) -> bool {
    c.is_control()
        || DefaultIgnorableCodePoint::for_char(c)
        || BidiControl::for_char(c)
        || NoncharacterCodePoint::for_char(c)
        || is_format(c)
        || is_blank(c)
        // The line and paragraph separators, and the two replacement characters.
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{FFFC}' | '\u{FFFD}')
}

/// Format characters (Cf), such as the controls of Egyptian hieroglyphs. Excludes the signs that enclose numbers, which
/// are in the same category but visible (Prepended_Concatenation_Mark in PropList.txt of Unicode 17).
fn is_format(c: char) -> bool {
    let is_around_numbers = matches!(
        c,
        '\u{600}'
            ..='\u{605}'
                | '\u{6DD}'
                | '\u{70F}'
                | '\u{890}'
                | '\u{891}'
                | '\u{8E2}'
                | '\u{110BD}'
                | '\u{110CD}'
    );
    GeneralCategory::for_char(c) == GeneralCategory::Format && !is_around_numbers
}

/// Characters without a glyph that no Unicode property covers: the characters that the code charts of Unicode 17 call
/// blank, null, filler, or (invisible) joiner. Excludes characters that are ignorable by default.
const fn is_blank(c: char) -> bool {
    matches!(
        c,
        // Braille pattern blank, Egyptian hieroglyph full and half blank.
        '\u{2800}' | '\u{13441}' | '\u{13442}'
        // Khitan small script filler, musical symbol null notehead.
        | '\u{16FE4}' | '\u{1D159}'
        // Tifinagh consonant joiner, Brahmi number joiner.
        | '\u{2D7F}' | '\u{1107F}'
    )
}

#[cfg(test)]
mod tests;
