//! For each denial: the status, the challenge (RFC 6750), and the content of the problem.

use std::sync::Arc;

use http::Request;
use keyrack_guard::{ClientAddress, Guard, GuardLayer, OwnOrigins};
use keyrack_key::{
    Allowlist, Class, Denial, Pause, Permission, Permissions, Restrictions, Scope, SecretState,
};
use keyrack_rack::Freshness;

use super::{AFTER, BEFORE, Fixture, Reply, secret};

const REALM: &str = "Bearer realm=\"keyrack\"";

fn is_refused(answer: &Reply, status: u16, code: &str, challenge: Option<&str>) {
    assert_eq!(answer.status, status, "{answer:?}");
    assert_eq!(answer.body["code"], code, "{answer:?}");
    let expected =
        challenge.map(|error| if error.is_empty() { REALM.to_owned() } else { format!("{REALM}, {error}") });
    assert_eq!(answer.challenge, expected, "{answer:?}");
}

const INVALID: Option<&str> = Some("error=\"invalid_token\"");

#[tokio::test]
async fn missing_unknown_or_ended_key_is_unauthorized() {
    let mut fixture = Fixture::new();
    let deleted = fixture.key(&Scope::ALL, |key| key.terms.deleted_at = Some(BEFORE));
    let paused = fixture.key(&Scope::ALL, |key| {
        (key.terms.pause, key.terms.expires_at) = (Some(Pause::UNTIL_RESUMED), Some(BEFORE));
    });
    let expired = fixture.key(&Scope::ALL, |key| key.terms.expires_at = Some(BEFORE));
    let retired = fixture.key(&Scope::ALL, |key| key.secrets[0].1 = SecretState::Retiring(BEFORE));
    let unknown = secret(Class::Secret).expose().to_owned();
    let other_brand = unknown.replacen("kr_", "xy_", 1);
    for (sent, code) in [
        ("", "malformed_key"),
        (&unknown[..43], "malformed_key"),
        (&other_brand, "malformed_key"),
        (&unknown, "unknown_key"),
        (&deleted, "deleted_key"),
        (&paused, "paused_key"),
        (&expired, "expired_key"),
        (&retired, "retired_secret"),
    ] {
        is_refused(&fixture.send("/", &[("x-api-key", sent)]).await, 401, code, INVALID);
        let bearer = format!("bearer {sent}");
        is_refused(&fixture.send("/", &[("authorization", &bearer)]).await, 401, code, INVALID);
    }
    // Without a key there is no error code.
    is_refused(&fixture.send("/", &[]).await, 401, "missing_key", Some(""));
    is_refused(&fixture.send("/", &[("authorization", "Basic YTpi")]).await, 401, "missing_key", Some(""));
    assert_eq!(fixture.reached(), 0);
}

#[tokio::test]
async fn paused_key_gets_end_of_pause() {
    let mut fixture = Fixture::new();
    let mut pause = |pause| fixture.key(&[Scope::Inference], |key| key.terms.pause = Some(pause));
    let (open, ends) = (pause(Pause::UNTIL_RESUMED), pause(Pause::until(Some(AFTER))));
    let over = pause(Pause::until(Some(BEFORE)));
    let answer = fixture.send("/", &[("x-api-key", &open)]).await;
    assert_eq!(answer.body["paused_until"], serde_json::Value::Null);
    assert!(answer.body["message"].as_str().unwrap().contains("Resume it"), "{answer:?}");
    let answer = fixture.send("/", &[("x-api-key", &ends)]).await;
    let until = answer.body["paused_until"].as_str().unwrap();
    assert_eq!(until.parse::<jiff::Timestamp>().unwrap().as_microsecond(), AFTER.micros());
    assert!(answer.body["message"].as_str().unwrap().contains(until), "{answer:?}");
    assert_eq!(
        answer.body["manage_url"].as_str().unwrap().split('/').next_back(),
        answer.body["key"].as_str()
    );
    assert_eq!(fixture.send("/", &[("x-api-key", &over)]).await.status, 200);
}

