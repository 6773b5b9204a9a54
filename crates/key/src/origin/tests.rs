use super::*;
use proptest::prelude::*;

fn origin(text: &str) -> Origin {
    text.parse().unwrap()
}

#[test]
fn exact_origin_matches_only_itself() {
    let shop = origin("https://Shop.example.org");
    assert!(shop.matches("https://shop.example.org"));
    assert!(shop.matches("https://shop.example.org:443"));
    for other in
        ["http://shop.example.org", "https://shop.example.org:8443", "https://a.shop.example.org", "null", ""]
    {
        assert!(!shop.matches(other), "{other}");
    }
}

#[test]
fn wildcard_matches_subdomains_only() {
    let all = origin("https://*.example.org");
    assert!(all.matches("https://a.example.org"));
    assert!(all.matches("https://a.b.example.org"));
    for other in [
        "https://example.org",
        "https://badexample.org",
        "https://.example.org.evil.net",
        "https://é.xample.org",
    ] {
        assert!(!all.matches(other), "{other}");
    }
}

#[test]
fn header_with_extra_bytes_does_not_match() {
    let all = origin("https://*.example.org");
    for header in [
        "https://evil.net/.example.org",
        "https://evil.net?.example.org",
        "https://evil.net#.example.org",
        "https://evil.net\\.example.org",
        "https://evil.net:443/.example.org",
        "https://user@a.example.org",
        "https://evil.net@a.example.org",
        "https://evil.net%2f.example.org",
        "https://evil net.example.org",
        "https://..example.org",
        "https://a..example.org",
        "https://-.example.org",
        "https://a.example.org.",
        "https://a.example.org:",
        "https://a.example.org:0443",
        "https://a.example.org:+443",
        "https://a.example.org/",
        " https://a.example.org",
        "https://a.example.org https://b.example.org",
        "https:a.example.org",
        "https:///a.example.org",
    ] {
        assert!(!all.matches(header), "{header}");
    }
    assert!(all.matches("HTTPS://A.EXAMPLE.ORG:443"));
    assert!(all.matches("https://xn--bcher-kva.example.org"));
}

#[test]
fn ip_origins_compare_as_addresses() {
    let six = origin("http://[0:0:0:0:0:0:0:1]:3000");
    assert_eq!(six.to_string(), "http://[::1]:3000");
    assert!(six.matches("http://[::1]:3000") && six.matches("http://[0::0001]:3000"));
    assert!(!six.matches("http://[::2]:3000") && !six.matches("http://[::1]"));
    assert!(origin("https://[::ffff:192.0.2.1]").matches("https://[::ffff:c000:201]"));
    let four = origin("http://192.0.2.1:8080");
    assert!(four.matches("http://192.0.2.1:8080") && !four.matches("http://192.0.2.2:8080"));
    for text in ["http://127.1", "http://2130706433", "http://0x7f.0x1", "http://192.0.2.256", "http://a.1"] {
        assert_eq!(text.parse::<Origin>(), Err(OriginError::Malformed), "{text}");
    }
}

#[test]
fn wildcard_below_public_suffix_is_rejected() {
    for text in [
        "https://*.org",
        "https://*.co.uk",
        "https://*.CO.UK",
        "https://*.github.io",
        "https://*.s3.amazonaws.com",
        "https://*.localhost",
        "https://*.2.3.4",
        "https://*.192.0.2.1",
        "https://*.[::1]",
    ] {
        assert!(text.parse::<Origin>().is_err(), "{text}");
    }
    for text in ["https://*.example.co.uk", "https://*.me.github.io", "https://*.apps.corp"] {
        assert!(text.parse::<Origin>().is_ok(), "{text}");
    }
}

