//! Unusual texts.

/// The texts that a field accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TextRule {
    /// A value of a list, an ID, or a time.
    Words,
    /// 1 to 100 visible characters.
    Name,
    /// At most this many characters, including line breaks; may be empty.
    Prose(usize),
    /// Any text, since the server only compares it.
    Anything,
}

/// A description of the error, and the text.
pub(crate) type Text = (&'static str, String);

impl TextRule {
    /// Texts that a field must reject.
    pub(crate) fn invalid_texts(self) -> Vec<Text> {
        let mut texts = match self {
            Self::Anything => return Vec::new(),
            Self::Words | Self::Name => [unprintable(), blank(), long(101)].concat(),
            Self::Prose(most) => [unprintable(), long(most + 1)].concat(),
        };
        if self == Self::Words {
            texts.extend([
                ("one letter", "x".to_owned()),
                ("full-width", "ｐｒｏｊｅｃｔ".to_owned()),
                ("combining", "p\u{301}roject".to_owned()),
                ("SQL", "' OR 1=1 --".to_owned()),
                ("markup", "<script>alert(1)</script>".to_owned()),
                ("template", "{{7*7}}${7*7}%s%n".to_owned()),
                ("path", "../../etc/passwd".to_owned()),
            ]);
        }
        texts
    }
}

fn unprintable() -> Vec<Text> {
    let hidden = |what, letter: &str| (what, format!("line{letter}3"));
    vec![
        hidden("NUL", "\0"),
        hidden("escape", "\u{1b}[31m"),
        hidden("backspace", "\u{8}"),
        hidden("C1 control", "\u{9b}"),
        hidden("delete", "\u{7f}"),
        hidden("right-to-left override", "\u{202E}"),
        hidden("isolate", "\u{2066}"),
        hidden("Arabic letter mark", "\u{61C}"),
        hidden("zero width space", "\u{200B}"),
        hidden("word joiner", "\u{2060}"),
        hidden("soft hyphen", "\u{AD}"),
        hidden("byte order mark", "\u{FEFF}"),
        hidden("line separator", "\u{2028}"),
        hidden("Hangul filler", "\u{3164}"),
        hidden("Mongolian vowel separator", "\u{180E}"),
        hidden("tag", "\u{E0041}"),
        hidden("variation selector", "\u{FE0F}"),
        hidden("grapheme joiner", "\u{34F}"),
        hidden("joiner", "\u{200D}"),
        hidden("inhibited swapping", "\u{206A}"),
        hidden("what was lost on the way", "\u{FFFD}"),
        hidden("Egyptian format control", "\u{13430}"),
        hidden("Khitan filler", "\u{16FE4}"),
        hidden("null notehead", "\u{1D159}"),
    ]
}

fn blank() -> Vec<Text> {
    vec![
        ("variation selectors", "\u{FE0F}\u{FE0F}".to_owned()),
        ("a grapheme joiner", "\u{34F}".to_owned()),
        ("a mark alone", "\u{301}".to_owned()),
        ("empty", String::new()),
        ("blank", " \t ".to_owned()),
        ("wide blank", "\u{3000}\u{A0}".to_owned()),
    ]
}

fn long(over: usize) -> Vec<Text> {
    vec![
        ("too long", "a".repeat(over)),
        ("too long, wide", "工".repeat(over)),
        ("very long", "a".repeat(60_000)),
    ]
}

/// Unusual but valid names.
pub(crate) const VALID_NAMES: [&str; 10] = [
    "\u{2764}\u{FE0F} \u{1F469}\u{200D}\u{1F52C}",
    "x",
    "שלום קו שלוש",
    "مصنع ٣",
    "e\u{301}tiquette",
    "📷 line 3",
    "<script>alert(1)</script>",
    "' OR 1=1 --",
    "{{7*7}} ${7*7} %s",
    "C:\\temp\\\"quoted\"",
];
