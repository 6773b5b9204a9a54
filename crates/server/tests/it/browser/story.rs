//! The whole life of a key, as people and programs live it; and the Activity page tells it, in order, as it was.
//!
//! A chapter is a method of [`Story`]: it does something, sees that it holds, and says with [`Story::expects`] which
//! sentences the page shall tell of it. Another chapter is another method and a line in the test.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use parking_lot::RwLock;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::activity::ACTIVITY;
use super::steps::{INFERENCE, KEYS, UNKNOWN, rights, signed_in};
use super::{Browser, Kind};
use crate::harness::{SLUG, Server, keyrack, send, until};

const NAME: &str = "conveyor 2 counter";
const VERIFY: &str = "/api/v1/verify";

/// What a service asks about the key for somebody who calls from this machine and wants a prediction.
fn question() -> Value {
    json!({ "workspace": SLUG, "permission": "models:predict", "ip": "127.0.0.1" })
}

/// How many programs use the key while it is rotated.
const PROGRAMS: usize = 8;

struct Story {
    server: Server,
    browser: Browser,
    /// The secret of today, and the one before.
    secret: String,
    old: String,
    /// What the Activity page shall say, the oldest first.
    told: Vec<String>,
}

#[tokio::test]
async fn the_whole_life_of_a_key_is_told_and_one_altered_byte_is_named() {
    let mut story = Story::begin().await;
    story.made().await;
    story.used().await;
    story.narrowed().await;
    story.rotated_under_load().await;
    story.retired().await;
    story.paused().await;
    story.resumed().await;
    story.deleted().await;
    story.is_told().await;
    story.is_proven().await;
}

impl Story {
    async fn begin() -> Self {
        let (server, browser) = signed_in(Kind::Usual).await;
        let told = ["Ada began the workspace Northfield Vision.", "Ada joined as owner."];
        Self {
            server,
            browser,
            secret: String::new(),
            old: String::new(),
            told: told.map(str::to_owned).into(),
        }
    }

    fn expects(&mut self, sentence: &str) {
        self.told.push(sentence.to_owned());
    }

    async fn made(&mut self) {
        self.secret = self.browser.key(NAME, "Project").await;
        assert_eq!(self.server.post(VERIFY, &self.secret, question()).await.status, 200);
        self.expects("Ada made the key conveyor 2 counter with the scope Project.");
    }

    /// Uses are no changes: the history does not tell of them, and the key's row does.
    async fn used(&mut self) {
        assert_eq!(self.server.post(VERIFY, &self.secret, question()).await.status, 200);
        until("the use is seen", async || {
            self.browser.goto(KEYS).await;
            self.browser.row(NAME).await.contains("127.0.0.1").then_some(())
        })
        .await;
    }

    /// What the change would have refused is said while it is made; so a wrong network is not saved.
    async fn narrowed(&mut self) {
        self.browser.click(&format!("Edit Scopes of {NAME}")).await;
        self.browser.headed("Edit Scopes").await;
        self.browser.choose("Inference").await;
        self.browser.unfold("dialog .fold").await;
        self.browser.fill("Allowed IP addresses", "10.4.0.0/16").await;
        self.browser.sees("2 of 2 calls in 30 days would have been refused").await;
        self.browser.fill("Allowed IP addresses", "127.0.0.1").await;
        self.browser.sees("0 of 2 calls in 30 days would have been refused").await;
        self.browser.click("Save changes").await;
        self.browser.sees("was changed.").await;
        assert_eq!(rights(&self.server, &self.secret).await, INFERENCE);
        self.expects("Ada changed the key conveyor 2 counter: restrictions and scopes.");
    }

    /// Programs go on with the old secret until they are given the new one, and none of them is refused once.
    async fn rotated_under_load(&mut self) {
        let load = Load::begin(&self.server, &self.secret).await;
        self.browser.click(&format!("Rotate {NAME}")).await;
        self.browser.headed(&format!("Rotate {NAME}")).await;
        self.browser.choose("24 hours").await;
        self.browser.click("Rotate Key").await;
        self.browser.headed("Copy your secret key").await;
        let old = std::mem::replace(&mut self.secret, self.browser.secret(NAME).await);
        assert_ne!(old, self.secret);
        load.goes_on("with the old secret beside the new one").await;
        load.takes(&self.secret);
        load.goes_on("with the new secret").await;
        load.end().await;
        self.browser.click("Copy Secret Key").await;
        self.browser.sees("Copied").await;
        self.browser.click("Done").await;
        self.browser.no_dialog().await;
        self.old = old;
        self.expects("Ada gave the key conveyor 2 counter a new secret.");
    }

    /// Nobody calls with the old secret any more: the page says when somebody did last, and ends it in one click.
    async fn retired(&mut self) {
        self.browser.goto(KEYS).await;
        until("the last call with the old secret is told", async || {
            self.browser.goto(KEYS).await;
            self.browser.row(NAME).await.contains("Last called with").then_some(())
        })
        .await;
        self.browser.click(&format!("Revoke the old secret of {NAME}")).await;
        self.browser.headed(&format!("Revoke the old secret of {NAME}?")).await;
        self.browser.click("Revoke old secret").await;
        self.browser.sees("was retired.").await;
        assert_eq!(rights(&self.server, &self.old).await, UNKNOWN);
        assert_eq!(rights(&self.server, &self.secret).await, INFERENCE);
        self.expects("Ada ended the old secret of the key conveyor 2 counter.");
    }

