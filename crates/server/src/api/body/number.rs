//! Integers that are written with a fraction of zero.

use std::borrow::Cow;

/// Replaces the fraction of numbers such as `636.0` with spaces, so that positions in the text stay the same.
///
/// JSON has one kind of number, and JSON Schema (2020-12, section 4.2.3) counts a number with a zero fraction as an integer.
/// serde reads such a number as a float, and denies it for an integer field. Numbers with an exponent stay as they are.
/// Copies the text only if it has such a number.
pub fn without_zero_fractions(text: &[u8]) -> Cow<'_, [u8]> {
    let mut text = Cow::Borrowed(text);
    let (mut at, mut in_string) = (0, false);
    while at < text.len() {
        match text[at] {
            b'\\' if in_string => at += 1,
            b'"' => in_string = !in_string,
            b'.' if !in_string => {
                let zeros = text[at + 1..].iter().take_while(|byte| **byte == b'0').count();
                let end = at + 1 + zeros;
                let goes_on =
                    text.get(end).is_some_and(|byte| byte.is_ascii_digit() || matches!(byte, b'e' | b'E'));
                if zeros > 0 && !goes_on && at > 0 && text[at - 1].is_ascii_digit() {
                    text.to_mut()[at..end].fill(b' ');
                }
                at = end - 1;
            }
            _ => {}
        }
        at += 1;
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn rewritten(text: &str) -> String {
        String::from_utf8(without_zero_fractions(text.as_bytes()).into_owned()).unwrap()
    }

    #[test]
    fn zero_fraction_is_replaced_outside_strings_only() {
        for (text, expected) in [
            ("636.0", "636  "),
            ("7484931672280897.0", "7484931672280897  "),
            ("[1.00,-2.0]", "[1   ,-2  ]"),
            (r#"{"a":1.0,"1.0":"2.0"}"#, r#"{"a":1  ,"1.0":"2.0"}"#),
            (r#""\"1.0""#, r#""\"1.0""#),
            ("1.5", "1.5"),
            ("1.05", "1.05"),
            ("1.0e3", "1.0e3"),
            ("1.", "1."),
            (".0", ".0"),
            ("", ""),
        ] {
            assert_eq!(rewritten(text), expected, "{text}");
        }
    }

    proptest! {
        /// serde_json reads floats to within one step, and integers exactly. So a rewritten number is read as before, or exactly.
        #[test]
        fn rewritten_value_is_unchanged_or_exact(numbers in proptest::collection::vec(any::<f64>(), 0..8), text: String) {
            let json = serde_json::json!([numbers, text]).to_string();
            let before: Value = serde_json::from_str(&json).unwrap();
            let after: Value = serde_json::from_str(&rewritten(&json)).unwrap();
            prop_assert_eq!(&before[1], &after[1]);
            prop_assert_eq!(before[0].as_array().unwrap().len(), after[0].as_array().unwrap().len());
            for (at, number) in numbers.into_iter().enumerate() {
                let (before, after) = (before[0][at].as_f64(), after[0][at].as_f64());
                prop_assert!(after == before || after == Some(number), "{number}: {before:?}, {after:?}");
            }
        }

        #[test]
        fn arbitrary_bytes_keep_their_length(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            prop_assert_eq!(without_zero_fractions(&bytes).len(), bytes.len());
        }
    }
}
