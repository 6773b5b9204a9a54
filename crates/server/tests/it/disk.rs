//! A full disk rejects new data but still allows deleting and pausing keys.

use reqwest::Method;
use serde_json::json;

use crate::harness::{Answer, EMAIL, PASSWORD, Server, WORKSPACE, send, text, wait_until};
use crate::web_client::WebClient;

const DISK_MB: u32 = 64;
/// The reserve is a quarter of the disk. A quarter of the reserve is allocated in the reserve file.
const RESERVE: [&str; 2] = ["--disk-reserve-mb", "16"];
const RESERVE_FILE: u64 = 4_000_000;
const KEYS: &str = "/api/v1/keys";
const PROJECTS: &str = "/api/v1/projects";

/// A server on a small disk, with a key that manages other keys.
struct DiskFixture {
    server: Server,
    manager_key: String,
    project: String,
}

struct DiskKey {
    path: String,
    secret: String,
}

impl DiskFixture {
    async fn start() -> Option<Self> {
        let server = Server::on_small_disk(DISK_MB, &RESERVE).await?;
        let owner = WebClient::set_up(&server, WORKSPACE).await;
        let manager_key = text(&owner.api_key(&["project", "keys"]).await["secret"]);
        let project = owner.project("Bottle caps").await;
        Some(Self { server, manager_key, project })
    }

    async fn key(&self) -> DiskKey {
        let body = json!({ "name": "of a test", "scopes": ["project"] });
        let created = self.server.post(KEYS, &self.manager_key, body).await;
        assert_eq!(created.status, 201, "{created:?}");
        let created = created.json();
        DiskKey { path: format!("{KEYS}/{}", text(&created["id"])), secret: text(&created["secret"]) }
    }

    async fn delete(&self, key: &DiskKey) {
        let deleted = self.server.delete(&key.path, &self.manager_key).await;
        assert_eq!(deleted.status, 200, "{deleted:?}");
        self.server.get(PROJECTS, &key.secret).await.assert_problem(401, "deleted_key");
    }

    async fn pause(&self, key: &DiskKey) {
        let paused = self.server.post(&format!("{}/pause", key.path), &self.manager_key, json!({})).await;
        assert_eq!(paused.status, 200, "{paused:?}");
        self.server.get(PROJECTS, &key.secret).await.assert_problem(401, "paused_key");
    }

    async fn resume(&self, key: &DiskKey) {
        let resumed = self.server.post(&format!("{}/resume", key.path), &self.manager_key, json!({})).await;
        assert_eq!(resumed.status, 200, "{resumed:?}");
        assert_eq!(self.server.get(PROJECTS, &key.secret).await.status, 200);
    }

    /// Requests an upload URL and sends two megabytes to it. Returns the first denial, or the last response.
    async fn upload(&self) -> Answer {
        let path = format!("{PROJECTS}/{}/upload/", self.project);
        let body = json!({ "name": "a.jpg", "content_type": "image/jpeg" });
        let response = self.server.post(&path, &self.manager_key, body).await;
        if response.status != 200 && response.status != 201 {
            return response;
        }
        let url = text(&response.json()["uploadUrl"]);
        let path = url.strip_prefix(&self.server.url).unwrap();
        send(self.server.request(Method::PUT, path).body(vec![7; 2_000_000])).await
    }

    async fn metric(&self, name: &str) -> u64 {
        let metrics = self.server.ops("/metrics").await.text;
        let line = metrics.lines().find_map(|line| line.strip_prefix(&format!("keyrack_{name} ")));
        line.unwrap_or_else(|| panic!("{name} in {metrics}")).parse().unwrap()
    }

    /// Fills the disk, and waits until the server has measured it again.
    async fn fill_disk(&self) {
        self.server.small_disk().fill();
        wait_until("the server knows that the disk is full", async || {
            (self.metric("disk_free_bytes").await < 2_000_000).then_some(())
        })
        .await;
    }

    async fn wait_until_reserve_file_has(&self, bytes: u64) {
        wait_until("the reserve file is full again", async || {
            (self.metric("disk_reserve_file_bytes").await == bytes).then_some(())
        })
        .await;
    }
}

/// Signs in and loads the API Keys page, which shows the banner.
async fn keys_page(server: &Server) -> Answer {
    let form = form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("email", EMAIL), ("password", PASSWORD)])
        .finish();
    let request = server.request(Method::POST, "/sign-in").header("origin", &server.url);
    let signed_in =
        send(request.header("content-type", "application/x-www-form-urlencoded").body(form)).await;
    assert_eq!(signed_in.status, 303, "people can sign in: {signed_in:?}");
    let web = WebClient::sign_in(server).await;
    web.page(&web.keys("")).await.ok()
}

const BANNER: &str = "The server's disk is nearly full.";

#[tokio::test]
async fn nearly_full_disk_denies_uploads_and_allows_key_changes() {
    let Some(fixture) = DiskFixture::start().await else { return };
    let key = fixture.key().await;
    assert_eq!(fixture.server.ops("/readyz").await.text, "ready\n");
    assert!(!keys_page(&fixture.server).await.text.contains(BANNER));
    let mut uploads = 0;
    let denied = loop {
        match fixture.upload().await {
            sent if sent.status == 204 => uploads += 1,
            denied => break denied,
        }
        assert!(uploads < DISK_MB, "the disk must be full");
    };
    let problem = denied.assert_problem(507, "disk_full").json();
    assert!(text(&problem["message"]).contains("disk is nearly full"), "{problem}");
    assert!(uploads > 5, "{uploads} uploads of 2 MB fit on 64 MB less 20 MB");
    assert!(fixture.metric("disk_free_bytes").await >= 16_000_000 - 2_000_000);
    assert!(fixture.metric("disk_writes_denied_total").await >= 1);
    let ready = fixture.server.ops("/readyz").await;
    assert_eq!(ready.status, 200, "the server still verifies keys");
    // Small writes are still allowed.
    let created = fixture.key().await;
    fixture.delete(&created).await;
    fixture.pause(&key).await;
    fixture.resume(&key).await;
    fixture.delete(&key).await;
}

