//! The whole lifecycle of a key, performed by users and programs. The Audit log page then shows each step in order.
//!
//! Each step is a method of [`AuditedLifecycle`]. The method changes something, checks the effect, and calls
//! [`AuditedLifecycle::expects`] with the sentence that the page must show. To add a step, add a method and call it in the
//! test.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use parking_lot::RwLock;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::audit_log::ACTIVITY;
use super::steps::{INFERENCE, KEYS, UNKNOWN, rights, signed_in};
use super::{Browser, BrowserKind};
use crate::harness::{SLUG, Server, keyrack, send, wait_until};

const NAME: &str = "conveyor 2 counter";
const VERIFY: &str = "/api/v1/verify";

/// The facts that a service sends to verify the key of a client on this machine that requests a prediction.
fn question() -> Value {
    json!({ "workspace": SLUG, "permission": "models:predict", "ip": "127.0.0.1" })
}

/// The number of programs that use the key during the rotation.
const PROGRAMS: usize = 8;

struct AuditedLifecycle {
    server: Server,
    browser: Browser,
    /// The current secret, and the previous one.
    secret: String,
    old: String,
    /// The sentences that the Audit log page must show, oldest first.
    sentences: Vec<String>,
}

#[tokio::test]
async fn key_lifecycle_is_fully_audited_and_export_detects_tampering() {
    let mut lifecycle = AuditedLifecycle::start().await;
    lifecycle.create().await;
    lifecycle.use_key().await;
    lifecycle.restrict().await;
    lifecycle.rotate_under_load().await;
    lifecycle.retire().await;
    lifecycle.pause().await;
    lifecycle.resume().await;
    lifecycle.delete().await;
    lifecycle.assert_audit_log().await;
    lifecycle.assert_export_verifies().await;
}

impl AuditedLifecycle {
    async fn start() -> Self {
        let (server, browser) = signed_in(BrowserKind::Usual).await;
        let sentences = ["Ada created the workspace Northfield Vision.", "Ada joined as owner."];
        Self {
            server,
            browser,
            secret: String::new(),
            old: String::new(),
            sentences: sentences.map(str::to_owned).into(),
        }
    }

    fn expects(&mut self, sentence: &str) {
        self.sentences.push(sentence.to_owned());
    }

    async fn create(&mut self) {
        self.secret = self.browser.key(NAME, "Project").await;
        assert_eq!(self.server.post(VERIFY, &self.secret, question()).await.status, 200);
        self.expects("Ada created the key conveyor 2 counter with the scope Project.");
    }

    /// Requests are not audited. The row of the key shows when it was last used.
    async fn use_key(&mut self) {
        assert_eq!(self.server.post(VERIFY, &self.secret, question()).await.status, 200);
        wait_until("the last use is shown", async || {
            self.browser.goto(KEYS).await;
            self.browser.row_text(NAME).await.contains("127.0.0.1").then_some(())
        })
        .await;
    }

    /// The form previews which requests the change would have denied, so the test doesn't save the wrong network.
    async fn restrict(&mut self) {
        self.browser.click(&format!("Edit Scopes of {NAME}")).await;
        self.browser.wait_for_heading("Edit Scopes").await;
        self.browser.choose("Inference").await;
        self.browser.expand("dialog .fold").await;
        self.browser.fill("Allowed IP addresses", "10.4.0.0/16").await;
        self.browser.wait_for_text("2 of 2 requests in 30 days would have been denied").await;
        self.browser.fill("Allowed IP addresses", "127.0.0.1").await;
        self.browser.wait_for_text("0 of 2 requests in 30 days would have been denied").await;
        self.browser.click("Save changes").await;
        self.browser.wait_for_text("updated.").await;
        assert_eq!(rights(&self.server, &self.secret).await, INFERENCE);
        self.expects("Ada changed the key conveyor 2 counter: restrictions and scopes.");
    }

    /// Programs use the old secret until they get the new one. No request is denied.
    async fn rotate_under_load(&mut self) {
        let load = Load::start(&self.server, &self.secret).await;
        self.browser.click_action("Rotate", NAME).await;
        self.browser.wait_for_heading(&format!("Rotate {NAME}")).await;
        self.browser.choose("24 hours").await;
        self.browser.click("Rotate Key").await;
        self.browser.wait_for_heading("Copy your secret key").await;
        let old = std::mem::replace(&mut self.secret, self.browser.secret(NAME).await);
        assert_ne!(old, self.secret);
        load.wait_for_responses("with the old secret beside the new one").await;
        load.set_secret(&self.secret);
        load.wait_for_responses("with the new secret").await;
        load.end().await;
        self.browser.click("Copy Secret Key").await;
        self.browser.wait_for_text("Copied").await;
        self.browser.click("Done").await;
        self.browser.wait_until_dialog_is_closed().await;
        self.old = old;
        self.expects("Ada rotated the key conveyor 2 counter.");
    }

    /// No program uses the old secret any more. The page shows when it was last used, and one click retires it.
    async fn retire(&mut self) {
        self.browser.goto(KEYS).await;
        wait_until("the last use of the old secret is shown", async || {
            self.browser.goto(KEYS).await;
            self.browser.row_text(NAME).await.contains("Last used").then_some(())
        })
        .await;
        self.browser.click_action("Revoke old secret of", NAME).await;
        self.browser.wait_for_heading(&format!("Revoke the old secret of {NAME}?")).await;
        self.browser.click("Revoke old secret").await;
        self.browser.wait_for_text(" revoked.").await;
        assert_eq!(rights(&self.server, &self.old).await, UNKNOWN);
        assert_eq!(rights(&self.server, &self.secret).await, INFERENCE);
        self.expects("Ada revoked the old secret of the key conveyor 2 counter.");
    }

