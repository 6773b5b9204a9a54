//! The flags for restrictions of a key.

use serde_json::{Value, json};

use crate::desk::Desk;
use crate::harness::{Keyrack, SLUG, keyrack, text};

fn keys(desk: &Desk, args: &[&str]) -> Keyrack {
    keyrack(["key"]).args(args).arg("--data").arg(desk.server.data()).args(["--workspace", SLUG])
}

async fn json_of(desk: &Desk, args: &[&str]) -> Value {
    keys(desk, args).arg("--json").run().await.json()
}

#[tokio::test]
async fn restrictions_are_set_shown_and_removed() {
    let desk = Desk::open().await;
    let (own, other) = (desk.project("caps").await, desk.project("cells").await);
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
    let made = json_of(&desk, &create).await;
    let id = &text(&made["id"]);
    let rate = json!({ "requests": 5, "seconds": 3600 });
    assert_eq!(
        made["restrictions"],
        json!({
            "projects": [own], "networks": ["10.4.0.0/16", "203.0.113.7/32"], "origins": ["https://a.example"],
            "maxImageBytes": 500_000, "rate": rate,
        })
    );
    let shown = keys(&desk, &["show", id]).run().await.succeeded().stdout;
    for says in ["only projects", &own, "10.4.0.0/16, 203.0.113.7/32", "https://a.example", "500000 bytes"] {
        assert!(shown.contains(says), "{says}: {shown}");
    }
    let edited =
        json_of(&desk, &["edit", id, "--project", &own, "--project", &other, "--network", "any"]).await;
    assert_eq!(
        edited["restrictions"],
        json!({ "projects": [own, other], "origins": ["https://a.example"], "maxImageBytes": 500_000, "rate": rate })
    );
    let lifted =
        ["edit", id, "--project", "any", "--origin", "any", "--max-image-size", "none", "--model", "any"];
    assert_eq!(json_of(&desk, &lifted).await["restrictions"], json!({ "rate": rate }));
}

#[tokio::test]
async fn invalid_restriction_is_rejected() {
    let desk = Desk::open().await;
    let key = desk.key(&["project"]).await;
    let nowhere = "mdl_0198c2f4a1b27c3d8e4f5a6b7c8d9e0f";
    for (wrong, code, says) in [
        (&["--network", "10.4.0.17/16"][..], 2, "10.4.0.0/16"),
        (&["--network", "anywhere"], 2, "203.0.113.7"),
        (&["--network", "any", "--network", "10.0.0.0/8"], 2, "stands alone"),
        (&["--origin", "a.example"], 2, "https://app.example.org"),
        (&["--project", "prj_x"], 2, "prj_"),
        (&["--max-image-size", "2"], 2, "2MB"),
        (&["--model", nowhere], 1, nowhere),
        (&["--max-image-size", "11MB"], 1, "10 MB"),
    ] {
        keys(&desk, &[&["edit", &key.id][..], wrong].concat()).run().await.failed(code, says);
    }
    assert_eq!(desk.read(&key).await["restrictions"], json!({}));
}
