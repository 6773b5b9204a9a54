//! A full disk takes no new data, and stops nobody from deleting and pausing keys.

use reqwest::Method;
use serde_json::json;

use crate::harness::{Answer, EMAIL, PASSWORD, Server, WORKSPACE, send, text, until};
use crate::visitor::Visitor;

const DISK_MB: u32 = 64;
/// The server's reserve is a quarter of the disk. A quarter of that is in the reserve file.
const RESERVE: [&str; 2] = ["--disk-reserve-mb", "16"];
const RESERVE_FILE: u64 = 4_000_000;
const KEYS: &str = "/api/v1/keys";
const PROJECTS: &str = "/api/v1/projects";

/// A server on a small disk, with a key that makes others.
struct Site {
    server: Server,
    master: String,
    project: String,
}

struct Made {
    path: String,
    secret: String,
}

impl Site {
    async fn open() -> Option<Self> {
        let server = Server::on_small_disk(DISK_MB, &RESERVE).await?;
        let owner = Visitor::set_up(&server, WORKSPACE).await;
        let master = text(&owner.api_key(&["project", "keys"]).await["secret"]);
        let project = owner.project("Bottle caps").await;
        Some(Self { server, master, project })
    }

    async fn key(&self) -> Made {
        let body = json!({ "name": "of a test", "scopes": ["project"] });
        let made = self.server.post(KEYS, &self.master, body).await;
        assert_eq!(made.status, 201, "{made:?}");
        let made = made.json();
        Made { path: format!("{KEYS}/{}", text(&made["id"])), secret: text(&made["secret"]) }
    }

    async fn delete(&self, key: &Made) {
        let deleted = self.server.delete(&key.path, &self.master).await;
        assert_eq!(deleted.status, 200, "{deleted:?}");
        self.server.get(PROJECTS, &key.secret).await.refused(401, "deleted_key");
    }

    async fn pause(&self, key: &Made) {
        let paused = self.server.post(&format!("{}/pause", key.path), &self.master, json!({})).await;
        assert_eq!(paused.status, 200, "{paused:?}");
        self.server.get(PROJECTS, &key.secret).await.refused(401, "paused_key");
    }

    async fn resume(&self, key: &Made) {
        let resumed = self.server.post(&format!("{}/resume", key.path), &self.master, json!({})).await;
        assert_eq!(resumed.status, 200, "{resumed:?}");
        assert_eq!(self.server.get(PROJECTS, &key.secret).await.status, 200);
    }

    /// Asks for an upload URL and sends two megabytes to it. The answer to the first of both that is denied.
    async fn upload(&self) -> Answer {
        let path = format!("{PROJECTS}/{}/upload/", self.project);
        let body = json!({ "name": "a.jpg", "content_type": "image/jpeg" });
        let asked = self.server.post(&path, &self.master, body).await;
        if asked.status != 200 && asked.status != 201 {
            return asked;
        }
        let url = text(&asked.json()["uploadUrl"]);
        let path = url.strip_prefix(&self.server.url).unwrap();
        send(self.server.request(Method::PUT, path).body(vec![7; 2_000_000])).await
    }

    async fn metric(&self, name: &str) -> u64 {
        let metrics = self.server.ops("/metrics").await.text;
        let line = metrics.lines().find_map(|line| line.strip_prefix(&format!("keyrack_{name} ")));
        line.unwrap_or_else(|| panic!("{name} in {metrics}")).parse().unwrap()
    }

    async fn until_reserve_file_has(&self, bytes: u64) {
        until("the reserve file is full again", async || {
            (self.metric("disk_reserve_file_bytes").await == bytes).then_some(())
        })
        .await;
    }
}

/// Somebody who may see the banner.
async fn overview(server: &Server) -> Answer {
    let form = form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("email", EMAIL), ("password", PASSWORD)])
        .finish();
    let request = server.request(Method::POST, "/sign-in").header("origin", &server.url);
    let signed_in =
        send(request.header("content-type", "application/x-www-form-urlencoded").body(form)).await;
    assert_eq!(signed_in.status, 303, "people can sign in: {signed_in:?}");
    let visitor = Visitor::sign_in(server).await;
    visitor.page(&visitor.keys("")).await.ok()
}

const BANNER: &str = "The server's disk is nearly full.";