#[tokio::test]
async fn ambiguous_key_and_key_in_url_are_bad_requests() {
    const BAD: Option<&str> = Some("error=\"invalid_request\"");
    let mut fixture = Fixture::new();
    let other = fixture.key(&[Scope::Inference], |_| {});
    let key = fixture.key(&[Scope::Project], |_| {});
    let id = fixture.last();
    let bearer = format!("Bearer {key}");
    let two = [("authorization", bearer.as_str()), ("x-api-key", &other)];
    is_refused(&fixture.send("/", &two).await, 400, "ambiguous_key", BAD);
    is_refused(&fixture.send(&format!("/?api-key={other}"), &two[..1]).await, 400, "ambiguous_key", BAD);
    is_refused(
        &fixture.send(&format!("/?api-key={other}&api-key={key}"), &[]).await,
        400,
        "ambiguous_key",
        BAD,
    );
    is_refused(&fixture.send("/?api-key=a&api-key=b", &[]).await, 401, "malformed_key", INVALID);
    let in_url = format!("/?api-key={key}");
    for headers in [&[][..], &two[..1]] {
        let answer = fixture.send(&in_url, headers).await;
        is_refused(&answer, 400, "key_in_query", BAD);
        assert_eq!(answer.body["key"], id);
        assert!(answer.body["message"].as_str().unwrap().contains("rotate it"), "{answer:?}");
    }
    assert_eq!(fixture.reached(), 0);
}

#[tokio::test]
async fn missing_permission_is_named_with_manage_url() {
    let mut fixture = Fixture::new();
    let key = fixture.key(&[Scope::Keys], |_| {});
    let answer = fixture.send("/", &[("x-api-key", &key)]).await;
    let challenge = "error=\"insufficient_scope\", scope=\"project inference\"";
    is_refused(&answer, 403, "insufficient_scope", Some(challenge));
    assert_eq!(answer.body["permission"], "models:predict");
    assert_eq!(answer.body["scopes"], serde_json::json!(["project", "inference"]));
    assert_eq!(answer.body["key"], fixture.last());
    assert_eq!(answer.body["manage_url"], format!("https://keys.example.org/keys/{}", fixture.last()));
    assert_eq!(answer.body["details"], serde_json::json!([]));
}

#[tokio::test]
async fn restricted_key_is_forbidden_outside_restrictions() {
    let mut fixture = Fixture::new();
    let restricted = |restrictions: Restrictions| {
        move |key: &mut keyrack_rack::KeyRecord| key.terms.restrictions = Some(restrictions)
    };
    let networks = Allowlist::Only(["10.4.0.0/16".parse().unwrap()].into());
    let network = fixture.key(&Scope::ALL, restricted(Restrictions { networks, ..Restrictions::default() }));
    let answer = fixture.send("/", &[("x-api-key", &network)]).await;
    is_refused(&answer, 403, "network_not_allowed", None);
    assert_eq!(answer.body["key"], fixture.last());
    let origins = Allowlist::Only(["https://app.example.org".parse().unwrap()].into());
    let origin = fixture.key(&Scope::ALL, restricted(Restrictions { origins, ..Restrictions::default() }));
    for elsewhere in [&[][..], &[("origin", "https://evil.example")], &[("origin", "null")]] {
        let headers = [&[("x-api-key", origin.as_str())], elsewhere].concat();
        is_refused(&fixture.send("/", &headers).await, 403, "origin_not_allowed", None);
    }
    // An empty list is not the same as no restriction.
    let nothing = Restrictions { networks: Allowlist::Only([].into()), ..Restrictions::default() };
    let nowhere = fixture.key(&Scope::ALL, restricted(nothing));
    is_refused(&fixture.send("/", &[("x-api-key", &nowhere)]).await, 403, "network_not_allowed", None);
    assert_eq!(fixture.reached(), 0);
}

