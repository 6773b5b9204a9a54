//! What narrows a key, filled into the forms of its pages.

use serde_json::{Value, json};

use crate::desk::Desk;
use crate::harness::{Answer, text};
use crate::visitor::Visitor;

/// Add New Key, filled in.
async fn generate(visitor: &Visitor<'_>, fields: &[(&str, &str)]) -> Answer {
    let path = visitor.keys("/new");
    let nonce = visitor.nonce(&path).await;
    let usual =
        [("nonce", nonce.as_str()), ("name", "of a form"), ("scope", "inference"), ("expiry", "never")];
    visitor.submit(&path, &[&usual[..], fields].concat()).await
}

/// The newest key, as the API tells of it.
async fn newest(desk: &Desk) -> Value {
    desk.get("/api/v1/keys?limit=1").await.ok().json()["items"][0].clone()
}

#[tokio::test]
async fn a_key_for_public_pages_is_publishable_and_has_what_stands_beside_it() {
    let desk = Desk::open().await;
    let visitor = Visitor::sign_in(&desk.server).await;
    let made = generate(
        &visitor,
        &[
            ("used", "public"),
            ("public_origins", "https://shop.example\r\nhttps://*.example.org\r\n"),
            ("public_requests", "10"),
            ("public_every", "5"),
            ("public_unit", "second"),
            ("public_max_image", "0.5"),
            // What the page hides from then on is not meant.
            ("keys", "on"),
            ("origins", "https://hidden.example"),
            ("max_image", "9"),
            ("visitor_requests", "7"),
            ("trainings_day", "3"),
            ("predictions_day", "400"),
        ],
    )
    .await;
    assert_eq!(made.status, 200, "{made:?}");
    assert!(made.text.contains("kr_pk_") && made.text.contains("Your publishable key"));
    let key = newest(&desk).await;
    assert_eq!((&key["class"], &key["scopes"]), (&json!("publishable"), &json!(["inference"])));
    assert_eq!(
        key["restrictions"],
        json!({
            "origins": ["https://*.example.org", "https://shop.example"],
            "visitorRate": { "requests": 10, "seconds": 5 },
            "maxImageBytes": 500_000,
            "quotas": [{ "of": "predictions", "limit": 400, "per": "day" }],
        })
    );
}

#[tokio::test]
async fn name_and_scope_alone_still_make_a_secret_key_without_restrictions() {
    let desk = Desk::open().await;
    let visitor = Visitor::sign_in(&desk.server).await;
    for fields in [&[][..], &[("used", "servers")], &[("public_origins", "nonsense")]] {
        let made = generate(&visitor, fields).await;
        assert!(made.status == 200 && made.text.contains("kr_sk_"), "{made:?}");
        let key = newest(&desk).await;
        assert_eq!((&key["class"], &key["restrictions"]), (&json!("secret"), &json!({})));
    }
}

#[tokio::test]
async fn what_is_wrong_stands_beside_its_field_and_nothing_typed_is_lost() {
    let desk = Desk::open().await;
    let visitor = Visitor::sign_in(&desk.server).await;
    let before = desk.get("/api/v1/keys").await.ok().json()["items"].as_array().unwrap().len();
    for (field, typed, says) in [
        (
            "networks",
            "10.4.0.0/16\n10.4.0.17/16",
            "Line 2, “10.4.0.17/16”: this address lies inside 10.4.0.0/16",
        ),
        ("origins", "https://a.example\n\nshop", "Line 3, “shop”: Enter an origin such as"),
        ("max_image", "two", "Expected a number of megabytes"),
        ("max_image", "11", "10 MB"),
        ("only_projects", "these", "Tick at least one project, or choose all projects."),
        ("only_models", "these", "Tick at least one model, or choose all models."),
    ] {
        let again = generate(&visitor, &[(field, typed), ("predictions_day", "5")]).await;
        assert_eq!(again.status, 422, "{field}: {again:?}");
        assert!(again.text.contains(says), "{field}: {says}: {}", again.text);
        assert!(
            again.text.contains("value=\"of a form\"")
                && again.text.contains("<details class=\"fold\" open>")
        );
        if !field.starts_with("only") {
            assert!(again.text.contains(typed), "{field}");
        }
    }
    // A publishable key has the same beside it.
    let wrong =
        [("used", "public"), ("public_origins", "shop"), ("public_max_image", "0"), ("public_requests", "x")];
    let again = generate(&visitor, &wrong).await;
    assert_eq!(again.status, 422);
    for id in ["f-public_origins-error", "f-public_max_image-error", "f-public_requests-error"] {
        assert!(again.text.contains(&format!("id=\"{id}\"")), "{id}: {}", again.text);
    }
    for id in ["f-origins-error", "f-max_image-error", "f-visitor_requests-error"] {
        assert!(!again.text.contains(&format!("id=\"{id}\"")), "{id} stands in the fold");
    }
    let after = desk.get("/api/v1/keys").await.ok().json()["items"].as_array().unwrap().len();
    assert_eq!(before, after);
}

