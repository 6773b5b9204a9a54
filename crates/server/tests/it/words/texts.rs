//! Collects the texts that people see from source files of Rust and templates of pages.

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use regex::Regex;

/// Folders and files below `crates/` whose doc comments are texts: they become command line help and the API reference.
const DOCUMENTED: [&str; 3] = ["server/src/cli/", "server/src/config/choices.rs", "server/src/api/"];
/// Beginnings of string literals that are SQL.
const SQL: [&str; 10] =
    ["SELECT", "INSERT", "UPDATE", "DELETE FROM", "WITH", "BEGIN", "AND ", "OR ", "CREATE", "(SELECT"];

/// A string literal of a script that is a text. Selectors and other names start with no capital letter.
static SCRIPT_TEXT: LazyLock<Regex> = LazyLock::new(|| Regex::new(r#"["`]([A-Z][^"`]*)["`]"#).unwrap());

/// A text and its place.
#[derive(Debug)]
pub(super) struct SourceText {
    pub file: String,
    pub line: usize,
    pub text: String,
}

/// Returns the texts of all production code below `crates`, without tests.
pub(super) fn of_sources(crates: &Path) -> Vec<SourceText> {
    let mut texts = Vec::new();
    for member in fs::read_dir(crates).unwrap() {
        collect(crates, &member.unwrap().path().join("src"), &mut texts);
    }
    collect(crates, &crates.join("server/assets"), &mut texts);
    texts
}

fn collect(root: &Path, path: &Path, texts: &mut Vec<SourceText>) {
    let name = path.strip_prefix(root).unwrap().to_str().unwrap();
    if name.ends_with("/tests") || name.ends_with("/tests.rs") {
        return;
    }
    if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            collect(root, &entry.unwrap().path(), texts);
        }
    } else if path.extension().is_some_and(|extension| extension == "rs") {
        let source = fs::read_to_string(path).unwrap();
        let found = texts_of(&source, DOCUMENTED.iter().any(|start| name.starts_with(start)));
        texts.extend(found.into_iter().map(|(line, text)| SourceText { file: name.to_owned(), line, text }));
    } else if path.extension().is_some_and(|extension| extension == "js") {
        let script = fs::read_to_string(path).unwrap();
        for (line, code) in script.lines().enumerate() {
            let found = SCRIPT_TEXT.captures_iter(code).map(|text| text[1].to_owned());
            texts.extend(found.map(|text| SourceText { file: name.to_owned(), line: line + 1, text }));
        }
    } else if path.extension().is_some_and(|extension| extension == "html") {
        let template = fs::read_to_string(path).unwrap();
        for (line, text) in template.lines().enumerate() {
            texts.push(SourceText { file: name.to_owned(), line: line + 1, text: visible(text) });
        }
    }
}

/// Returns the string literals of `source` that are texts, and its doc comments if `with_docs`, each with its line. Stops
/// at the module of tests.
pub(super) fn texts_of(source: &str, with_docs: bool) -> Vec<(usize, String)> {
    let production = source.find("#[cfg(test)]\nmod tests {").map_or(source, |end| &source[..end]);
    let mut texts = Vec::new();
    let mut rest = production;
    while let Some(start) = rest.find(['"', '\'', '/', 'r']) {
        let line = production[..production.len() - rest.len() + start].matches('\n').count() + 1;
        let before = rest[..start].chars().next_back();
        rest = &rest[start..];
        let (token, text) = next_token(rest, before);
        rest = &rest[token..];
        match text {
            Token::Literal(text) if is_text(&text) => texts.push((line, text)),
            Token::Doc(text) if with_docs => texts.push((line, text)),
            Token::Literal(_) | Token::Doc(_) | Token::Other => {}
        }
    }
    texts
}

