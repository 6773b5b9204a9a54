//! Restrictions in the key forms.

use serde_json::{Value, json};

use crate::api::Api;
use crate::harness::{Answer, text};
use crate::web_client::WebClient;

/// Submits the form for a new key.
async fn generate(web: &WebClient<'_>, fields: &[(&str, &str)]) -> Answer {
    let path = web.keys("/new");
    let nonce = web.nonce(&path).await;
    let usual =
        [("nonce", nonce.as_str()), ("name", "of a form"), ("scope", "inference"), ("expiry", "never")];
    web.submit(&path, &[&usual[..], fields].concat()).await
}

/// The newest key, as the API returns it.
async fn newest(api: &Api) -> Value {
    api.get("/api/v1/keys?limit=1").await.ok().json()["items"][0].clone()
}

#[tokio::test]
async fn key_form_for_public_page_creates_publishable_key() {
    let api = Api::start().await;
    let web = WebClient::sign_in(&api.server).await;
    let created = generate(
        &web,
        &[
            ("used", "public"),
            ("public_origins", "https://shop.example\r\nhttps://*.example.org\r\n"),
            ("public_requests", "10"),
            ("public_every", "5"),
            ("public_unit", "second"),
            ("public_max_image", "0.5"),
            // The page hides these fields for a publishable key, so the server ignores them.
            ("keys", "on"),
            ("origins", "https://hidden.example"),
            ("max_image", "9"),
            ("visitor_requests", "7"),
            ("trainings_day", "3"),
            ("predictions_day", "400"),
        ],
    )
    .await;
    assert_eq!(created.status, 200, "{created:?}");
    assert!(created.text.contains("kr_pk_") && created.text.contains("Your publishable key"));
    let key = newest(&api).await;
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
async fn key_form_with_name_and_scope_creates_unrestricted_key() {
    let api = Api::start().await;
    let web = WebClient::sign_in(&api.server).await;
    for fields in [&[][..], &[("used", "servers")], &[("public_origins", "nonsense")]] {
        let created = generate(&web, fields).await;
        assert!(created.status == 200 && created.text.contains("kr_sk_"), "{created:?}");
        let key = newest(&api).await;
        assert_eq!((&key["class"], &key["restrictions"]), (&json!("secret"), &json!({})));
    }
}

#[tokio::test]
async fn key_form_with_invalid_field_keeps_input() {
    let api = Api::start().await;
    let web = WebClient::sign_in(&api.server).await;
    let before = api.get("/api/v1/keys").await.ok().json()["items"].as_array().unwrap().len();
    for (field, typed, expected) in [
        (
            "networks",
            "10.4.0.0/16\n10.4.0.17/16",
            "Line 2, “10.4.0.17/16”: This address is inside 10.4.0.0/16",
        ),
        ("origins", "https://a.example\n\nshop", "Line 3, “shop”: Enter an origin such as"),
        ("max_image", "two", "Enter a size in megabytes"),
        ("max_image", "11", "10 MB"),
        ("only_projects", "these", "Select at least one project, or choose all projects."),
        ("only_models", "these", "Select at least one model, or choose all models."),
    ] {
        let again = generate(&web, &[(field, typed), ("predictions_day", "5")]).await;
        assert_eq!(again.status, 422, "{field}: {again:?}");
        assert!(again.text.contains(expected), "{field}: {expected}: {}", again.text);
        let group = match field {
            "networks" | "origins" => "network",
            "only_projects" | "only_models" => "access",
            _ => "limits",
        };
        assert!(again.text.contains("value=\"of a form\""));
        assert!(again.text.contains(&format!("id=\"group-{group}\" open>")), "{field}: {}", again.text);
        if !field.starts_with("only") {
            assert!(again.text.contains(typed), "{field}");
        }
    }
    // The fields of a publishable key show the same errors.
    let wrong =
        [("used", "public"), ("public_origins", "shop"), ("public_max_image", "0"), ("public_requests", "x")];
    let again = generate(&web, &wrong).await;
    assert_eq!(again.status, 422);
    for id in ["f-public_origins-error", "f-public_max_image-error", "f-public_requests-error"] {
        assert!(again.text.contains(&format!("id=\"{id}\"")), "{id}: {}", again.text);
    }
    for id in ["f-origins-error", "f-max_image-error", "f-visitor_requests-error"] {
        assert!(!again.text.contains(&format!("id=\"{id}\"")), "{id} is in the collapsed section");
    }
    let after = api.get("/api/v1/keys").await.ok().json()["items"].as_array().unwrap().len();
    assert_eq!(before, after);
}

#[tokio::test]
async fn edit_form_keeps_restriction_to_deleted_project() {
    let api = Api::start().await;
    let web = WebClient::sign_in(&api.server).await;
    let (own, other) = (api.project("caps").await, api.project("cells").await);
    let key = api.create_key_with(&["project"]).await;
    let path = web.keys(&format!("/{}/edit", key.id));
    let save = async |fields: &[(&str, &str)]| {
        let revision = api.read(&key).await["revision"].to_string();
        let usual =
            [("revision", revision.as_str()), ("name", "n"), ("scope", "project"), ("expiry", "never")];
        web.submit(&path, &[&usual[..], fields].concat()).await
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
    assert_eq!(api.read(&key).await["restrictions"], expected);
    let page = web.page(&web.keys(&format!("/{}", key.id))).await.text;
    for message in ["Projects", "caps", "203.0.113.7/32", "Maximum image size", "1.5 MB"] {
        assert!(page.contains(message), "{message}: {page}");
    }
    let list = web.page(&web.keys("")).await.text;
    for limit in ["Only 1 project", "Only 1 network", "Images up to 1.5 MB"] {
        assert!(list.contains(limit), "{limit}: {list}");
    }

    api.delete(&format!("/api/v1/projects/{own}")).await.ok();
    let form = web.page(&path).await.text;
    assert!(form.contains(&format!("{own} (deleted)")), "{form}");
    assert!(form.contains("value=\"1.5\"") && form.contains("203.0.113.7/32</textarea>"), "{form}");
    let renamed = save(&[]).await;
    assert_eq!(renamed.status, 303, "{renamed:?}");
    assert_eq!(api.read(&key).await["restrictions"], expected, "absent fields stay unchanged");
    let fields = [("only_projects", "these"), (own.as_str(), "on"), ("networks", ""), ("max_image", " ")];
    assert_eq!(save(&fields).await.status, 303);
    assert_eq!(api.read(&key).await["restrictions"], json!({ "projects": [own] }));
    // A form without a selected project must not allow all projects.
    assert_eq!(save(&[("only_projects", "these")]).await.status, 422);
    assert_eq!(save(&[("only_projects", "these"), (other.as_str(), "on")]).await.status, 303);
    let stranger = "prj_0198c2f4a1b27c3d8e4f5a6b7c8d9e0f";
    let denied = save(&[("only_projects", "these"), (stranger, "on")]).await;
    assert!(denied.status == 422 && denied.text.contains("id=\"f-projects-error\""), "{denied:?}");
    assert_eq!(api.read(&key).await["restrictions"], json!({ "projects": [other] }));
    assert_eq!(save(&[("only_projects", "any"), (other.as_str(), "on")]).await.status, 303);
    assert_eq!(api.read(&key).await["restrictions"], json!({}));
}

#[tokio::test]
async fn edit_form_keeps_limits_it_does_not_show() {
    let api = Api::start().await;
    let web = WebClient::sign_in(&api.server).await;
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
    let key = api.create_key(draft).await;
    let save = async |fields: &[(&str, &str)]| {
        let revision = api.read(&key).await["revision"].to_string();
        let usual =
            [("revision", revision.as_str()), ("name", "n"), ("scope", "inference"), ("expiry", "never")];
        let saved = web.submit(&web.keys(&format!("/{}/edit", key.id)), &[&usual[..], fields].concat()).await;
        assert_eq!(saved.status, 303, "{saved:?}");
        api.read(&key).await["restrictions"].clone()
    };
    assert_eq!(save(&[]).await, limits);
    let after = save(&[("rate_requests", ""), ("predictions_day", "9"), ("visitor_requests", "10")]).await;
    assert_eq!((&after["rate"], &after["visitorRate"]), (&Value::Null, &limits["visitorRate"]));
    assert_eq!((&after["quotas"][0]["limit"], &after["quotas"][1]), (&json!(9), &limits["quotas"][1]));
}

#[tokio::test]
async fn edit_form_keeps_empty_restrictions() {
    let api = Api::start().await;
    let web = WebClient::sign_in(&api.server).await;
    let nothing = json!({ "projects": [], "networks": [], "origins": [] });
    let key = api.create_key(json!({ "name": "n", "scopes": ["project"], "restrictions": nothing })).await;
    let path = web.keys(&format!("/{}/edit", key.id));
    let form = web.page(&path).await.text;
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
    assert_eq!(web.submit(&path, &fields).await.status, 303);
    let after = api.read(&key).await;
    assert_eq!((text(&after["name"]).as_str(), &after["restrictions"]), ("renamed", &nothing));
}