#[test]
fn wildcard_does_not_match_host_of_another_owner() {
    for (star, owned_by_others) in [
        ("https://*.kawasaki.jp", "https://evil.foo.kawasaki.jp"),
        ("https://*.amazonaws.com", "https://evil.s3.amazonaws.com"),
        ("https://*.amazonaws.com", "https://EVIL.S3.amazonaws.com"),
        ("https://*.windows.net", "https://evil.blob.core.windows.net"),
    ] {
        let star = origin(star);
        assert!(!star.matches(owned_by_others), "{star} {owned_by_others}");
        assert!(!origin(owned_by_others).is_within(&star), "{star} {owned_by_others}");
    }
    assert!(origin("https://*.evil.s3.amazonaws.com").matches("https://a.evil.s3.amazonaws.com"));
    assert!(origin("https://*.amazonaws.com").matches("https://docs.amazonaws.com"));
}

#[test]
fn stored_wildcard_below_public_suffix_matches_nothing() {
    let stored: Origin = serde_json::from_str("\"https://*.co.uk\"").unwrap();
    assert_eq!(serde_json::to_string(&stored).unwrap(), "\"https://*.co.uk\"");
    assert!(!stored.matches("https://evil.co.uk"));
    let inner = origin("https://*.example.co.uk");
    assert!(!inner.is_within(&stored) && stored.is_within(&inner));
    let former: Origin = serde_json::from_str("\"http://127.1:3000\"").unwrap();
    assert_eq!(former.to_string(), "http://127.1:3000");
    assert!(!former.matches("http://127.1:3000") && !former.matches("http://127.0.0.1:3000"));
    assert!(serde_json::from_str::<Origin>("\"https://a.org/\"").is_err());
}

#[test]
fn invalid_origin_is_rejected() {
    for text in [
        "",
        "example.org",
        "https://",
        "https://a.org/",
        "https://a.org/path",
        "ftp://a.org",
        "https://a..org",
        "https://a.org.",
        "https://user@a.org",
        "https://a.org:99999",
        "https://a.org:+1",
        "https://*",
        "https://*.*.example.org",
        "https://a.*.example.org",
        "https://b\u{fc}cher.example",
        "null",
    ] {
        assert_eq!(text.parse::<Origin>(), Err(OriginError::Malformed), "{text}");
    }
    assert!("http://[::1]:3000".parse::<Origin>().is_ok());
}

proptest! {
    #[test]
    fn origin_parser_never_panics(text: String) {
        let _ = text.parse::<Origin>();
        let _ = origin("https://*.example.org").matches(&text);
    }

    /// With any text in front of the domain: a header that matches has a host below the domain, as
    /// the URL standard reads it.
    #[test]
    fn wildcard_match_has_host_below_domain(front in "[a-z0-9./:@?#\\\\\\[\\]%_ *-]{0,12}", back in "[.:/0-9]{0,3}") {
        let header = format!("https://{front}.example.org{back}");
        if origin("https://*.example.org").matches(&header) {
            let url = url::Url::parse(&header).unwrap();
            prop_assert!(url.host_str().unwrap().ends_with(".example.org"), "{header}");
            prop_assert_eq!(url.origin().ascii_serialization(), header.trim_end_matches(":443"));
        }
    }

    /// For an accepted text, browsers send a header that it matches.
    #[test]
    fn accepted_origin_matches_url_standard(text in "https?://[a-c0-9.:\\[\\]-]{1,12}(:[0-9]{1,4})?") {
        if let Ok(read) = text.parse::<Origin>() {
            let url = url::Url::parse(&text).unwrap();
            prop_assert!(read.matches(&url.origin().ascii_serialization()), "{text}");
        }
    }

    #[test]
    fn narrower_origin_matches_no_more(
        inner in "https?://(\\*\\.)?([ab]\\.){0,2}ex\\.org(:8443)?", outer in "https?://(\\*\\.)?([ab]\\.){0,2}ex\\.org(:8443)?",
        header in "https?://([ab]\\.){0,3}ex\\.org(:8443)?",
    ) {
        let (inner, outer) = (origin(&inner), origin(&outer));
        if inner.is_within(&outer) && inner.matches(&header) {
            prop_assert!(outer.matches(&header));
        }
        prop_assert!(inner.is_within(&inner));
    }
}
