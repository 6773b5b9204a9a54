//! The forms of all pages, filled in by somebody who has no browser.

use keyrack_store::Role;
use reqwest::{Method, RequestBuilder};

use super::text::{FINE, Takes};
use crate::cast::Cast;
use crate::harness::{Answer, send};

const FORM: &str = "application/x-www-form-urlencoded";

/// The fields that take more than what the page offers. All others have to refuse, or to pass over, what it does not.
const TEXTS: [(&str, Takes); 3] =
    [("name", Takes::Name), ("description", Takes::Prose(500)), ("reason", Takes::Prose(200))];

/// A form of a page, as its HTML has it.
struct Filled {
    path: String,
    fields: Vec<(String, String)>,
}

#[tokio::test]
async fn a_form_that_is_no_form_is_refused() {
    let mut cast = Cast::assemble().await;
    let before = cast.written().await;
    for form in forms(&cast).await {
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
            let answer = send(form.request(&cast).header("content-type", kind).body(body)).await;
            form.refuses(&answer, expected);
        }
    }
    let after = cast.written().await;
    assert_eq!(after.audit, before.audit);
}

#[tokio::test]
async fn a_field_filled_with_what_the_page_does_not_offer_does_no_harm() {
    let mut cast = Cast::assemble().await;
    let before = cast.written().await;
    let mut accepted = Vec::new();
    for form in forms(&cast).await {
        for (name, _) in &form.fields {
            let takes = TEXTS.iter().find(|(one, _)| one == name).map_or(Takes::Words, |(_, takes)| *takes);
            for (what, text) in takes.refuses() {
                let answer = form.send(&cast, name, &text).await;
                assert!(!answer.status.is_server_error(), "{} {name} with {what}: {answer:?}", form.path);
                if answer.status.is_client_error() || takes != Takes::Words {
                    form.refuses(&answer, &[401, 404, 409, 422, 429]);
                } else if answer.status == 303 || answer.text.contains("kr_sk_") {
                    accepted.push(format!("{} {name} with {what}", form.path));
                }
            }
            for raw in ["%", "%zz", "%ff%fe", "%00", "%c0%af", "%ed%a0%80", "%u0041"] {
                let answer = form.send_raw(&cast, name, raw).await;
                assert!(!answer.status.is_server_error(), "{} {name}={raw}: {answer:?}", form.path);
                if answer.status == 303 || answer.text.contains("kr_sk_") {
                    accepted.push(format!("{} {name}={raw}", form.path));
                }
            }
        }
    }
    let after = cast.written().await;
    assert!(after.audit.len() - before.audit.len() <= accepted.len(), "{accepted:#?} {:#?}", after.audit);
}

#[tokio::test]
async fn an_expiry_beyond_all_calendars_is_refused() {
    let mut cast = Cast::assemble().await;
    let before = cast.written().await;
    let forms = forms(&cast).await;
    for form in forms.iter().filter(|form| form.fields.iter().any(|(name, _)| name == "expiry")) {
        for expiry in
            ["-1d", "0d", "1e9d", "9999999d", "99999999999d", "18446744073709551615s", "never ", "keep me"]
        {
            form.refuses(&form.send(&cast, "expiry", expiry).await, &[422]);
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
            form.refuses(&on_a_date.send(&cast, "expires_on", date).await, &[422]);
        }
    }
    assert_eq!(cast.written().await, before);
}

