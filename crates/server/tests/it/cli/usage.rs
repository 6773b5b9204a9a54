//! Invalid use of the command line, and its exit code.

use tempfile::TempDir;

use crate::harness::{EMAIL, SLUG, keyrack};

#[tokio::test]
async fn invalid_use_exits_with_2() {
    let id = &format!("key_{}", "0".repeat(32));
    for (args, expected) in [
        (&["nonsense"][..], "nonsense"),
        (&["--listen", "nowhere"], "--listen"),
        (&["--brand", "K"], "brand"),
        (&["key"], "Usage"),
        (&["key", "create", "--name", "a", "--workspace", SLUG], "--scope"),
        (
            &["key", "create", "--name", "a", "--scope", "all", "--workspace", SLUG],
            "Use project, inference, keys, or node",
        ),
        (&["key", "create", "--name", "a", "--scope", "keys", "--expires", "soon"], "90d"),
        (&["key", "list"], "--workspace"),
        (&["key", "list", "--data", "a", "--server", "http://127.0.0.1:1"], "--server"),
        (&["key", "list", "--server", "127.0.0.1:1"], "Use a URL such as"),
        (&["key", "list", "--server", "http://127.0.0.1:1"], "KEYRACK_KEY"),
        (&["key", "list", "--status", "dead"], "active"),
        (&["key", "show", "nonsense"], "key_"),
        (&["key", "edit", id], "--name"),
        (&["key", "rotate", id, "--workspace", SLUG], "--grace-period"),
        (&["key", "rotate", id, "--grace-period", "long"], "24h"),
        (&["setup", "--email", EMAIL, "--workspace", "W"], "--password-stdin"),
        (&["setup", "--email", EMAIL, "--workspace", "W", "--password", "p"], "--password"),
    ] {
        keyrack(args).run().await.assert_failed(2, expected);
    }
}

#[tokio::test]
async fn data_folder_comes_from_the_environment_or_a_flag() {
    let root = TempDir::new().unwrap();
    let folder = root.path().join("by-environment");
    let list = || keyrack(["key", "list", "--workspace", SLUG]).env("KEYRACK_DATA", folder.to_str().unwrap());
    list().run().await.assert_failed(1, "by-environment");
    list().args(["--data", "by-flag"]).run().await.assert_failed(1, "by-flag");
    list()
        .args(["--server", "http://127.0.0.1:1"])
        .env("KEYRACK_KEY", "k")
        .run()
        .await
        .assert_failed(1, "No response from");
}

#[tokio::test]
async fn help_succeeds_and_does_not_print_the_key() {
    for args in [
        &["--help"][..],
        &["serve", "--help"],
        &["key", "create", "--help"],
        &["setup", "--help"],
        &["--version"],
    ] {
        let ran = keyrack(args).env("KEYRACK_KEY", "kr_sk_secret").run().await.assert_succeeded();
        assert!(ran.stdout.contains("keyrack") && !ran.stdout.contains("kr_sk_secret"), "{ran:?}");
    }
}
