//! `keyrack key` on a data folder without a server.

use serde_json::Value;
use tempfile::TempDir;

use crate::harness::{KeyrackCommand, SLUG, keyrack, setup, text};

struct Folder(TempDir);

impl Folder {
    async fn set_up() -> Self {
        let root = TempDir::new().unwrap();
        setup(root.path()).run().await.assert_succeeded();
        Self(root)
    }

    fn keys(&self, args: &[&str]) -> KeyrackCommand {
        keyrack(["key"]).args(args).arg("--data").arg(self.0.path()).args(["--workspace", SLUG])
    }

    async fn json(&self, args: &[&str]) -> Value {
        self.keys(args).arg("--json").run().await.json()
    }
}

#[tokio::test]
async fn key_create_prints_only_the_secret_to_stdout() {
    let folder = Folder::set_up().await;
    let args =
        ["create", "--name", "line 3", "--scope", "inference", "--expires", "90d", "--note", "by the door"];
    let created = folder.keys(&args).run().await.assert_succeeded();
    let secret = created.stdout.strip_suffix('\n').unwrap();
    assert!(secret.starts_with("kr_sk_") && secret.len() == 44 && !secret.contains(char::is_whitespace));
    assert!(!created.stderr.contains(secret));
    for expected in ["line 3", "inference", "expires: 2", "Store the secret key now. You won't see it again."]
    {
        assert!(created.stderr.contains(expected), "{expected}: {}", created.stderr);
    }
    let listed = folder.keys(&["list"]).run().await.assert_succeeded();
    assert!(listed.stdout.contains("line 3") && listed.stdout.contains(&format!("…{}", &secret[40..])));
    assert!(!listed.stdout.contains(secret));
}

#[tokio::test]
async fn key_is_created_edited_rotated_and_deleted() {
    let folder = Folder::set_up().await;
    let created = folder.json(&["create", "--name", "a", "--scope", "project", "--scope", "inference"]).await;
    let id = &text(&created["id"]);
    assert_eq!(created["scopes"], serde_json::json!(["project", "inference"]));
    assert_eq!(created["createdBy"]["kind"], "operator");
    let args = ["edit", id, "--name", "b", "--scope", "inference", "--expires", "7d", "--note", "n"];
    let edited = folder.json(&args).await;
    let expected = ["name", "note", "scopes"].map(|field| edited[field].clone());
    assert_eq!(expected, ["b".into(), "n".into(), serde_json::json!(["inference"])]);
    assert!(edited["expiresAt"].is_string() && edited["propagation"]["confirmed"] == 1);
    let edited = folder.json(&["edit", id, "--expires", "never", "--note", ""]).await;
    assert_eq!(
        (&edited["name"], &edited["expiresAt"], &edited["note"]),
        (&"b".into(), &Value::Null, &Value::Null)
    );
    let rotated = folder.json(&["rotate", id, "--grace-period", "24h"]).await;
    assert_eq!(text(&rotated["id"]), *id);
    assert_ne!(rotated["secret"], created["secret"]);
    assert!(rotated["oldSecretRetiresAt"].is_string());
    let deleted = folder.json(&["delete", id, "--reason", "moved"]).await;
    assert_eq!(deleted["propagation"]["unconfirmed"], serde_json::json!([]));
    let shown = folder.json(&["show", id]).await;
    assert_eq!((&shown["status"], &shown["deleted"]["reason"]), (&"deleted".into(), &"moved".into()));
    assert!(shown.get("secret").is_none());
    folder.keys(&["delete", id]).run().await.assert_failed(1, "deleted");
}

#[tokio::test]
async fn key_commands_print_text_without_json() {
    let folder = Folder::set_up().await;
    let created = folder.json(&["create", "--name", "gate", "--scope", "keys", "--note", "two\nlines"]).await;
    let id = &text(&created["id"]);
    let rotated = folder.keys(&["rotate", id, "--grace-period", "1h"]).run().await.assert_succeeded();
    assert!(rotated.stdout.starts_with("kr_sk_") && rotated.stderr.contains("The old secret key expires 2"));
    let rotated = folder.keys(&["rotate", id, "--grace-period", "0s"]).run().await.assert_succeeded();
    assert!(rotated.stderr.contains("The old secret key is revoked."));
    let edited = folder.keys(&["edit", id, "--name", "gate 2"]).run().await.assert_succeeded();
    assert!(edited.stdout.contains("gate 2"));
    let deleted = folder.keys(&["delete", id]).run().await.assert_succeeded();
    assert_eq!(deleted.stdout, "");
    assert!(deleted.stderr.contains("Deleted key_"));
    let shown = folder.keys(&["show", id]).run().await.assert_succeeded().stdout;
    for expected in [id, "gate 2", "deleted", "keys", "two lines", "by operator"] {
        assert!(shown.contains(expected), "{expected}: {shown}");
    }
}