/// Returns a line of a template without its expressions and tags, except for attributes with texts.
fn visible(line: &str) -> String {
    static EXPRESSION: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\{[{%#].*?[}%#]\}").unwrap());
    static ATTRIBUTE: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r#"(?:title|aria-label|placeholder|alt|content)="([^"]*)""#).unwrap());
    static TAG: LazyLock<Regex> = LazyLock::new(|| Regex::new("<[^>]*>").unwrap());
    let quoted: Vec<_> = MACRO_TEXT.captures_iter(line).map(|text| text[1].to_owned()).collect();
    let plain = EXPRESSION.replace_all(line, " ");
    let attributes: Vec<_> = ATTRIBUTE.captures_iter(&plain).map(|text| text[1].to_owned()).collect();
    let text = TAG.replace_all(&plain, " ").into_owned();
    [text, attributes.join(" "), quoted.join(" ")].join(" ")
}

/// A text that a template passes to a macro.
static MACRO_TEXT: LazyLock<Regex> = LazyLock::new(|| Regex::new(r#""([A-Z][^"]* [^"]*)""#).unwrap());

enum Token {
    Literal(String),
    Doc(String),
    Other,
}

/// Returns the length in bytes of the token at the start of `rest`, and the token. `before` is the preceding character.
fn next_token(rest: &str, before: Option<char>) -> (usize, Token) {
    let is_word = before.is_some_and(|c| c.is_alphanumeric() || c == '_') && before != Some('b');
    let hashes = rest[1..].bytes().take_while(|byte| *byte == b'#').count();
    if rest.starts_with("//") {
        let end = rest.find('\n').unwrap_or(rest.len());
        let token = rest[..end].strip_prefix("/// ").map_or(Token::Other, |doc| Token::Doc(doc.to_owned()));
        (end, token)
    } else if rest.starts_with('r') && rest[1 + hashes..].starts_with('"') && !is_word {
        let start = hashes + 2;
        let close = format!("\"{}", "#".repeat(hashes));
        let length = rest[start..].find(&close).unwrap();
        (start + length + close.len(), Token::Literal(rest[start..start + length].to_owned()))
    } else if let Some(literal) = rest.strip_prefix('"') {
        let length = string_length(literal);
        (length + 2, Token::Literal(joined(&literal[..length])))
    } else {
        (char_length(rest), Token::Other)
    }
}

/// Returns the length in bytes of a string literal up to its closing quote.
fn string_length(rest: &str) -> usize {
    let mut is_escaped = false;
    for (at, c) in rest.char_indices() {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' => return at,
            _ => {}
        }
    }
    panic!("a string literal without an end")
}

/// Returns the length in bytes of a character literal such as `'"'`, or 1 for other tokens, such as lifetimes.
fn char_length(rest: &str) -> usize {
    ["'\"'", "'\\\"'", "'\\''", "'/'", "'r'"]
        .into_iter()
        .find(|literal| rest.starts_with(literal))
        .map_or(1, str::len)
}

/// Joins the lines of a literal that end with a backslash.
fn joined(literal: &str) -> String {
    let mut lines = literal.split("\\\n");
    let first = lines.next().unwrap_or_default().to_owned();
    lines.fold(first, |text, line| text + line.trim_start())
}

/// Whether people could see the literal: it has several words, and it isn't SQL.
fn is_text(literal: &str) -> bool {
    let literal = literal.trim();
    literal.contains(' ') && !SQL.iter().any(|start| literal.starts_with(start))
}

#[test]
fn literals_are_found_and_comments_are_not() {
    let source = "// \"a comment\"\nf(\"two \\\n    words\", '\"', \"an \\\"escaped\\\" quote\", r#\"a raw \"text\"\"#);\n/// Help text\n\"SELECT a b\"";
    let texts = |docs| {
        texts_of(source, docs).into_iter().map(|(line, text)| format!("{line} {text}")).collect::<Vec<_>>()
    };
    let literals = ["2 two words", "3 an \\\"escaped\\\" quote", "3 a raw \"text\""];
    assert_eq!(texts(false), literals);
    assert_eq!(texts(true)[3], "4 Help text");
}
