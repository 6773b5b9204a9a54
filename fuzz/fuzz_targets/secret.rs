//! Bytes as a secret, for a deployment with one brand and for one with two.
#![no_main]

use std::sync::LazyLock;

use keyrack_key::{Brand, Brands, Presented};
use libfuzzer_sys::fuzz_target;

static BRANDS: LazyLock<[Brands; 2]> = LazyLock::new(|| {
    let brand = |word: &str| word.parse::<Brand>().expect("a brand");
    [Brands::default(), Brands::new(brand("kr"), vec![brand("acme")])]
});

fuzz_target!(|bytes: &[u8]| {
    for brands in &*BRANDS {
        let Ok(presented) = Presented::parse(bytes, brands) else { continue };
        let (head, body) = bytes.split_at(bytes.len() - 38);
        assert!(body.iter().all(u8::is_ascii_alphanumeric));
        assert!([&b"kr_sk_"[..], b"kr_pk_", b"acme_sk_", b"acme_pk_"].contains(&head));
        assert_eq!(format!("{presented:?}"), "Presented(…)");
        let mut other = bytes.to_vec();
        other[bytes.len() - 20] ^= 1;
        assert!(Presented::parse(&other, brands).is_err(), "one bit is always noticed");
        assert!(Presented::parse(&bytes[1..], brands).is_err(), "no other brand is the rest of one");
    }
});
