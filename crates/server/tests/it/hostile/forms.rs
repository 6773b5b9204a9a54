//! The forms of all pages, submitted without a browser.

use keyrack_store::Role;
use reqwest::{Method, RequestBuilder};

use super::texts::{TextRule, VALID_NAMES};
use crate::fixtures::AccessFixture;
use crate::harness::{Answer, send};

const FORM: &str = "application/x-www-form-urlencoded";

/// Fields that accept free text. All other fields must reject or ignore values that the page doesn't offer.
const TEXTS: [(&str, TextRule); 4] = [
    ("name", TextRule::Name),
    ("description", TextRule::Prose(500)),
    ("note", TextRule::Prose(500)),
    ("reason", TextRule::Prose(200)),
];

/// A form of a page with the values of its fields.
struct FilledForm {
    path: String,
    fields: Vec<(String, String)>,
}

#[tokio::test]
async fn malformed_form_is_rejected() {
    let mut fixture = AccessFixture::start().await;
    let before = fixture.stored_data().await;
    for form in forms(&fixture).await {
        let Some((name, _)) = form.fields.first() else { continue };
        for (kind, body, expected) in [
            ("", String::new(), &[415][..]),
            ("text/plain", "name=x".into(), &[415]),
            ("application/json", "{}".into(), &[415]),
            ("multipart/form-data; boundary=x", "--x--".into(), &[415]),
            (FORM, format!("{name}=a&{name}=b"), &[422]),
            (FORM, format!("{name}={}", "a".repeat(70_000)), &[413]),
            (FORM, "a".repeat(1_000_000), &[413]),
        ] {
            let answer = send(form.request(&fixture).header("content-type", kind).body(body)).await;
            form.assert_rejected(&answer, expected);
        }
    }
    let after = fixture.stored_data().await;
    assert_eq!(after.audit, before.audit);
}

#[tokio::test]
async fn form_field_with_unoffered_value_changes_nothing() {
    let mut fixture = AccessFixture::start().await;
    let before = fixture.stored_data().await;
    let mut accepted = Vec::new();
    for form in forms(&fixture).await {
        for (name, _) in &form.fields {
            let rule = TEXTS.iter().find(|(one, _)| one == name).map_or(TextRule::Words, |(_, rule)| *rule);
            for (what, text) in rule.invalid_texts() {
                let answer = form.send(&fixture, name, &text).await;
                assert!(!answer.status.is_server_error(), "{} {name} with {what}: {answer:?}", form.path);
                if answer.status.is_client_error() || rule != TextRule::Words {
                    form.assert_rejected(&answer, &[401, 404, 409, 422, 429]);
                } else if answer.status == 303 || answer.text.contains("kr_sk_") {
                    accepted.push(format!("{} {name} with {what}", form.path));
                }
            }
            for raw in ["%", "%zz", "%ff%fe", "%00", "%c0%af", "%ed%a0%80", "%u0041"] {
                let answer = form.send_raw(&fixture, name, raw).await;
                assert!(!answer.status.is_server_error(), "{} {name}={raw}: {answer:?}", form.path);
                if answer.status == 303 || answer.text.contains("kr_sk_") {
                    accepted.push(format!("{} {name}={raw}", form.path));
                }
            }
        }
    }
    let after = fixture.stored_data().await;
    assert!(after.audit.len() - before.audit.len() <= accepted.len(), "{accepted:#?} {:#?}", after.audit);
}

#[tokio::test]
async fn form_with_invalid_expiry_is_rejected() {
    let mut fixture = AccessFixture::start().await;
    let before = fixture.stored_data().await;
    let forms = forms(&fixture).await;
    for form in forms.iter().filter(|form| form.fields.iter().any(|(name, _)| name == "expiry")) {
        for expiry in
            ["-1d", "0d", "1e9d", "9999999d", "99999999999d", "18446744073709551615s", "never ", "keep me"]
        {
            form.assert_rejected(&form.send(&fixture, "expiry", expiry).await, &[422]);
        }
        let on_a_date = form.with("expiry", "date");
        for date in [
            "",
            "99999-01-01",
            "-1",
            "0000-00-00",
            "2020-01-01",
            "2027-02-30",
            "9999-12-31",
            "2027-01-01T00:00:00Z",
            "01/02/2027",
        ] {
            form.assert_rejected(&on_a_date.send(&fixture, "expires_on", date).await, &[422]);
        }
    }
    assert_eq!(fixture.stored_data().await, before);
}

#[tokio::test]
async fn form_input_is_escaped_on_pages() {
    let fixture = AccessFixture::start().await;
    let owner = fixture.member(Role::Owner);
    for name in VALID_NAMES {
        let form = FilledForm {
            path: "/w/ours/projects/new".into(),
            fields: vec![("name".into(), name.into()), ("type".into(), "classification".into())],
        };
        assert_eq!(form.send(&fixture, "description", name).await.status, 303);
        // If the description is too long, the page shows the form again with all input.
        let again = form.send(&fixture, "description", &format!("{name}{}", "x".repeat(501))).await;
        assert_eq!(again.status, 422);
        assert!(!again.text.contains("<script>alert"), "{again:?}");
    }
    let list = send(owner.request(&fixture.server, Method::GET, "/w/ours/projects")).await;
    assert_eq!(list.status, 200);
    assert!(!list.text.contains("<script>alert(1)"), "{list:?}");
    assert!(
        list.text.contains("שלום") && list.text.contains("&#60;script") || list.text.contains("&lt;script")
    );
}

