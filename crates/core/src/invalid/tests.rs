use keyrack_key::{Brands, Class, Secret};
use rand_core::UnwrapErr;

use super::*;

#[test]
fn name_has_1_to_100_visible_characters() {
    assert_eq!(name("  line 3 📷 "), Ok("line 3 📷".to_owned()));
    assert!(name(&"é".repeat(100)).is_ok());
    for wrong in ["", "  ", "a\0b", "a\nb", "a\u{202E}b", "\u{200B}", &"é".repeat(101)] {
        assert!(name(wrong).is_err(), "{wrong:?}");
    }
}

#[test]
fn name_with_invisible_characters_is_rejected() {
    let all = (0..=0x10_FFFF).filter_map(char::from_u32);
    for c in all.filter(|c| DefaultIgnorableCodePoint::for_char(*c) || BidiControl::for_char(*c)) {
        for wrong in [format!("{c}"), format!("{c}{c}{c}"), format!("line{c}3"), format!("line 3{c}")] {
            assert!(name(&wrong).is_err(), "{wrong:?}");
        }
        assert!(!visible(&format!("line{c}3")).contains(c), "{c:?}");
    }
    for blank in ["\u{2800}", "\u{301}", "\u{20DD}", "\u{3000}\u{A0}"] {
        assert!(name(blank).is_err(), "{blank:?}");
    }
}

#[test]
fn name_with_format_characters_or_blank_glyphs_is_rejected() {
    let blank =
        ["\u{2800}", "\u{13441}", "\u{13442}", "\u{16FE4}", "\u{1D159}", "\u{2D7F}", "\u{1107F}", "\u{3164}"];
    let hieroglyphs = ('\u{13430}'..='\u{1343F}').map(String::from);
    let rest = ["\u{FFF9}", "\u{FFFC}", "\u{1D173}", "\u{E0041}", "\u{2061}"];
    for c in blank.map(String::from).into_iter().chain(hieroglyphs).chain(rest.map(String::from)) {
        for wrong in [
            c.clone(),
            format!("line{c}3"),
            format!("line 3{c}"),
            format!("{c}line 3"),
            format!("\u{13000}{c}"),
        ] {
            assert!(name(&wrong).is_err(), "{wrong:?}");
        }
        assert!(!visible(&format!("line{c}3")).contains(&c), "{c:?}");
    }
    let all = (0..=0x10_FFFF).filter_map(char::from_u32);
    let format = all.filter(|c| GeneralCategory::for_char(*c) == GeneralCategory::Format);
    let accepted: Vec<_> = format.filter(|c| name(&format!("line{c}3")).is_ok()).map(u32::from).collect();
    let around_numbers =
        [0x600, 0x601, 0x602, 0x603, 0x604, 0x605, 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD];
    assert_eq!(accepted, around_numbers);
    assert!(name("\u{2D30}\u{2D7F}\u{2D31}").is_ok(), "a joiner is accepted between letters");
    for visible in ["\u{F8FF} line", "\u{1FAFF} line"] {
        assert!(name(visible).is_ok(), "private use characters and unassigned emoji are accepted");
    }
}

#[test]
fn secret_key_in_text_is_rejected_or_masked() {
    let mut rng = UnwrapErr(getrandom::SysRng);
    let secret = Secret::generate(Brands::default().current(), Class::Secret, &mut rng);
    let text = format!("line 3 ({})", secret.expose());
    assert!(name(&text).unwrap_err().starts_with("Remove the secret key"));
    assert!(note(&format!("first line\n{text}"), 500).unwrap_err().starts_with("Remove the secret key"));
    let twice = format!("{text}{}.png", secret.expose());
    let masked = "_".repeat(secret.expose().len());
    assert_eq!(visible(&twice), format!("line 3 ({masked}){masked}.png"));
    let publishable = Secret::generate(Brands::default().current(), Class::Publishable, &mut rng);
    assert!(name(publishable.expose()).is_ok(), "a publishable key is public");
}

#[test]
fn repeated_spaces_become_one_space() {
    for same in ["line 3", " line  3\u{A0}", "line\u{3000}3", "line\u{2003}\u{2009} 3", "\nline\u{1680}3\t"] {
        assert_eq!(name(same), Ok("line 3".to_owned()), "{same:?}");
    }
    assert_eq!(name(&format!("a{}b", " ".repeat(200))), Ok("a b".to_owned()));
    assert!(name("line\n3").is_err() && name("line\t3").is_err(), "a line break is not a space");
}

#[test]
fn error_has_hidden_character_and_its_position() {
    let expected = "Remove the invisible or control character U+200B at position 5.";
    assert_eq!(name(" Caf\u{e9}\u{200B}3").unwrap_err(), expected);
    assert_eq!(note(" Caf\u{e9}\u{200B}3", 100).unwrap_err(), expected);
    assert!(name("a\u{1D159}").unwrap_err().contains("U+1D159 at position 2"));
}

#[test]
fn joiners_and_variation_selectors_are_accepted_within_glyphs() {
    for accepted in [
        "\u{2764}\u{FE0F}",
        "\u{1F469}\u{200D}\u{1F52C}",
        "3\u{FE0F}\u{20E3}",
        "\u{0645}\u{06CC}\u{200C}\u{062E}\u{0648}\u{0627}\u{0647}\u{0645}",
        "\u{0915}\u{094D}\u{200D}\u{0937}",
        "\u{845B}\u{E0100}",
        "e\u{301}tiquette",
    ] {
        assert!(name(accepted).is_ok(), "{accepted:?}");
        assert_eq!(visible(accepted), accepted);
    }
    for wrong in ["\u{2764}\u{FE0F}\u{FE0F}x", "a\u{FE0F}", "a\u{200D}b", "\u{915}\u{200D}", "a\u{E0100}"] {
        assert!(name(wrong).is_err(), "{wrong:?}");
    }
}