    async fn pause(&mut self) {
        self.browser.goto(KEYS).await;
        self.browser.click_action("Pause", NAME).await;
        self.browser.wait_for_heading(&format!("Pause {NAME}")).await;
        self.browser.choose("Until you resume it").await;
        self.browser.click("Pause Key").await;
        self.browser.wait_for_text(&format!("{NAME} is paused.")).await;
        assert_eq!(rights(&self.server, &self.secret).await, UNKNOWN);
        self.browser.goto(&format!("{KEYS}?status=paused")).await;
        self.browser.click(NAME).await;
        self.browser.wait_for_text("2 requests manage projects (projects:manage)").await;
        self.expects("Ada paused the key conveyor 2 counter.");
    }

    async fn resume(&mut self) {
        self.browser.click_action("Resume", NAME).await;
        self.browser.wait_for_text(&format!("{NAME} works again.")).await;
        assert_eq!(self.server.post(VERIFY, &self.secret, question()).await.status, 200);
        self.expects("Ada resumed the key conveyor 2 counter.");
    }

    async fn delete(&mut self) {
        self.browser.goto(KEYS).await;
        self.browser.click(&format!("Delete {NAME}")).await;
        self.browser.wait_for_heading(&format!("Delete {NAME}?")).await;
        self.browser.fill("Reason", "the line was closed").await;
        self.browser.click("Delete Key").await;
        self.browser.wait_for_text("It no longer works anywhere").await;
        assert_eq!(rights(&self.server, &self.secret).await, UNKNOWN);
        self.expects("Ada deleted the key conveyor 2 counter: “the line was closed”.");
    }

    /// The page shows all sentences in order and no others, and the log verifies.
    async fn assert_audit_log(&self) {
        self.browser.goto(ACTIVITY).await;
        self.browser.wait_for_heading("Audit log").await;
        let mut sentences = self.browser.audit_sentences().await;
        sentences.reverse();
        assert_eq!(sentences, self.sentences);
        self.browser.click("Verify log").await;
        self.browser.wait_for_heading("The log is intact").await;
        self.browser.wait_for_text(&format!("All {} entries verified.", self.sentences.len())).await;
    }

    /// The export verifies without the server. If any entry is altered, the verifier names it.
    async fn assert_export_verifies(&self) {
        let file = self.exported_log().await;
        let verify = async |file: &str| keyrack(["audit", "verify", "-"]).stdin(file).run().await;
        let output = verify(&file).await.assert_succeeded().stdout;
        assert!(output.starts_with(&format!("OK: {} entries verified", self.sentences.len())), "{output}");
        let lines: Vec<_> = file.lines().collect();
        for entry in 1..=self.sentences.len() {
            let altered = lines[entry - 1].replacen("Z\",\"actor\"", "z\",\"actor\"", 1);
            assert_ne!(altered, lines[entry - 1]);
            let mut lines = lines.clone();
            lines[entry - 1] = &altered;
            let file = format!("{}\n", lines.join("\n"));
            verify(&file)
                .await
                .assert_failed(1, &format!("Verification failed at entry {entry} (line {entry})"));
        }
    }

    /// The file that the browser downloads for *Export JSON Lines*.
    async fn exported_log(&self) -> String {
        let url: String = self
            .browser
            .run("return document.querySelector('a[download][href*=jsonl]').getAttribute('href')", vec![])
            .await;
        let owner = crate::fixtures::Session::signed_in(&self.server, crate::harness::EMAIL).await;
        let answer = send(owner.request(&self.server, Method::GET, &url)).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.text
    }
}

/// Programs that use the key without a pause. Each request must succeed.
struct Load {
    secret: Arc<RwLock<String>>,
    answered: Arc<AtomicUsize>,
    is_stopped: Arc<AtomicBool>,
    programs: JoinSet<()>,
}

impl Load {
    async fn start(server: &Server, secret: &str) -> Self {
        let secret = Arc::new(RwLock::new(secret.to_owned()));
        let (answered, is_stopped) = (Arc::<AtomicUsize>::default(), Arc::<AtomicBool>::default());
        let mut programs = JoinSet::new();
        for _ in 0..PROGRAMS {
            let (secret, answered, is_stopped) =
                (Arc::clone(&secret), Arc::clone(&answered), Arc::clone(&is_stopped));
            let request = server.request(Method::POST, VERIFY).json(&question());
            programs.spawn(async move {
                while !is_stopped.load(Ordering::SeqCst) {
                    let key = secret.read().clone();
                    let answer = send(request.try_clone().unwrap().bearer_auth(key)).await;
                    assert_eq!(answer.status, 200, "{answer:?}");
                    answered.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
        let load = Self { secret, answered, is_stopped, programs };
        load.wait_for_responses("with the only secret").await;
        load
    }

    /// Changes the secret that the programs send.
    fn set_secret(&self, secret: &str) {
        secret.clone_into(&mut self.secret.write());
    }

    /// Waits until the programs have received several more responses.
    async fn wait_for_responses(&self, what: &str) {
        let before = self.answered.load(Ordering::SeqCst);
        let many = before + 5 * PROGRAMS;
        wait_until(what, async || (self.answered.load(Ordering::SeqCst) >= many).then_some(())).await;
    }

    /// Panics if a program has panicked because a request was denied.
    async fn end(self) {
        self.is_stopped.store(true, Ordering::SeqCst);
        self.programs.join_all().await;
    }
}