#[tokio::test]
async fn uploads_are_denied_before_the_disk_is_full_and_keys_are_still_made_and_deleted() {
    let Some(site) = Site::open().await else { return };
    let key = site.key().await;
    assert_eq!(site.server.ops("/readyz").await.text, "ready\n");
    assert!(!overview(&site.server).await.text.contains(BANNER));
    let mut uploads = 0;
    let denied = loop {
        match site.upload().await {
            sent if sent.status == 204 => uploads += 1,
            denied => break denied,
        }
        assert!(uploads < DISK_MB, "the disk is full by now");
    };
    let problem = denied.refused(507, "disk_full").json();
    assert!(text(&problem["message"]).contains("disk is nearly full"), "{problem}");
    assert!(uploads > 5, "{uploads} uploads of 2 MB fit on 64 MB less 20 MB");
    assert!(site.metric("disk_free_bytes").await >= 16_000_000 - 2_000_000);
    assert!(site.metric("disk_writes_denied_total").await >= 1);
    let ready = site.server.ops("/readyz").await;
    assert_eq!(ready.status, 200, "it still checks keys");
    // What is small goes on.
    let made = site.key().await;
    site.delete(&made).await;
    site.pause(&key).await;
    site.resume(&key).await;
    site.delete(&key).await;
}

#[tokio::test]
async fn a_disk_that_another_program_fills_to_the_last_byte_stops_no_deletion_and_no_pause() {
    let Some(site) = Site::open().await else { return };
    let (mut doomed, kept) = (Vec::new(), site.key().await);
    for _ in 0..3 {
        doomed.push(site.key().await);
    }
    site.until_reserve_file_has(RESERVE_FILE).await;
    for key in &doomed {
        // Each time anew: what the reserve gave back is taken as well.
        assert!(
            site.server.small_disk().fill() > 0
                || site.metric("disk_reserve_file_bytes").await < RESERVE_FILE
        );
        site.delete(key).await;
        site.pause(&kept).await;
        site.resume(&kept).await;
    }
    site.server.small_disk().fill();
    for (path, body) in [
        (KEYS.to_owned(), json!({ "name": "more", "scopes": ["inference"] })),
        (PROJECTS.to_owned(), json!({ "name": "more", "projectType": "classification" })),
        (format!("{PROJECTS}/{}/batches", site.project), json!({ "name": "more" })),
        (format!("{PROJECTS}/{}/annotations/labels", site.project), json!([{ "name": "more" }])),
        (
            format!("{PROJECTS}/{}/upload", site.project),
            json!({ "name": "a.jpg", "content_type": "image/jpeg" }),
        ),
    ] {
        site.server.post(&path, &site.master, body).await.refused(507, "disk_full");
    }
    let ready = site.server.ops("/readyz").await;
    assert!(ready.status == 200 && ready.text.contains("degraded"), "{ready:?}");
    assert!(overview(&site.server).await.text.contains(BANNER));
    until("the low disk is logged", async || {
        site.server.output().contains("the disk is nearly full").then_some(())
    })
    .await;

    site.server.small_disk().clear();
    site.until_reserve_file_has(RESERVE_FILE).await;
    until("the server is fully ready", async || {
        (site.server.ops("/readyz").await.text == "ready\n").then_some(())
    })
    .await;
    assert_eq!(site.upload().await.status, 204);
    assert!(!overview(&site.server).await.text.contains(BANNER));
    for key in &doomed {
        site.server.get(PROJECTS, &key.secret).await.refused(401, "deleted_key");
    }
}

#[tokio::test]
async fn a_server_starts_on_a_full_disk_and_deletes_keys() {
    let Some(mut site) = Site::open().await else { return };
    let (one, other) = (site.key().await, site.key().await);
    site.until_reserve_file_has(RESERVE_FILE).await;
    // Once after a stop that leaves nothing open, and once after one that leaves everything.
    for (key, is_killed) in [(&one, false), (&other, true)] {
        if is_killed {
            site.server.kill();
        } else {
            assert!(site.server.stop().await.success());
        }
        assert!(site.server.small_disk().fill() > 0);
        site.server.restart().await;
        site.delete(key).await;
        site.server.small_disk().clear();
        site.until_reserve_file_has(RESERVE_FILE).await;
    }
}
