//! The flags for restrictions of a key.

use serde_json::{Value, json};

use crate::api::Api;
use crate::harness::{KeyrackCommand, SLUG, keyrack, text};

fn keys(api: &Api, args: &[&str]) -> KeyrackCommand {
    keyrack(["key"]).args(args).arg("--data").arg(api.server.data()).args(["--workspace", SLUG])
}

async fn json_of(api: &Api, args: &[&str]) -> Value {
    keys(api, args).arg("--json").run().await.json()
}

#[tokio::test]
async fn restrictions_are_set_shown_and_removed() {
    let api = Api::start().await;
    let (own, other) = (api.project("caps").await, api.project("cells").await);
    let create = [
        "create",
        "--name",
        "a",
        "--scope",
        "project",
        "--project",
        &own,
        "--network",
        "203.0.113.7",
        "--network",
        "10.4.0.0/16",
        "--origin",
        "https://a.example",
        "--max-image-size",
        "500kB",
        "--rate-limit",
        "5/1h",
    ];
    let created = json_of(&api, &create).await;
    let id = &text(&created["id"]);
    let rate = json!({ "requests": 5, "seconds": 3600 });
    assert_eq!(
        created["restrictions"],
        json!({
            "projects": [own], "networks": ["10.4.0.0/16", "203.0.113.7/32"], "origins": ["https://a.example"],
            "maxImageBytes": 500_000, "rate": rate,
        })
    );
    let shown = keys(&api, &["show", id]).run().await.assert_succeeded().stdout;
    for expected in ["projects", &own, "10.4.0.0/16, 203.0.113.7/32", "https://a.example", "500000 bytes"] {
        assert!(shown.contains(expected), "{expected}: {shown}");
    }
    let edited =
        json_of(&api, &["edit", id, "--project", &own, "--project", &other, "--network", "any"]).await;
    assert_eq!(
        edited["restrictions"],
        json!({ "projects": [own, other], "origins": ["https://a.example"], "maxImageBytes": 500_000, "rate": rate })
    );
    let lifted =
        ["edit", id, "--project", "any", "--origin", "any", "--max-image-size", "none", "--model", "any"];
    assert_eq!(json_of(&api, &lifted).await["restrictions"], json!({ "rate": rate }));
}

#[tokio::test]
async fn invalid_restriction_is_rejected() {
    let api = Api::start().await;
    let key = api.create_key_with(&["project"]).await;
    let nowhere = "mdl_0198c2f4a1b27c3d8e4f5a6b7c8d9e0f";
    for (wrong, code, expected) in [
        (&["--network", "10.4.0.17/16"][..], 2, "10.4.0.0/16"),
        (&["--network", "anywhere"], 2, "203.0.113.7"),
        (&["--network", "any", "--network", "10.0.0.0/8"], 2, "Don't combine --network any"),
        (&["--origin", "a.example"], 2, "https://app.example.org"),
        (&["--project", "prj_x"], 2, "prj_"),
        (&["--max-image-size", "2"], 2, "2MB"),
        (&["--model", nowhere], 1, nowhere),
        (&["--max-image-size", "11MB"], 1, "10 MB"),
    ] {
        keys(&api, &[&["edit", &key.id][..], wrong].concat()).run().await.assert_failed(code, expected);
    }
    assert_eq!(api.read(&key).await["restrictions"], json!({}));
}
