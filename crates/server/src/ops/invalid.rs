//! What is wrong with what somebody sent, field by field.

/// Fields and what was expected of each. A form shows them beside the field, the API as `details`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Invalid {
    fields: Vec<(&'static str, String)>,
}

impl Invalid {
    /// One wrong field.
    pub fn field(field: &'static str, expected: impl Into<String>) -> Self {
        Self { fields: vec![(field, expected.into())] }
    }

    /// What is wrong with one field, if anything is.
    pub fn of_result<T>(field: &'static str, result: Result<T, impl ToString>) -> Option<Self> {
        result.err().map(|error| Self::field(field, error.to_string()))
    }

    /// All that is wrong, in one.
    pub fn all(parts: impl IntoIterator<Item = Option<Self>>) -> Self {
        Self { fields: parts.into_iter().flatten().flat_map(|part| part.fields).collect() }
    }

    /// Keeps the value of a field, or what is wrong with it.
    pub fn take<T>(&mut self, field: &'static str, result: Result<T, impl ToString>) -> Option<T> {
        result.map_err(|error| self.fields.push((field, error.to_string()))).ok()
    }

    /// All the fields.
    pub fn fields(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.fields.iter().map(|(field, expected)| (*field, expected.as_str()))
    }

    /// What is wrong with one field.
    pub fn of(&self, field: &str) -> Option<String> {
        self.fields.iter().find(|(name, _)| *name == field).map(|(_, expected)| expected.clone())
    }
}

/// A name of something: 1 to 100 characters, and something to see among them.
pub fn name(text: &str) -> Result<String, &'static str> {
    let name = text.trim();
    // Joiners are part of words in some scripts, and none by themselves.
    if name.trim_matches(['\u{200C}', '\u{200D}']).is_empty() {
        return Err("a name is needed");
    }
    if name.chars().count() > 100 {
        return Err("at most 100 characters");
    }
    if name.chars().any(is_unseen) {
        return Err("no control or invisible characters");
    }
    Ok(name.to_owned())
}

/// Text that may be left out.
pub fn note(text: &str, most: usize) -> Result<Option<String>, String> {
    let text = text.trim();
    if text.chars().count() > most {
        return Err(format!("at most {most} characters"));
    }
    if text.chars().any(|c| is_unseen(c) && c != '\n' && c != '\r' && c != '\t') {
        return Err("no control or invisible characters".to_owned());
    }
    Ok(Some(text.to_owned()).filter(|text| !text.is_empty()))
}

/// What somebody else named, with a line in place of each character that cannot be seen.
pub fn visible(text: &str) -> String {
    text.trim().chars().map(|c| if is_unseen(c) { '_' } else { c }).collect()
}

/// Control characters, those that turn the direction of text or take no room (a name made of them could pass
/// for another), and what stands for letters that were lost on the way.
fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{AD}' | '\u{61C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}' | '\u{180B}'..='\u{180F}'
            | '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{2800}' | '\u{3164}'
            | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFD}' | '\u{E0000}'..='\u{E0FFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_1_to_100_visible_characters() {
        assert_eq!(name("  line 3 📷 "), Ok("line 3 📷".to_owned()));
        assert!(name(&"é".repeat(100)).is_ok());
        for wrong in ["", "  ", "a\0b", "a\nb", "a\u{202E}b", "\u{200B}", &"é".repeat(101)] {
            assert!(name(wrong).is_err(), "{wrong:?}");
        }
    }
}
