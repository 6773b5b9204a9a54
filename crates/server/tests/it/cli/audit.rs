//! `keyrack audit`: exports from a folder and from a server, and their verification.

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{KeyrackCommand, SLUG, Server, keyrack, setup, text};

fn export(root: &TempDir, args: &[&str]) -> KeyrackCommand {
    keyrack(["audit", "export"]).args(args).arg("--data").arg(root.path()).args(["--workspace", SLUG])
}

fn verify(file: &str, args: &[&str]) -> KeyrackCommand {
    keyrack(["audit", "verify", "-"]).args(args).stdin(file)
}

#[tokio::test]
async fn audit_export_of_a_folder_verifies_and_altered_entry_is_named() {
    let root = TempDir::new().unwrap();
    setup(root.path()).run().await.assert_succeeded();
    let key =
        keyrack(["key", "create", "--name", "gate", "--scope", "inference", "--json", "--workspace", SLUG])
            .arg("--data")
            .arg(root.path());
    let key = key.run().await.json();
    for format in ["jsonl", "csv"] {
        let file = export(&root, &["--format", format]).run().await.assert_succeeded().stdout;
        assert!(!file.contains(&text(&key["secret"])[6..38]));
        let output = verify(&file, &[]).run().await.assert_succeeded();
        assert!(output.stdout.starts_with("OK: 3 entries verified\nHash of entry 3: "), "{output:?}");
        let found = verify(&file, &["--json"]).run().await.json();
        assert_eq!(
            (&found["verified"], &found["entries"], &found["whole"]),
            (&json!(true), &json!(3), &json!(true))
        );

        let altered = file.replace("gate", "date");
        let ran = verify(&altered, &[]).run().await.assert_failed(1, "entry 3 (line ");
        assert!(ran.stderr.contains("\n  computed: ") && ran.stderr.contains("\n  found:    "), "{ran:?}");
        let ran = verify(&altered, &["--json"]).run().await;
        let found: Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!((ran.code, &found["verified"], &found["seq"]), (Some(1), &json!(false), &json!(3)));
        assert_ne!(found["expected"], found["found"]);

        let cut = &file[..=file.trim_end().rfind('\n').unwrap()];
        verify(cut, &[]).run().await.assert_failed(1, "cut off after entry 3");
    }
    let part = export(&root, &["--target", &text(&key["id"])]).run().await.assert_succeeded().stdout;
    let output = verify(&part, &[]).run().await.assert_succeeded().stdout;
    assert!(output.starts_with("OK: 1 entry verified, from entry 3 to 3. "), "{output}");
    let none = export(&root, &["--action", "key_deleted"]).run().await.assert_succeeded().stdout;
    assert!(verify(&none, &[]).run().await.assert_succeeded().stdout.starts_with("No entries"));
}

#[tokio::test]
async fn audit_export_over_the_network_equals_the_local_export() {
    let server = Server::set_up().await;
    let manager = &server.create_secret(&["keys"]).await;
    let root = TempDir::new().unwrap();
    let path = root.path().join("history.jsonl");
    let export = || {
        keyrack(["audit", "export", "--server", &server.url, "--output"])
            .arg(&path)
            .env("KEYRACK_KEY", manager)
    };
    export().run().await.assert_succeeded();
    let file = std::fs::read_to_string(&path).unwrap();
    assert_eq!(file, server.get("/api/v1/activity/export", manager).await.text);
    keyrack(["audit", "verify"]).arg(&path).run().await.assert_succeeded();
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&path).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    export().run().await.assert_failed(1, "can't be created");
    let narrow = server.create_secret(&["inference"]).await;
    let denied = keyrack(["audit", "export", "--server", &server.url]).env("KEYRACK_KEY", &narrow);
    denied.run().await.assert_failed(1, "keys:manage");
}

#[tokio::test]
async fn audit_verify_distinguishes_invalid_and_unreadable_files() {
    let root = TempDir::new().unwrap();
    verify("", &[]).run().await.assert_failed(1, "The file contains no export.");
    verify("hello\n", &[]).run().await.assert_failed(1, "line 1: The line isn't the head of an export.");
    verify("{\"a\": 1}\n", &[]).run().await.assert_failed(
        1,
        "line 1: The line doesn't have the form of an \
         export.",
    );
    keyrack(["audit", "verify"])
        .arg(root.path().join("missing"))
        .run()
        .await
        .assert_failed(2, "can't be read");
    keyrack(["audit", "verify"]).arg(root.path()).run().await.assert_failed(2, "can't be read");
    keyrack(["audit", "verify"]).run().await.assert_failed(2, "Usage");
    keyrack(["audit", "export"]).run().await.assert_failed(2, "--workspace");
    keyrack(["audit", "export", "--workspace", SLUG, "--format", "xml"])
        .run()
        .await
        .assert_failed(2, "jsonl or csv");
    keyrack(["audit", "export", "--workspace", SLUG, "--json"]).run().await.assert_failed(2, "--format");
    keyrack(["audit", "export", "--workspace", SLUG, "--action", "x"])
        .run()
        .await
        .assert_failed(2, "key_created");
}