/// A page whose host name points to this service by DNS is not the service's own.
#[tokio::test]
async fn key_beyond_inference_is_allowed_on_own_pages_only() {
    let mut fixture = Fixture::new();
    let key = fixture.key(&[Scope::Project], |_| {});
    let page = |host: &'static str, origin: &'static str| {
        [("x-api-key", key.as_str()), ("host", host), ("origin", origin), ("sec-fetch-site", "same-origin")]
    };
    let (named, local) =
        (page("app.example.org", "https://app.example.org"), page("127.0.0.1:80", "http://127.0.0.1"));
    let turned = page("evil.example", "http://evil.example");
    let statuses = async |home: Option<OwnOrigins>| {
        let guard = Guard::clone(&fixture.guard);
        let guard = Arc::new(home.into_iter().fold(guard, Guard::with_own_origins));
        let layer = || GuardLayer::new(Arc::clone(&guard), Permission::ModelsPredict);
        let mut statuses = Vec::new();
        for headers in [&named[..], &local, &turned, &turned[..2]] {
            statuses.push(fixture.send_through(layer(), "/", headers).await.status.as_u16());
        }
        statuses
    };
    // The last request comes from a program, which may send any `Host`.
    assert_eq!(statuses(None).await, [403, 403, 403, 200], "unless a home is named, no page is its own");
    assert_eq!(statuses(Some(OwnOrigins::local())).await, [403, 200, 403, 200]);
    assert_eq!(statuses(OwnOrigins::with("https://app.example.org")).await, [200, 200, 403, 200]);
    is_refused(&fixture.send("/", &turned).await, 403, "key_in_browser", None);
}

#[tokio::test]
async fn unknown_address_is_denied_by_network_restriction() {
    let mut fixture = Fixture::new();
    let networks = Allowlist::Only(["0.0.0.0/0".parse().unwrap(), "::/0".parse().unwrap()].into());
    let restrictions = Restrictions { networks, ..Restrictions::default() };
    let key = fixture.key(&[Scope::Inference], |key| key.terms.restrictions = Some(restrictions));
    assert_eq!(fixture.send("/", &[("x-api-key", &key)]).await.status, 200);
    let request = |address| {
        let request = Request::get("/").header("x-api-key", &key).extension(address);
        request.body(()).unwrap().into_parts().0
    };
    let known = request(ClientAddress::Known([203, 0, 113, 9].into()));
    assert!(fixture.guard.check(&known, None).is_ok());
    let denied = fixture.guard.check(&request(ClientAddress::Unknown), None).unwrap_err();
    assert_eq!(denied.denial, Denial::Network);
}

#[tokio::test]
async fn key_of_newer_version_is_denied() {
    let mut fixture = Fixture::new();
    let restrictions = fixture.key(&Scope::ALL, |key| key.terms.restrictions = None);
    let permissions =
        fixture.key(&Scope::ALL, |key| key.terms.permissions = Permissions::from_bits(u32::MAX));
    for key in [&restrictions, &permissions] {
        is_refused(&fixture.send("/", &[("x-api-key", key)]).await, 403, "newer_key", None);
    }
}

#[tokio::test]
async fn stale_rack_answers_503() {
    let mut fixture = Fixture::new();
    let key = fixture.key(&Scope::ALL, |key| key.terms.expires_at = Some(AFTER));
    assert_eq!(fixture.send("/", &[("x-api-key", &key)]).await.status, 200);
    fixture.rack.set_freshness(Freshness::Stale);
    for sent in [key.as_str(), secret(Class::Secret).expose()] {
        is_refused(&fixture.send("/", &[("x-api-key", sent)]).await, 503, "not_ready", None);
    }
    // A malformed key is denied even while the rack is stale.
    is_refused(&fixture.send("/", &[("x-api-key", "nonsense")]).await, 401, "malformed_key", INVALID);
    assert_eq!(fixture.reached(), 1);
}