#[tokio::test]
async fn full_disk_allows_deletion_and_pause() {
    let Some(fixture) = DiskFixture::start().await else { return };
    let (mut doomed, mut paused) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        doomed.push(fixture.key().await);
        paused.push(fixture.key().await);
    }
    fixture.wait_until_reserve_file_has(RESERVE_FILE).await;
    for (key, paused) in doomed.iter().zip(&paused) {
        // Fill the disk again in each round, including the space that the reserve file released.
        assert!(
            fixture.server.small_disk().fill() > 0
                || fixture.metric("disk_reserve_file_bytes").await < RESERVE_FILE
        );
        fixture.delete(key).await;
        fixture.pause(paused).await;
    }
    fixture.fill_disk().await;
    for (path, body) in [
        (KEYS.to_owned(), json!({ "name": "more", "scopes": ["inference"] })),
        (PROJECTS.to_owned(), json!({ "name": "more", "projectType": "classification" })),
        (format!("{PROJECTS}/{}/batches", fixture.project), json!({ "name": "more" })),
        (format!("{PROJECTS}/{}/annotations/labels", fixture.project), json!([{ "name": "more" }])),
        (
            format!("{PROJECTS}/{}/upload", fixture.project),
            json!({ "name": "a.jpg", "content_type": "image/jpeg" }),
        ),
    ] {
        fixture.server.post(&path, &fixture.manager_key, body).await.assert_problem(507, "disk_full");
    }
    let ready = fixture.server.ops("/readyz").await;
    assert!(ready.status == 200 && ready.text.contains("degraded"), "{ready:?}");
    assert!(keys_page(&fixture.server).await.text.contains(BANNER));
    wait_until("the log reports the nearly full disk", async || {
        fixture.server.output().contains("the disk is nearly full").then_some(())
    })
    .await;

    fixture.server.small_disk().clear();
    fixture.wait_until_reserve_file_has(RESERVE_FILE).await;
    wait_until("the server is fully ready", async || {
        (fixture.server.ops("/readyz").await.text == "ready\n").then_some(())
    })
    .await;
    assert_eq!(fixture.upload().await.status, 204);
    assert!(!keys_page(&fixture.server).await.text.contains(BANNER));
    for key in &doomed {
        fixture.server.get(PROJECTS, &key.secret).await.assert_problem(401, "deleted_key");
    }
}

#[tokio::test]
async fn key_that_edits_keys_on_full_disk_leaves_the_reserve_for_deletions() {
    let Some(mut fixture) = DiskFixture::start().await else { return };
    let mut doomed = Vec::new();
    for _ in 0..300 {
        doomed.push(fixture.key().await);
    }
    let edited = fixture.key().await;
    // The write-ahead log starts again, without space of its own.
    assert!(fixture.server.stop().await.success());
    fixture.server.restart().await;
    fixture.wait_until_reserve_file_has(RESERVE_FILE).await;
    fixture.fill_disk().await;
    let pause = format!("{}/pause", edited.path);
    fixture.pause(&edited).await;
    for round in 0..50 {
        let note = json!({ "note": format!("{round}{}", "x".repeat(400)) });
        let request = fixture.server.request(Method::PATCH, &edited.path).json(&note);
        let request = request.header("x-api-key", &fixture.manager_key);
        send(request).await.assert_problem(507, "disk_full");
        for (path, body) in [
            (&pause, json!({})),
            (&format!("{}/pause", doomed[0].path), json!({ "duration": "1s" })),
            (&format!("{}/resume", edited.path), json!({})),
            (&format!("{}/rotate", doomed[1].path), json!({ "gracePeriod": "0s" })),
        ] {
            fixture.server.post(path, &fixture.manager_key, body).await.assert_problem(507, "disk_full");
        }
    }
    assert!(fixture.metric("disk_reserve_file_bytes").await > RESERVE_FILE / 2);
    // More deletions than the reserve file has room for without the log's checkpoints.
    for key in &doomed {
        fixture.delete(key).await;
    }
}

#[tokio::test]
async fn server_on_full_disk_starts_and_deletes_keys() {
    let Some(mut fixture) = DiskFixture::start().await else { return };
    let (one, other) = (fixture.key().await, fixture.key().await);
    fixture.wait_until_reserve_file_has(RESERVE_FILE).await;
    // The server starts once after a clean stop and once after a kill.
    for (key, is_killed) in [(&one, false), (&other, true)] {
        if is_killed {
            fixture.server.kill();
        } else {
            assert!(fixture.server.stop().await.success());
        }
        assert!(fixture.server.small_disk().fill() > 0);
        fixture.server.restart().await;
        fixture.delete(key).await;
        fixture.server.small_disk().clear();
        fixture.wait_until_reserve_file_has(RESERVE_FILE).await;
    }
}
