//! The rate limit headers of allowed and denied requests.

use keyrack_key::{Permission, Rate, Restrictions, Scope};

use super::{Fixture, Reply};

fn told<'a>(answer: &'a Reply, name: &str) -> Option<&'a str> {
    answer.headers.get(name).map(|value| value.to_str().unwrap())
}

fn limited(fixture: &mut Fixture, requests: u32, seconds: u32) -> String {
    let rate = Rate::new(requests, seconds).ok();
    let limits = Restrictions { rate, ..Restrictions::default() };
    fixture.key(&[Scope::Inference], |key| key.terms.restrictions = Some(limits))
}

#[tokio::test]
async fn rate_limit_headers_report_remaining_and_wait() {
    let mut fixture = Fixture::new();
    let key = limited(&mut fixture, 2, 61);
    for (left, full) in [(1, 31), (0, 61)] {
        let answer = fixture.send("/", &[("x-api-key", &key)]).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(told(&answer, "ratelimit-policy"), Some("\"key\";q=2;w=61"));
        assert_eq!(told(&answer, "ratelimit"), Some(format!("\"key\";r={left};t={full}").as_str()));
        assert_eq!(told(&answer, "retry-after"), None);
    }
    let answer = fixture.send("/", &[("x-api-key", &key)]).await;
    assert_eq!((answer.status.as_u16(), &answer.body["code"]), (429, &"rate_limited".into()));
    assert_eq!(told(&answer, "retry-after"), Some("31"));
    assert_eq!(told(&answer, "ratelimit-policy"), Some("\"key\";q=2;w=61"));
    assert_eq!(told(&answer, "ratelimit"), Some("\"key\";r=0;t=31"));
    assert_eq!(told(&answer, "www-authenticate"), None);
    let says = "Rate limit exceeded (2 requests per 61 seconds). Try again in 31 seconds.";
    assert_eq!(answer.body["message"], says);
    assert_eq!(answer.body["key"], fixture.last());
    assert_eq!(fixture.reached(), 2);
}

#[tokio::test]
async fn reported_wait_is_at_least_one_second() {
    let mut fixture = Fixture::new();
    let key = limited(&mut fixture, 1_000, 1);
    for _ in 0..1_000 {
        assert_eq!(fixture.send("/", &[("x-api-key", &key)]).await.status, 200);
    }
    let answer = fixture.send("/", &[("x-api-key", &key)]).await;
    assert_eq!((answer.status.as_u16(), told(&answer, "retry-after")), (429, Some("1")));
}

#[tokio::test]
async fn key_without_rate_gets_no_rate_limit_headers() {
    let mut fixture = Fixture::new();
    let key = fixture.key(&[Scope::Inference], |_| {});
    let answer = fixture.send("/", &[("x-api-key", &key)]).await;
    assert_eq!((answer.status.as_u16(), answer.headers.len()), (200, 0), "{answer:?}");
}

#[tokio::test]
async fn repeated_check_takes_nothing_from_rate() {
    let mut fixture = Fixture::new();
    let key = limited(&mut fixture, 1, 60);
    let request = http::Request::get("/").header("x-api-key", &key).body(()).unwrap();
    let (parts, ()) = request.into_parts();
    let permission = Some(Permission::ModelsPredict);
    assert!(fixture.guard.check(&parts, permission).is_ok());
    assert!(fixture.guard.check_again(&parts, permission).is_ok());
    assert_eq!(fixture.guard.check(&parts, permission).unwrap_err().denial.code(), "rate_limited");
    fixture.records[0].terms.deleted_at = Some(super::BEFORE);
    let records = fixture.records.clone();
    fixture.rack.load(keyrack_rack::Snapshot { records, ..keyrack_rack::Snapshot::default() });
    assert_eq!(fixture.guard.check_again(&parts, permission).unwrap_err().denial.code(), "deleted_key");
}
