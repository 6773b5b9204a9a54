//! Attempts to guess passwords.

use std::collections::HashMap;

use crate::fixtures::{AccessFixture, sign_in};
use crate::harness::{Answer, PASSWORD, wait_until};

const PROXY: [&str; 2] = ["--trusted-proxy", "127.0.0.1"];

async fn start_behind_proxy() -> AccessFixture {
    AccessFixture::start_with(&PROXY).await
}

/// The client address of the n-th attempt.
fn address_of(n: u8) -> String {
    format!("198.51.{n}.7")
}

fn retry_after(answer: &Answer) -> u64 {
    assert_eq!(answer.status, 429, "{answer:?}");
    answer.header("retry-after").parse().unwrap_or_else(|_| panic!("{answer:?}"))
}

#[tokio::test]
async fn account_after_five_failures_is_delayed() {
    let fixture = start_behind_proxy().await;
    for email in ["owner@example.org", "nobody@example.org"] {
        for n in 0..5 {
            let answer = sign_in(&fixture.server, email, "wrong password", &address_of(n)).await;
            assert_eq!(answer.status, 401, "{answer:?}");
        }
        // All spellings of the address are one account. On a slow machine, the first delay can end in between.
        let spellings = [email.to_owned(), email.to_uppercase(), format!(" {email}"), format!("{email}\t ")];
        let mut tried = 0;
        for n in 5..17 {
            let spelled = &spellings[usize::from(n) % spellings.len()];
            let answer = sign_in(&fixture.server, spelled, "wrong password", &address_of(n)).await;
            if answer.status == 401 {
                tried += 1;
            } else {
                assert!(retry_after(&answer) >= 1, "{spelled:?}");
                assert!(answer.text.contains("Too many attempts"), "{answer:?}");
            }
        }
        assert!(tried <= 3, "{tried}");
    }
}

/// Fails to sign in until the delay is at least three seconds.
async fn fail_until_delayed(fixture: &AccessFixture, email: &str) {
    wait_until("the delay is at least three seconds", async || {
        let answer = sign_in(&fixture.server, email, "wrong password", "198.51.100.7").await;
        (answer.status == 429 && retry_after(&answer) >= 3).then_some(())
    })
    .await;
}

#[tokio::test]
async fn correct_password_is_denied_until_delay_ends() {
    let fixture = start_behind_proxy().await;
    fail_until_delayed(&fixture, "owner@example.org").await;
    let denied = sign_in(&fixture.server, "owner@example.org", PASSWORD, "203.0.113.9").await;
    assert!(retry_after(&denied) >= 1, "{denied:?}");
    assert_eq!(denied.header("set-cookie"), "");
    // Other users are not delayed.
    assert_eq!(sign_in(&fixture.server, "viewer@example.org", PASSWORD, "203.0.113.9").await.status, 303);
    wait_until("the delay has ended", async || {
        let answer = sign_in(&fixture.server, "owner@example.org", PASSWORD, "203.0.113.9").await;
        (answer.status == 303).then_some(())
    })
    .await;
    // The failures are forgotten: five more cause no delay.
    for n in 0..5 {
        let answer = sign_in(&fixture.server, "owner@example.org", "wrong password", &address_of(n)).await;
        assert_eq!(answer.status, 401, "{answer:?}");
    }
}

#[tokio::test]
async fn address_after_twenty_failed_accounts_is_delayed() {
    let fixture = start_behind_proxy().await;
    let mut answers: HashMap<u16, u32> = HashMap::new();
    for n in 0..30 {
        let answer =
            sign_in(&fixture.server, &format!("{n}@example.org"), "wrong password", "198.51.100.7").await;
        *answers.entry(answer.status.as_u16()).or_default() += 1;
    }
    assert_eq!(answers[&401] + answers[&429], 30, "{answers:?}");
    // The attempts take time, in which a delay of one second can end.
    assert!(answers[&401] <= 23, "{answers:?}");
    let right = sign_in(&fixture.server, "owner@example.org", PASSWORD, "198.51.100.7").await;
    assert!(retry_after(&right) >= 1);
    // A neighboring address is not delayed, and an address that the client sends itself is ignored.
    assert_eq!(sign_in(&fixture.server, "owner@example.org", PASSWORD, "198.51.100.8").await.status, 303);
    let forged = sign_in(&fixture.server, "owner@example.org", PASSWORD, "198.51.100.8, 198.51.100.7").await;
    assert!(retry_after(&forged) >= 1);
}

#[tokio::test]
async fn untrusted_forwarded_address_is_ignored() {
    let fixture = AccessFixture::start().await;
    let mut waited = 0;
    for n in 0..30 {
        let answer =
            sign_in(&fixture.server, &format!("{n}@example.org"), "wrong password", &address_of(n)).await;
        waited += u32::from(answer.status == 429);
    }
    assert!(waited > 0, "thirty accounts were tried from one address");
}

#[tokio::test]
async fn concurrent_sign_in_failures_are_all_counted() {
    let fixture = start_behind_proxy().await;
    let addresses: Vec<_> = (0..20).map(address_of).collect();
    let attempts = addresses
        .iter()
        .map(|address| sign_in(&fixture.server, "admin@example.org", "wrong password", address));
    let answers = futures_util::future::join_all(attempts).await;
    let tried = answers.iter().filter(|answer| answer.status == 401).count();
    let waited = answers.iter().filter(|answer| answer.status == 429).count();
    assert_eq!(tried + waited, 20);
    // On a slow machine, the last attempt can come after the first delay has ended.
    assert!((5..=6).contains(&tried), "{tried} passwords were checked");
}

/// If the responses differed, an attacker would learn which accounts exist.
#[tokio::test]
async fn unknown_account_gets_same_response_as_known() {
    let fixture = start_behind_proxy().await;
    let known = sign_in(&fixture.server, "owner@example.org", "wrong password", "198.51.100.7").await;
    let unknown = sign_in(&fixture.server, "never@example.org", "wrong password", "198.51.100.7").await;
    assert_eq!(known.status, unknown.status);
    assert_eq!(known.text.replace("owner@", "never@"), unknown.text);
}

#[tokio::test]
async fn sign_in_with_arbitrary_text_is_denied() {
    let fixture = start_behind_proxy().await;
    let long = "a".repeat(30_000);
    let texts =
        ["", "\0", "\u{202E}", "' OR 1=1 --", "%00", &long, "📷".repeat(5_000).as_str()].map(str::to_owned);
    for (n, text) in texts.iter().enumerate() {
        let address = address_of(u8::try_from(n).unwrap());
        assert_eq!(sign_in(&fixture.server, text, "wrong password", &address).await.status, 401, "{text:?}");
        let answer = sign_in(&fixture.server, "member@example.org", text, &address).await;
        assert!(answer.status.is_client_error(), "{answer:?}");
    }
}
