use super::*;
use http::Request;

const NAMED: &str = "https://keys.example.org";

fn is_left(home: &OwnOrigins, headers: &[(&'static str, &str)]) -> bool {
    let mut request = Request::get("/");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    home.is_cross_origin(&request.body(()).unwrap().into_parts().0)
}

fn left(headers: &[(&'static str, &str)]) -> bool {
    is_left(&OwnOrigins::with("https://keys.example.org/").unwrap(), headers)
}

#[test]
fn service_without_own_origins_has_no_own_pages() {
    let nowhere = |name: &'static str, value: &str| {
        is_left(&OwnOrigins::none(), &[("host", "127.0.0.1:8080"), (name, value)])
    };
    assert!(nowhere("origin", "http://127.0.0.1:8080"));
    assert!(nowhere("sec-fetch-site", "same-origin"));
    assert!(!nowhere("sec-fetch-site", "none"), "typed into the address bar");
    assert!(!nowhere("sec-fetch-mode", "cors"), "Node");
}

#[test]
fn programs_and_own_pages_are_not_foreign() {
    let host = ("host", "127.0.0.1:8080");
    assert!(!left(&[]));
    assert!(!left(&[host, ("sec-fetch-mode", "cors")]), "Node");
    assert!(!left(&[("host", "evil.example"), ("sec-fetch-mode", "cors")]), "a program may name any host");
    assert!(!left(&[host, ("sec-fetch-site", "same-origin"), ("origin", "http://127.0.0.1:8080")]));
    assert!(!left(&[host, ("sec-fetch-site", "same-origin"), ("origin", NAMED)]), "the proxy names us");
    assert!(!left(&[host, ("sec-fetch-site", "none")]), "typed into the address bar");
    for (host, origin) in [
        ("localhost:8080", "http://localhost:8080"),
        ("[::1]:8080", "http://[::1]:8080"),
        ("keys.example.org", NAMED),
        ("Keys.Example.Org:443", NAMED),
        ("keys.example.org:8443", "https://keys.example.org:8443"),
        ("127.0.0.1", "http://127.0.0.1"),
    ] {
        let page = [("host", host), ("sec-fetch-site", "same-origin"), ("origin", origin)];
        assert!(!left(&page), "{host} {origin}");
    }
}

#[test]
fn page_at_rebound_host_name_is_foreign() {
    for home in [OwnOrigins::local(), OwnOrigins::with(NAMED).unwrap()] {
        for host in ["evil.example", "evil.example:8080", "localhost.evil.example", "127.0.0.1.nip.io"] {
            let origin = format!("http://{host}");
            assert!(is_left(&home, &[("host", host), ("origin", &origin)]), "{host}");
            assert!(is_left(&home, &[("host", host), ("sec-fetch-site", "same-origin")]), "{host}");
        }
        assert!(is_left(&home, &[("sec-fetch-site", "same-origin")]), "no host");
    }
    let request = Request::get("http://evil.example/").header("sec-fetch-site", "same-origin");
    let request = request.header("host", "127.0.0.1").body(()).unwrap().into_parts().0;
    assert!(OwnOrigins::local().is_cross_origin(&request), "the host of the URI counts");
}

#[test]
fn pages_of_other_origins_are_foreign() {
    let host = ("host", "127.0.0.1:8080");
    for origin in [
        "null",
        "",
        "https://evil.example",
        "http://127.0.0.1",
        "http://127.0.0.1:8081",
        "http://localhost:8080",
        "https://keys.example.org.evil.example",
        "https://keys.example.org:8443",
        "http://keys.example.org",
        "ftp://127.0.0.1:8080",
        "127.0.0.1:8080",
        "http://evil.example@127.0.0.1:8080",
        "http://127.0.0.1:8080/",
    ] {
        assert!(left(&[host, ("origin", origin)]), "{origin}");
    }
    for site in ["cross-site", "same-site"] {
        assert!(left(&[host, ("sec-fetch-site", site), ("origin", "http://127.0.0.1:8080")]), "{site}");
    }
}

#[test]
fn own_origin_must_be_origin() {
    for text in ["", "keys.example.org", "ftp://keys.example.org", "https://", "https://a b", "https://a/b"] {
        assert!(OwnOrigins::with(text).is_none(), "{text}");
    }
    for odd in [
        "evil.example@localhost",
        "localhost/x",
        "localhost#x",
        "localhost?x",
        "localhost\\x",
        "[::1",
        "127.0.0.1:99999",
        ":80",
        "",
    ] {
        assert!(!OwnOrigins::local().is_own_host(odd), "{odd}");
    }
}