#[tokio::test]
async fn sign_in_never_redirects_to_other_site() {
    let fixture = AccessFixture::start().await;
    let next = [
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "https://evil.example",
        "https:evil.example",
        "javascript:alert(1)",
        "/\t/evil.example",
        "/\n/evil.example",
        "\t//evil.example",
        " //evil.example",
        "/%09/evil.example\r\nset-cookie: a=b",
        "",
    ];
    for next in next {
        let fields = [("email", "owner@example.org"), ("password", crate::harness::PASSWORD)];
        let form = FilledForm {
            path: "/sign-in".into(),
            fields: fields.map(|(name, value)| (name.into(), value.into())).into(),
        };
        let answer = form.send(&fixture, "next", next).await;
        assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/"), "{next:?}");
        let query: String = form_urlencoded::byte_serialize(next.as_bytes()).collect();
        let page = send(fixture.server.request(Method::GET, &format!("/sign-in?next={query}"))).await;
        assert!(page.status == 200 && !page.text.contains("evil.example"), "{page:?}");
    }
}

impl FilledForm {
    fn request(&self, fixture: &AccessFixture) -> RequestBuilder {
        fixture.member(Role::Owner).request(&fixture.server, Method::POST, &self.path)
    }

    fn with(&self, field: &str, value: &str) -> Self {
        let mut fields = self.fields.clone();
        fields.retain(|(name, _)| name != field);
        fields.push((field.to_owned(), value.to_owned()));
        Self { path: self.path.clone(), fields }
    }

    /// Submits the form with another value for one field.
    async fn send(&self, fixture: &AccessFixture, field: &str, value: &str) -> Answer {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(self.fields.iter().filter(|(name, _)| name != field));
        let body = form.append_pair(field, value).finish();
        send(self.request(fixture).header("content-type", FORM).body(body)).await
    }

    /// Submits the form with one field in an encoding that browsers never use.
    async fn send_raw(&self, fixture: &AccessFixture, field: &str, raw: &str) -> Answer {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(self.fields.iter().filter(|(name, _)| name != field));
        let body = format!("{}&{field}={raw}", form.finish());
        send(self.request(fixture).header("content-type", FORM).body(body)).await
    }

    fn assert_rejected(&self, answer: &Answer, expected: &[u16]) {
        assert!(expected.contains(&answer.status.as_u16()), "{}: {answer:?}", self.path);
        assert!(answer.header("content-type").starts_with("text/html"), "{}: {answer:?}", self.path);
        assert!(!answer.text.contains("kr_sk_") || !answer.text.contains("Store it"), "{answer:?}");
    }
}

/// All forms with the values that their pages show to the owner.
async fn forms(fixture: &AccessFixture) -> Vec<FilledForm> {
    let mut forms = Vec::new();
    let posts = keyrack::web::routes().into_iter().filter(|route| route.method == Method::POST);
    for route in posts.filter(|route| !["/setup", "/sign-out"].contains(&route.path.as_str())) {
        let id = if route.path.contains("/projects/") {
            fixture.ours.project.to_string()
        } else if route.path.contains("/models/") {
            fixture.ours.model.to_string()
        } else {
            fixture.ours.key.to_string()
        };
        let path = route.path.replace("{workspace}", "ours").replace("{id}", &id);
        let page = send(fixture.member(Role::Owner).request(&fixture.server, Method::GET, &path)).await;
        // Some pages show no form if something is missing.
        if page.status == 200 && page.text.contains(&format!("action=\"{path}\"")) {
            let fields = fields(&page.text, &path);
            forms.push(FilledForm { path, fields });
        }
    }
    assert!(forms.len() >= 8, "{}", forms.len());
    forms
}

/// The names and values of the fields between `action="path"` and the end of the form.
fn fields(html: &str, path: &str) -> Vec<(String, String)> {
    let start =
        html.find(&format!("action=\"{path}\"")).unwrap_or_else(|| panic!("no form for {path} in {html}"));
    let form = &html[start..start + html[start..].find("</form>").unwrap()];
    let mut fields: Vec<(String, String)> = Vec::new();
    for tag in
        form.split('<').filter(|tag| ["input", "select", "textarea"].iter().any(|kind| tag.starts_with(kind)))
    {
        let Some(name) = attribute(tag, "name") else { continue };
        let value = attribute(tag, "value").unwrap_or_default();
        if !fields.iter().any(|(known, _)| *known == name) {
            fields.push((name.clone(), default_value(&name, value)));
        }
    }
    fields
}

/// A valid value for a field that the user must fill in.
fn default_value(name: &str, value: String) -> String {
    match name {
        "name" => "Of a form".to_owned(),
        "scope" => "inference".to_owned(),
        "expiry" => "never".to_owned(),
        "overlap" => "1h".to_owned(),
        "type" => "classification".to_owned(),
        "email" => "nobody@example.org".to_owned(),
        "keys" | "node" | "expires_on" => String::new(),
        _ => value,
    }
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let rest = tag.split_once(&format!(" {name}=\""))?.1;
    Some(rest[..rest.find('"')?].to_owned())
}