#[tokio::test]
async fn rate_limit_is_set_shown_and_removed() {
    let folder = Folder::set_up().await;
    let created =
        folder.json(&["create", "--name", "a", "--scope", "project", "--rate-limit", "100/1m"]).await;
    let id = &text(&created["id"]);
    assert_eq!(created["restrictions"], serde_json::json!({ "rate": { "requests": 100, "seconds": 60 } }));
    let shown = folder.keys(&["show", id]).run().await.assert_succeeded().stdout;
    assert!(shown.contains("rate limit") && shown.contains("100 requests per minute"), "{shown}");
    let edited = folder.json(&["edit", id, "--rate-limit", "5/1h", "--name", "b"]).await;
    assert_eq!(edited["restrictions"], serde_json::json!({ "rate": { "requests": 5, "seconds": 3600 } }));
    assert_eq!(folder.json(&["edit", id, "--note", "n"]).await["restrictions"], edited["restrictions"]);
    assert_eq!(
        folder.json(&["edit", id, "--rate-limit", "none"]).await["restrictions"],
        serde_json::json!({})
    );
    folder.keys(&["edit", id, "--rate-limit", "0/1h"]).run().await.assert_failed(2, "from 1 to 1,000,000");
}

#[tokio::test]
async fn limits_are_changed_one_at_a_time() {
    let folder = Folder::set_up().await;
    let limits =
        ["--visitor-rate-limit", "10/60s", "--quota", "predictions=1000/day", "--quota", "trainings=2/month"];
    let create = [&["create", "--name", "a", "--scope", "project"][..], &limits[..]].concat();
    let created = folder.json(&create).await;
    let id = created["id"].as_str().unwrap();
    let visitors = serde_json::json!({ "requests": 10, "seconds": 60 });
    assert_eq!(created["restrictions"]["visitorRate"], visitors);
    assert_eq!(
        created["restrictions"]["quotas"][1],
        serde_json::json!({ "of": "trainings", "limit": 2, "per": "month" })
    );
    let shown = folder.keys(&["show", id]).run().await.assert_succeeded().stdout;
    for line in ["10 requests per minute", "0 of 1,000 predictions today", "0 of 2 trainings this month"] {
        assert!(shown.contains(line), "{line}: {shown}");
    }
    let edited = folder.json(&["edit", id, "--quota", "images=5/day"]).await;
    assert_eq!(edited["restrictions"]["visitorRate"], visitors, "a limit without a flag stays unchanged");
    assert_eq!(edited["restrictions"]["quotas"].as_array().unwrap().len(), 1);
    let edited = folder.json(&["edit", id, "--quota", "none", "--visitor-rate-limit", "none"]).await;
    assert_eq!(edited["restrictions"], serde_json::json!({}));
    for (wrong, expected) in [
        (&["--quota", "images=0/day"][..], "from 1 to 1,000,000,000"),
        (&["--quota", "images=5/week"], "day or month"),
        (&["--quota", "guesses=5/day"], "predictions, images, or trainings"),
        (&["--quota", "1000"], "predictions=1000/day"),
        (&["--quota", "images=5/day", "--quota", "images=6/day"], "already a quota of images per day"),
        (&["--quota", "images=5/day", "--quota", "none"], "Don't combine --quota none"),
        (&["--visitor-rate-limit", "0/60s"], "from 1 to 1,000,000"),
    ] {
        folder.keys(&[&["edit", id][..], wrong].concat()).run().await.assert_failed(2, expected);
    }
}

#[tokio::test]
async fn key_list_applies_its_filters() {
    let folder = Folder::set_up().await;
    assert_eq!(folder.json(&["list"]).await, serde_json::json!({ "items": [], "nextCursor": null }));
    let nothing = folder.keys(&["list"]).run().await.assert_succeeded();
    assert_eq!((nothing.stdout.as_str(), nothing.stderr.as_str()), ("", "No keys found.\n"));
    for (name, class) in [("a&b=c", "publishable"), ("d", "secret"), ("e", "secret")] {
        folder.json(&["create", "--name", name, "--scope", "inference", "--class", class]).await;
    }
    let names = async |args: &[&str]| {
        let page = folder.json(&[&["list"], args].concat()).await;
        page["items"].as_array().unwrap().iter().map(|key| text(&key["name"])).collect::<Vec<_>>()
    };
    assert_eq!(names(&[]).await, ["e", "d", "a&b=c"]);
    assert_eq!(names(&["--search", "a&b=c"]).await, ["a&b=c"]);
    assert_eq!(names(&["--class", "publishable"]).await, ["a&b=c"]);
    assert!(names(&["--status", "deleted"]).await.is_empty());
    assert!(names(&["--scope", "keys"]).await.is_empty());
}

