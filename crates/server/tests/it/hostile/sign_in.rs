//! People who try passwords.

use std::collections::HashMap;

use crate::cast::{Cast, sign_in};
use crate::harness::{Answer, PASSWORD, until};

const PROXY: [&str; 2] = ["--trusted-proxy", "127.0.0.1"];

async fn behind_a_proxy() -> Cast {
    Cast::with(&PROXY).await
}

/// Where the n-th attempt comes from, when each comes from elsewhere.
fn from(n: u8) -> String {
    format!("198.51.{n}.7")
}

fn waits(answer: &Answer) -> u64 {
    assert_eq!(answer.status, 429, "{answer:?}");
    answer.header("retry-after").parse().unwrap_or_else(|_| panic!("{answer:?}"))
}

#[tokio::test]
async fn an_account_waits_after_five_failures_whoever_asks_and_whether_it_exists_or_not() {
    let cast = behind_a_proxy().await;
    for email in ["owner@example.org", "nobody@example.org"] {
        for n in 0..5 {
            let answer = sign_in(&cast.server, email, "wrong password", &from(n)).await;
            assert_eq!(answer.status, 401, "{answer:?}");
        }
        // However the address is written, it is one account. A slow machine may take longer than the first waits.
        let spellings = [email.to_owned(), email.to_uppercase(), format!(" {email}"), format!("{email}\t ")];
        let mut tried = 0;
        for n in 5..17 {
            let spelled = &spellings[usize::from(n) % spellings.len()];
            let answer = sign_in(&cast.server, spelled, "wrong password", &from(n)).await;
            if answer.status == 401 {
                tried += 1;
            } else {
                assert!(waits(&answer) >= 1, "{spelled:?}");
                assert!(answer.text.contains("Too many attempts"), "{answer:?}");
            }
        }
        assert!(tried <= 3, "{tried}");
    }
}

/// Fails until the wait is long enough to look at it.
async fn fail_until_it_waits(cast: &Cast, email: &str) {
    until("failures cost a few seconds", async || {
        let answer = sign_in(&cast.server, email, "wrong password", "198.51.100.7").await;
        (answer.status == 429 && waits(&answer) >= 3).then_some(())
    })
    .await;
}

#[tokio::test]
async fn the_right_password_is_refused_while_the_wait_lasts_and_taken_afterwards() {
    let cast = behind_a_proxy().await;
    fail_until_it_waits(&cast, "owner@example.org").await;
    let refused = sign_in(&cast.server, "owner@example.org", PASSWORD, "203.0.113.9").await;
    assert!(waits(&refused) >= 1, "{refused:?}");
    assert_eq!(refused.header("set-cookie"), "");
    // Somebody else is not kept waiting.
    assert_eq!(sign_in(&cast.server, "viewer@example.org", PASSWORD, "203.0.113.9").await.status, 303);
    until("the wait is over", async || {
        let answer = sign_in(&cast.server, "owner@example.org", PASSWORD, "203.0.113.9").await;
        (answer.status == 303).then_some(())
    })
    .await;
    // And forgotten: five more failures cost nothing again.
    for n in 0..5 {
        let answer = sign_in(&cast.server, "owner@example.org", "wrong password", &from(n)).await;
        assert_eq!(answer.status, 401, "{answer:?}");
    }
}

#[tokio::test]
async fn an_address_waits_after_twenty_accounts() {
    let cast = behind_a_proxy().await;
    let mut answers: HashMap<u16, u32> = HashMap::new();
    for n in 0..30 {
        let answer =
            sign_in(&cast.server, &format!("{n}@example.org"), "wrong password", "198.51.100.7").await;
        *answers.entry(answer.status.as_u16()).or_default() += 1;
    }
    assert_eq!(answers[&401] + answers[&429], 30, "{answers:?}");
    // Trying takes time, in which the wait of a second may pass.
    assert!(answers[&401] <= 23, "{answers:?}");
    let right = sign_in(&cast.server, "owner@example.org", PASSWORD, "198.51.100.7").await;
    assert!(waits(&right) >= 1);
    // An office next door is not kept waiting, and what a client writes itself is not believed.
    assert_eq!(sign_in(&cast.server, "owner@example.org", PASSWORD, "198.51.100.8").await.status, 303);
    let forged = sign_in(&cast.server, "owner@example.org", PASSWORD, "198.51.100.8, 198.51.100.7").await;
    assert!(waits(&forged) >= 1);
}

#[tokio::test]
async fn an_address_that_nobody_vouches_for_is_not_believed() {
    let cast = Cast::assemble().await;
    let mut waited = 0;
    for n in 0..30 {
        let answer = sign_in(&cast.server, &format!("{n}@example.org"), "wrong password", &from(n)).await;
        waited += u32::from(answer.status == 429);
    }
    assert!(waited > 0, "thirty accounts were tried from one address");
}

#[tokio::test]
async fn twenty_attempts_at_once_count_each_other() {
    let cast = behind_a_proxy().await;
    let addresses: Vec<_> = (0..20).map(from).collect();
    let attempts =
        addresses.iter().map(|address| sign_in(&cast.server, "admin@example.org", "wrong password", address));
    let answers = futures_util::future::join_all(attempts).await;
    let tried = answers.iter().filter(|answer| answer.status == 401).count();
    let waited = answers.iter().filter(|answer| answer.status == 429).count();
    assert_eq!(tried + waited, 20);
    // On a slow machine the last of them may come when the first wait is over.
    assert!((5..=6).contains(&tried), "{tried} passwords were looked at");
}

/// Whoever is told that an account exists knows whom to attack.
#[tokio::test]
async fn an_account_that_does_not_exist_is_answered_like_one_that_does() {
    let cast = behind_a_proxy().await;
    let known = sign_in(&cast.server, "owner@example.org", "wrong password", "198.51.100.7").await;
    let unknown = sign_in(&cast.server, "never@example.org", "wrong password", "198.51.100.7").await;
    assert_eq!(known.status, unknown.status);
    assert_eq!(known.text.replace("owner@", "never@"), unknown.text);
}

#[tokio::test]
async fn what_is_typed_for_a_name_or_a_password_can_be_anything() {
    let cast = behind_a_proxy().await;
    let long = "a".repeat(30_000);
    let texts =
        ["", "\0", "\u{202E}", "' OR 1=1 --", "%00", &long, "📷".repeat(5_000).as_str()].map(str::to_owned);
    for (n, text) in texts.iter().enumerate() {
        let address = from(u8::try_from(n).unwrap());
        assert_eq!(sign_in(&cast.server, text, "wrong password", &address).await.status, 401, "{text:?}");
        let answer = sign_in(&cast.server, "member@example.org", text, &address).await;
        assert!(answer.status.is_client_error(), "{answer:?}");
    }
}
