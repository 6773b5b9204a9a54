use super::*;
use proptest::prelude::*;
use rand_core::UnwrapErr;

fn secret(class: Class) -> Secret {
    Secret::generate(Brands::default().current(), class, &mut UnwrapErr(getrandom::SysRng))
}

#[test]
fn secret_is_found_wherever_a_text_contains_it() {
    let mut rng = UnwrapErr(getrandom::SysRng);
    for brand in ["kr", "a2", "northfield12"] {
        let secret = Secret::generate(&brand.parse().unwrap(), Class::Secret, &mut rng);
        let secret = secret.expose();
        for (before, after) in
            [("", ""), ("key: ", "."), ("x", "0"), ("_sk_", "_sk_"), ("é", "é"), ("kr_sk_kr_sk_", "")]
        {
            let text = format!("{before}{secret}{after}");
            let found = find_secret(&text).map(|range| &text[range]);
            assert_eq!(found, Some(secret), "{text}");
        }
        let mistyped = secret.replace("_sk_", "_pk_");
        assert_eq!(find_secret(&mistyped), None);
        assert_eq!(find_secret(&secret[..secret.len() - 1]), None);
    }
    let publishable = secret(Class::Publishable);
    assert_eq!(find_secret(publishable.expose()), None);
}

proptest! {
    #[test]
    fn find_secret_accepts_any_text(text in "\\PC{0,80}", tail in "[0-9a-zA-Z_é]{0,60}") {
        let _ = find_secret(&text);
        let _ = find_secret(&format!("{text}_sk_{tail}"));
    }
}

#[test]
fn secret_has_published_format() {
    for class in Class::ALL {
        let secret = secret(class);
        let text = secret.expose();
        assert_eq!(text.len(), 44);
        assert!(text.starts_with(&format!("kr_{}_", class.letters())));
        assert!(text[6..].bytes().all(|b| b.is_ascii_alphanumeric()));
        assert!(text.ends_with(&secret.hint().to_string()));
        assert_eq!(Presented::parse(text.as_bytes(), &Brands::default()).unwrap().hint(), secret.hint());
    }
}

/// A test vector for other implementations, such as secret scanners.
#[test]
fn checksum_is_crc32_in_base62() {
    let text = b"kr_sk_00000000000000000000000000000000";
    let check = checksum(text);
    let value = check
        .iter()
        .fold(0_u64, |sum, byte| sum * 62 + ALPHABET.iter().position(|c| c == byte).unwrap() as u64);
    assert_eq!(value, u64::from(crc32fast::hash(text)));
    assert_eq!(std::str::from_utf8(&check), Ok(VECTOR));
}
const VECTOR: &str = "0NuPnL";

#[test]
fn older_brand_is_accepted_and_unknown_brand_rejected() {
    let old: Brand = "acme".parse().unwrap();
    let made = Secret::generate(&old, Class::Secret, &mut UnwrapErr(getrandom::SysRng));
    let text = made.expose().as_bytes();
    assert_eq!(Presented::parse(text, &Brands::default()).unwrap_err(), MalformedSecret::Brand);
    let both = Brands::new("kr".parse().unwrap(), vec![old]);
    assert!(Presented::parse(text, &both).is_ok());
}

#[test]
fn secret_characters_are_uniform() {
    let mut seen = [0_u32; 128];
    for _ in 0..2_000 {
        secret(Class::Secret).expose()[6..38].bytes().for_each(|b| seen[usize::from(b)] += 1);
    }
    // 64,000 draws of 62 characters: 1,032 expected for each, with a standard deviation of 32.
    for byte in ALPHABET {
        assert!((850..1_250).contains(&seen[usize::from(*byte)]), "{}", char::from(*byte));
    }
}

proptest! {
    #[test]
    fn changed_character_is_rejected(place in 0_usize..44, byte: u8) {
        let secret = secret(Class::Publishable);
        let mut text = secret.expose().as_bytes().to_vec();
        let same = text[place] == byte;
        text[place] = byte;
        prop_assert_eq!(Presented::parse(&text, &Brands::default()).is_ok(), same);
    }

    #[test]
    fn secret_parser_never_panics(text: Vec<u8>) {
        let _ = Presented::parse(&text, &Brands::default());
    }

    #[test]
    fn truncated_or_extended_secret_is_rejected(cut in 0_usize..44, extra in "[0-9A-Za-z]{1,8}") {
        let secret = secret(Class::Secret);
        prop_assert!(Presented::parse(&secret.expose().as_bytes()[..cut], &Brands::default()).is_err());
        let longer = format!("{}{extra}", secret.expose());
        prop_assert!(Presented::parse(longer.as_bytes(), &Brands::default()).is_err());
    }
}
