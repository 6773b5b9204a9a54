//! Holds the words that don't fit the voice of Keyrack at zero in texts that people see: messages, command line help,
//! the API reference, and logs.

mod texts;

use std::path::Path;
use std::sync::LazyLock;

use regex::Regex;

/// Patterns that no text may contain, each with what to write instead. Matched without regard to case.
const WORDS: [(&str, &str); 34] = [
    (r"\bpictures?\b", "image"),
    (r"\brefus(e|es|ed|ing|als?)\b", "denied, denial"),
    (r"\b(calls|who calls|called with)\b", "requests"),
    (r"\bholds\b", "has, contains"),
    (r"\b(some|no|any|every)body\b", "someone, anyone, or the role"),
    (r"\bwho(so)?ever\b", "anyone who"),
    (r"\bany more\b", "no longer"),
    (r"\balone\b", "only"),
    (r"\bby (itself|themselves)\b", "automatically, or nothing"),
    (r"\banew\b", "again"),
    (r"\bat once\b", "immediately, or at the same time"),
    (r"\b(stands|stood)\b", "is, was"),
    (r"\blearnt\b", "trained, learned"),
    (r"\btold\b", "the verb of what happens"),
    (r"\bask(s|ed)\b", "requests, requested"),
    (r"^expected\b", "Use …, Enter …"),
    (r"\bis needed\b", "Enter …"),
    (r"\b(begins|began|begun)\b", "start, create"),
    (r"\blet(s|ting)? through\b", "allowed"),
    (r"\bturn(s|ed|ing)? away\b", "denied"),
    (r"\bfor good\b", "permanently"),
    (r"\bmeanwhile\b", "in the meantime"),
    (r"\btoo often\b", "rate limit exceeded"),
    (r"\bused up\b", "quota exceeded"),
    (r"\blacks\b", "doesn't have"),
    (r"\bnarrow(s|ed|er|ing)?\b", "restricted"),
    (r"\bloosen(s|ed|ing)? what\b", "restrictions that are loosened"),
    (r"\boutlives?\b", "expires later than"),
    (r"\bforever\b|\bfor ever\b", "never expires"),
    (r"\b(is|are) there twice\b", "duplicated"),
    (r"\bdid not arrive\b|\bhas not arrived\b", "was not received"),
    (r"\bgone\b", "deleted, not found"),
    (r"\bthere is no such\b", "… not found"),
    (r"\bnothing behind\b", "without …"),
];

static PATTERNS: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    let pattern =
        |(word, instead): &(&str, &'static str)| (Regex::new(&format!("(?i-u){word}")).unwrap(), *instead);
    WORDS.iter().map(pattern).collect()
});

/// The placeholders of format strings, whose names people don't see.
static PLACEHOLDER: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\{[a-z_.]+").unwrap());

/// Returns the words in `text` that don't fit, with what to write instead.
pub(crate) fn unfit_words(text: &str) -> Vec<String> {
    let text = &PLACEHOLDER.replace_all(text, "{");
    let found =
        |(word, instead): &(Regex, &str)| Some(format!("{:?}: write {instead:?}", word.find(text)?.as_str()));
    PATTERNS.iter().filter_map(found).collect()
}

/// The folder that contains all crates.
fn crates() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

#[test]
fn texts_in_source_fit_the_voice() {
    let texts = texts::of_sources(crates());
    assert!(texts.len() > 2_000, "only {} texts were found", texts.len());
    let unfit: Vec<_> = texts
        .iter()
        .flat_map(|text| {
            let words = unfit_words(&text.text).into_iter();
            words.map(move |word| format!("{}:{}: {word} in {:?}", text.file, text.line, text.text))
        })
        .collect();
    assert!(unfit.is_empty(), "{} texts:\n{}", unfit.len(), unfit.join("\n"));
}

#[test]
fn unfit_word_is_found_in_any_case() {
    assert_eq!(unfit_words("Whoever has it").len(), 1);
    assert_eq!(unfit_words("the request is REFUSED, and stands").len(), 2);
    assert_eq!(unfit_words("The request is denied."), Vec::<String>::new());
}