#[tokio::test]
async fn failed_command_names_the_field() {
    let folder = Folder::set_up().await;
    let args = ["create", "--name", " ", "--scope", "project", "--class", "publishable"];
    let ran = folder.keys(&args).run().await.assert_failed(1, "\n  name: Enter a name.\n");
    assert!(ran.stderr.contains("\n  class: "), "{ran:?}");
    let unknown = format!("key_{}", "0".repeat(32));
    folder.keys(&["show", &unknown]).run().await.assert_failed(1, "Key not found.");
    let elsewhere = keyrack(["key", "list", "--workspace", "elsewhere", "--data"]).arg(folder.0.path());
    elsewhere.run().await.assert_failed(1, "Workspace not found.");
}

#[tokio::test]
async fn new_secret_has_the_brand_of_the_folder() {
    let folder = Folder::set_up().await;
    std::fs::write(folder.0.path().join("keyrack.toml"), "brand = 'acme'").unwrap();
    let create = || folder.keys(&["create", "--name", "a", "--scope", "inference"]);
    assert!(create().run().await.assert_succeeded().stdout.starts_with("acme_sk_"));
    assert!(
        create().env("KEYRACK_BRAND", "env").run().await.assert_succeeded().stdout.starts_with("env_sk_")
    );
}

#[tokio::test]
async fn concurrent_commands_wait_for_the_folder() {
    let folder = Folder::set_up().await;
    let create = || folder.keys(&["create", "--name", "a", "--scope", "inference"]).run();
    let all = tokio::join!(create(), create(), create(), create());
    for ran in [all.0, all.1, all.2, all.3] {
        ran.assert_succeeded();
    }
    assert_eq!(folder.json(&["list"]).await["items"].as_array().unwrap().len(), 4);
}

#[tokio::test]
async fn key_list_creates_no_folder() {
    let root = TempDir::new().unwrap();
    let missing = root.path().join("missing");
    for data in [missing.as_path(), root.path()] {
        let ran = keyrack(["key", "list", "--workspace", SLUG, "--data"]).arg(data).run().await;
        ran.assert_failed(1, "No Keyrack data found in");
    }
    assert!(!missing.exists());
    assert_eq!(std::fs::read_dir(root.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn key_is_paused_and_resumed_and_its_old_secret_is_retired() {
    let folder = Folder::set_up().await;
    let created = folder.json(&["create", "--name", "gate", "--scope", "inference"]).await;
    let id = &text(&created["id"]);
    let paused = folder.json(&["pause", id]).await;
    assert_eq!((&paused["status"], &paused["paused"]["until"]), (&"paused".into(), &Value::Null));
    assert_eq!(paused["propagation"]["unconfirmed"], serde_json::json!([]));
    let shown = folder.keys(&["show", id]).run().await.assert_succeeded().stdout;
    assert!(shown.contains("by operator, until resumed"), "{shown}");
    let expected = folder.keys(&["pause", id, "--for", "10m"]).run().await.assert_succeeded();
    assert_eq!(expected.stdout, "");
    let begins = format!("Paused gate ({id}) until 2");
    assert!(expected.stderr.starts_with(&begins), "{expected:?}");
    let ids = async |status: &str| {
        let page = folder.json(&["list", "--status", status]).await;
        page["items"].as_array().unwrap().iter().map(|key| text(&key["id"])).collect::<Vec<_>>()
    };
    assert_eq!((ids("paused").await, ids("active").await), (vec![id.clone()], vec![]));
    let expected = folder.keys(&["resume", id]).run().await.assert_succeeded();
    assert_eq!(expected.stderr, format!("Resumed gate ({id}).\n"));
    assert_eq!(folder.json(&["resume", id]).await["status"], "active");
    folder.json(&["rotate", id, "--grace-period", "24h"]).await;
    let expected = folder.keys(&["retire", id]).run().await.assert_succeeded();
    assert!(expected.stderr.contains("Revoked the old secret of"), "{expected:?}");
    let retired = folder.json(&["retire", id]).await;
    let ended: jiff::Timestamp = text(&retired["secrets"][1]["retiresAt"]).parse().unwrap();
    assert!(ended <= jiff::Timestamp::now(), "{retired}");
    for wrong in [
        &["pause", id, "--for", "soon"][..],
        &["pause", id, "--for", "10"],
        &["pause", "nonsense"],
        &["resume"],
    ] {
        assert_eq!(folder.keys(wrong).run().await.code, Some(2), "{wrong:?}");
    }
    folder.keys(&["pause", id, "--for", "31d"]).run().await.assert_failed(1, "duration: Enter 1s to 30d");
    folder.keys(&["delete", id]).run().await.assert_succeeded();
    for what in ["pause", "resume", "retire"] {
        folder.keys(&[what, id]).run().await.assert_failed(1, "deleted");
    }
}