    async fn paused(&mut self) {
        self.browser.goto(KEYS).await;
        self.browser.click(&format!("Pause {NAME}")).await;
        self.browser.headed(&format!("Pause {NAME}")).await;
        self.browser.choose("Until you resume it").await;
        self.browser.click("Pause Key").await;
        self.browser.sees(&format!("{NAME} is paused.")).await;
        assert_eq!(rights(&self.server, &self.secret).await, UNKNOWN);
        self.browser.sees("2 calls manage projects (projects:manage)").await;
        self.expects("Ada paused the key conveyor 2 counter.");
    }

    async fn resumed(&mut self) {
        self.browser.click(&format!("Resume {NAME}")).await;
        self.browser.sees(&format!("{NAME} works again.")).await;
        assert_eq!(self.server.post(VERIFY, &self.secret, question()).await.status, 200);
        self.expects("Ada resumed the key conveyor 2 counter.");
    }

    async fn deleted(&mut self) {
        self.browser.goto(KEYS).await;
        self.browser.click(&format!("Delete {NAME}")).await;
        self.browser.headed(&format!("Delete {NAME}?")).await;
        self.browser.fill("Reason", "the line was closed").await;
        self.browser.click("Delete Key").await;
        self.browser.sees("It stopped working everywhere").await;
        assert_eq!(rights(&self.server, &self.secret).await, UNKNOWN);
        self.expects("Ada deleted the key conveyor 2 counter: “the line was closed”.");
    }

    /// The page tells all of it and nothing else, in order, and the chain holds.
    async fn is_told(&self) {
        self.browser.goto(ACTIVITY).await;
        self.browser.headed("Audit log").await;
        let mut told = self.browser.told().await;
        told.reverse();
        assert_eq!(told, self.told);
        self.browser.click("Verify log").await;
        self.browser.headed("The log is intact").await;
        self.browser.sees(&format!("All {} entries verified.", self.told.len())).await;
    }

    /// The export that the page offers is verified without the server; and whichever entry is altered is named.
    async fn is_proven(&self) {
        let file = self.exported().await;
        let verify = async |file: &str| keyrack(["audit", "verify", "-"]).stdin(file).run().await;
        let said = verify(&file).await.succeeded().stdout;
        assert!(said.starts_with(&format!("{} entries, the chain holds", self.told.len())), "{said}");
        let lines: Vec<_> = file.lines().collect();
        for entry in 1..=self.told.len() {
            let altered = lines[entry - 1].replacen("Z\",\"actor\"", "z\",\"actor\"", 1);
            assert_ne!(altered, lines[entry - 1]);
            let mut lines = lines.clone();
            lines[entry - 1] = &altered;
            let file = format!("{}\n", lines.join("\n"));
            verify(&file).await.failed(1, &format!("the chain is broken at entry {entry} (line {entry})"));
        }
    }

    /// As the browser gets it when somebody clicks *Export JSON Lines*.
    async fn exported(&self) -> String {
        let url: String = self
            .browser
            .run("return document.querySelector('a[download][href*=jsonl]').getAttribute('href')", vec![])
            .await;
        let owner = crate::cast::Browser::signed_in(&self.server, crate::harness::EMAIL).await;
        let answer = send(owner.request(&self.server, Method::GET, &url)).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.text
    }
}

/// Programs that use the key all the time, each request demanded to succeed.
struct Load {
    secret: Arc<RwLock<String>>,
    answered: Arc<AtomicUsize>,
    ends: Arc<AtomicBool>,
    programs: JoinSet<()>,
}

impl Load {
    async fn begin(server: &Server, secret: &str) -> Self {
        let secret = Arc::new(RwLock::new(secret.to_owned()));
        let (answered, ends) = (Arc::<AtomicUsize>::default(), Arc::<AtomicBool>::default());
        let mut programs = JoinSet::new();
        for _ in 0..PROGRAMS {
            let (secret, answered, ends) = (Arc::clone(&secret), Arc::clone(&answered), Arc::clone(&ends));
            let request = server.request(Method::POST, VERIFY).json(&question());
            programs.spawn(async move {
                while !ends.load(Ordering::SeqCst) {
                    let key = secret.read().clone();
                    let answer = send(request.try_clone().unwrap().bearer_auth(key)).await;
                    assert_eq!(answer.status, 200, "{answer:?}");
                    answered.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
        let load = Self { secret, answered, ends, programs };
        load.goes_on("with the only secret").await;
        load
    }

    /// What the programs send from now on.
    fn takes(&self, secret: &str) {
        secret.clone_into(&mut self.secret.write());
    }

    /// Waits until each program has been served again and again.
    async fn goes_on(&self, what: &str) {
        let before = self.answered.load(Ordering::SeqCst);
        let many = before + 5 * PROGRAMS;
        until(what, async || (self.answered.load(Ordering::SeqCst) >= many).then_some(())).await;
    }

    /// A program that was refused has panicked, and that is heard here.
    async fn end(self) {
        self.ends.store(true, Ordering::SeqCst);
        self.programs.join_all().await;
    }
}