#[tokio::test]
async fn what_people_type_comes_back_as_text() {
    let cast = Cast::assemble().await;
    let owner = cast.member(Role::Owner);
    for name in FINE {
        let form = Filled {
            path: "/w/ours/projects/new".into(),
            fields: vec![("name".into(), name.into()), ("type".into(), "classification".into())],
        };
        assert_eq!(form.send(&cast, "description", name).await.status, 303);
        // A description that is too long shows the form again, with all that was typed.
        let again = form.send(&cast, "description", &format!("{name}{}", "x".repeat(501))).await;
        assert_eq!(again.status, 422);
        assert!(!again.text.contains("<script>alert"), "{again:?}");
    }
    let list = send(owner.request(&cast.server, Method::GET, "/w/ours/projects")).await;
    assert_eq!(list.status, 200);
    assert!(!list.text.contains("<script>alert(1)"), "{list:?}");
    assert!(
        list.text.contains("שלום") && list.text.contains("&#60;script") || list.text.contains("&lt;script")
    );
}

#[tokio::test]
async fn signing_in_never_leads_to_another_site() {
    let cast = Cast::assemble().await;
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
        let form = Filled {
            path: "/sign-in".into(),
            fields: fields.map(|(name, value)| (name.into(), value.into())).into(),
        };
        let answer = form.send(&cast, "next", next).await;
        assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/"), "{next:?}");
        let query: String = form_urlencoded::byte_serialize(next.as_bytes()).collect();
        let page = send(cast.server.request(Method::GET, &format!("/sign-in?next={query}"))).await;
        assert!(page.status == 200 && !page.text.contains("evil.example"), "{page:?}");
    }
}

impl Filled {
    fn request(&self, cast: &Cast) -> RequestBuilder {
        cast.member(Role::Owner).request(&cast.server, Method::POST, &self.path)
    }

    fn with(&self, field: &str, value: &str) -> Self {
        let mut fields = self.fields.clone();
        fields.retain(|(name, _)| name != field);
        fields.push((field.to_owned(), value.to_owned()));
        Self { path: self.path.clone(), fields }
    }

    /// Sends it with one field as it should not be.
    async fn send(&self, cast: &Cast, field: &str, value: &str) -> Answer {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(self.fields.iter().filter(|(name, _)| name != field));
        let body = form.append_pair(field, value).finish();
        send(self.request(cast).header("content-type", FORM).body(body)).await
    }

    /// Sends it with one field encoded as no browser does.
    async fn send_raw(&self, cast: &Cast, field: &str, raw: &str) -> Answer {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(self.fields.iter().filter(|(name, _)| name != field));
        let body = format!("{}&{field}={raw}", form.finish());
        send(self.request(cast).header("content-type", FORM).body(body)).await
    }

    fn refuses(&self, answer: &Answer, expected: &[u16]) {
        assert!(expected.contains(&answer.status.as_u16()), "{}: {answer:?}", self.path);
        assert!(answer.header("content-type").starts_with("text/html"), "{}: {answer:?}", self.path);
        assert!(!answer.text.contains("kr_sk_") || !answer.text.contains("Store it"), "{answer:?}");
    }
}

/// Every form, as its page fills it for the owner.
async fn forms(cast: &Cast) -> Vec<Filled> {
    let mut forms = Vec::new();
    let posts = keyrack::web::routes().into_iter().filter(|route| route.method == Method::POST);
    for route in posts.filter(|route| !["/setup", "/sign-out"].contains(&route.path.as_str())) {
        let id = if route.path.contains("/projects/") {
            cast.ours.project.to_string()
        } else {
            cast.ours.key.to_string()
        };
        let path = route.path.replace("{workspace}", "ours").replace("{id}", &id);
        let page = send(cast.member(Role::Owner).request(&cast.server, Method::GET, &path)).await;
        // A page may say what is missing, and have no form then.
        if page.status == 200 && page.text.contains(&format!("action=\"{path}\"")) {
            let fields = fields(&page.text, &path);
            forms.push(Filled { path, fields });
        }
    }
    assert!(forms.len() >= 8, "{}", forms.len());
    forms
}

/// The names of the fields between `action="path"` and the end of the form, each with what it is filled with.
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
            fields.push((name.clone(), fitting(&name, value)));
        }
    }
    fields
}

/// What the page leaves to the person.
fn fitting(name: &str, value: String) -> String {
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