#[tokio::test]
async fn a_key_is_narrowed_and_a_deleted_project_is_not_forgotten() {
    let desk = Desk::open().await;
    let visitor = Visitor::sign_in(&desk.server).await;
    let (own, other) = (desk.project("caps").await, desk.project("cells").await);
    let key = desk.key(&["project"]).await;
    let path = visitor.keys(&format!("/{}/edit", key.id));
    let save = async |fields: &[(&str, &str)]| {
        let revision = desk.read(&key).await["revision"].to_string();
        let usual =
            [("revision", revision.as_str()), ("name", "n"), ("scope", "project"), ("expiry", "never")];
        visitor.submit(&path, &[&usual[..], fields].concat()).await
    };
    let narrow = [
        ("only_projects", "these"),
        (own.as_str(), "on"),
        ("prj_nonsense", "on"),
        ("networks", "203.0.113.7"),
        ("max_image", "1.5"),
    ];
    let saved = save(&narrow).await;
    assert_eq!(saved.status, 303, "{saved:?}");
    let expected = json!({ "projects": [own], "networks": ["203.0.113.7/32"], "maxImageBytes": 1_500_000 });
    assert_eq!(desk.read(&key).await["restrictions"], expected);
    let page = visitor.page(&visitor.keys(&format!("/{}", key.id))).await.text;
    for says in ["Only these projects", "caps", "203.0.113.7/32", "Images of at most", "1.5 MB"] {
        assert!(page.contains(says), "{says}: {page}");
    }
    let list = visitor.page(&visitor.keys("")).await.text;
    assert!(list.contains("1 project only · 1 network only · images up to 1.5 MB"), "{list}");

    desk.delete(&format!("/api/v1/projects/{own}")).await.ok();
    let form = visitor.page(&path).await.text;
    assert!(form.contains(&format!("{own} (deleted)")), "{form}");
    assert!(form.contains("value=\"1.5\"") && form.contains("203.0.113.7/32</textarea>"), "{form}");
    let renamed = save(&[]).await;
    assert_eq!(renamed.status, 303, "{renamed:?}");
    assert_eq!(desk.read(&key).await["restrictions"], expected, "what is not sent stays");
    let fields = [("only_projects", "these"), (own.as_str(), "on"), ("networks", ""), ("max_image", " ")];
    assert_eq!(save(&fields).await.status, 303);
    assert_eq!(desk.read(&key).await["restrictions"], json!({ "projects": [own] }));
    // Nothing ticked is no way to open everything.
    assert_eq!(save(&[("only_projects", "these")]).await.status, 422);
    assert_eq!(save(&[("only_projects", "these"), (other.as_str(), "on")]).await.status, 303);
    let stranger = "prj_0198c2f4a1b27c3d8e4f5a6b7c8d9e0f";
    let refused = save(&[("only_projects", "these"), (stranger, "on")]).await;
    assert!(refused.status == 422 && refused.text.contains("id=\"f-projects-error\""), "{refused:?}");
    assert_eq!(desk.read(&key).await["restrictions"], json!({ "projects": [other] }));
    assert_eq!(save(&[("only_projects", "any"), (other.as_str(), "on")]).await.status, 303);
    assert_eq!(desk.read(&key).await["restrictions"], json!({}));
}

#[tokio::test]
async fn limits_that_a_form_does_not_show_stay_when_it_is_saved() {
    let desk = Desk::open().await;
    let visitor = Visitor::sign_in(&desk.server).await;
    let limits = json!({
        "origins": ["https://shop.example"],
        "rate": { "requests": 100, "seconds": 60 },
        "visitorRate": { "requests": 10, "seconds": 60 },
        "quotas": [
            { "of": "predictions", "limit": 7, "per": "day" },
            { "of": "images", "limit": 3, "per": "month" },
        ],
    });
    let draft =
        json!({ "name": "n", "class": "publishable", "scopes": ["inference"], "restrictions": limits });
    let key = desk.make(draft).await;
    let save = async |fields: &[(&str, &str)]| {
        let revision = desk.read(&key).await["revision"].to_string();
        let usual =
            [("revision", revision.as_str()), ("name", "n"), ("scope", "inference"), ("expiry", "never")];
        let saved =
            visitor.submit(&visitor.keys(&format!("/{}/edit", key.id)), &[&usual[..], fields].concat()).await;
        assert_eq!(saved.status, 303, "{saved:?}");
        desk.read(&key).await["restrictions"].clone()
    };
    assert_eq!(save(&[]).await, limits);
    let after = save(&[("rate_requests", ""), ("predictions_day", "9"), ("visitor_requests", "10")]).await;
    assert_eq!((&after["rate"], &after["visitorRate"]), (&Value::Null, &limits["visitorRate"]));
    assert_eq!((&after["quotas"][0]["limit"], &after["quotas"][1]), (&json!(9), &limits["quotas"][1]));
}

#[tokio::test]
async fn a_key_that_opens_nothing_stays_so_when_its_form_is_saved() {
    let desk = Desk::open().await;
    let visitor = Visitor::sign_in(&desk.server).await;
    let nothing = json!({ "projects": [], "networks": [], "origins": [] });
    let key = desk.make(json!({ "name": "n", "scopes": ["project"], "restrictions": nothing })).await;
    let path = visitor.keys(&format!("/{}/edit", key.id));
    let form = visitor.page(&path).await.text;
    assert!(form.contains("\nnone</textarea>") && form.contains("to block all"), "{form}");
    let revision = key.body["revision"].to_string();
    let fields = [
        ("revision", revision.as_str()),
        ("name", "renamed"),
        ("scope", "project"),
        ("expiry", "never"),
        ("only_projects", "these"),
        ("networks", "none"),
        ("origins", "none"),
    ];
    assert_eq!(visitor.submit(&path, &fields).await.status, 303);
    let after = desk.read(&key).await;
    assert_eq!((text(&after["name"]).as_str(), &after["restrictions"]), ("renamed", &nothing));
}
