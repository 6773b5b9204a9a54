//! The page that shows a new secret, which is shown only once.

mod view;

use axum::Extension;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use keyrack_core::OpError;
use keyrack_core::keys::IssuedKey;
use keyrack_key::{Allowlist, Class, KeyId, Permission, Restrictions, Scope, Scopes};

use super::{address, base, first_call};
use crate::app::App;
use crate::http::compression::Uncompressed;
use crate::web::frame::{self, NavItem, show};
use crate::web::person::Member;
use crate::web::text;
use crate::web::text::Snippet;
use view::{AlreadyShownPage, RevealSecretPage};

/// The page with the secret. It is never compressed, because it contains text from the user next to the secret.
pub(super) fn page(
    app: &App,
    member: &Member,
    parts: &Parts,
    created: &IssuedKey,
    old_secret: Option<String>,
    remark: Option<String>,
) -> Result<Response, OpError> {
    let key = &created.key;
    app.first_calls.watch(created, app.now());
    let call = ExampleRequest {
        address: address(app, parts),
        secret: created.secret.expose(),
        workspace: &member.membership.workspace.slug,
        scopes: key.scopes,
        restrictions: key.terms.restrictions.as_ref(),
    };
    let page = show!(
        app,
        RevealSecretPage {
            frame: frame::of_member(app, member, NavItem::ApiKeys, &parts.headers),
            base: base(member),
            id: key.id.to_string(),
            key_name: key.name.clone(),
            secret: created.secret.expose().to_owned(),
            public: key.class == Class::Publishable,
            call: first_call::line(app, member, key, created.secret.hint()),
            snippets: call.snippets(),
            scopes: text::scopes(key.scopes),
            expires: key
                .terms
                .expires_at
                .map_or("never".to_owned(), |at| format!("on {}", text::date_and_time(at))),
            old_secret,
            remark,
        }
    )?;
    Ok((Extension(Uncompressed), page).into_response())
}

/// The response if a form is submitted again. Only the first response contained the secret.
pub(super) async fn already_shown(
    app: &App,
    member: &Member,
    headers: &HeaderMap,
    id: KeyId,
) -> Result<Response, OpError> {
    let key = app.keys.read(&member.acting, id).await?;
    let page = show!(
        app,
        AlreadyShownPage {
            frame: frame::of_member(app, member, NavItem::ApiKeys, headers),
            base: base(member),
            id: key.id.to_string(),
            key_name: key.name,
        }
    )?;
    Ok((StatusCode::CONFLICT, page).into_response())
}

/// The data for an example request that works with the new key, in three languages.
struct ExampleRequest<'a> {
    address: String,
    secret: &'a str,
    workspace: &'a str,
    scopes: Scopes,
    restrictions: Option<&'a Restrictions>,
}

impl ExampleRequest<'_> {
    fn snippets(&self) -> Vec<Snippet> {
        let snippets = if self.scopes.contains(Scope::Project) {
            self.get("projects")
        } else if self.scopes.contains(Scope::Keys) {
            self.get("keys")
        } else {
            self.ask()
        };
        let labels = ["curl", "Python", "JavaScript", ".env"];
        labels
            .into_iter()
            .zip(snippets.into_iter().chain([format!("KEYRACK_KEY={}", self.secret)]))
            .map(|(label, code)| Snippet { label: label.to_owned(), code })
            .collect()
    }

    fn get(&self, what: &str) -> [String; 3] {
        let Self { address, secret, .. } = self;
        [
            format!("curl {address}/api/v1/{what} \\\n  -H \"X-Api-Key: {secret}\""),
            format!(
                "import requests  # pip install requests\n\n\
                 answer = requests.get(\n    \"{address}/api/v1/{what}\",\n    headers={{\"X-Api-Key\": \"{secret}\"}},\n)\n\
                 print(answer.json())"
            ),
            format!(
                "const answer = await fetch(\"{address}/api/v1/{what}\", {{\n  headers: {{ \"X-Api-Key\": \"{secret}\" }},\n}});\n\
                 console.log(await answer.json());"
            ),
        ]
    }

    /// A request to `verify` with the key itself, which works before the workspace has any model or node.
    fn ask(&self) -> [String; 3] {
        let Self { address, secret, scopes, .. } = self;
        let (permission, does) = if scopes.contains(Scope::Inference) {
            (Permission::ModelsPredict, "predict")
        } else {
            (Permission::KeysFollow, "follow keys")
        };
        let question = self.question(permission);
        [
            format!(
                "# checks whether this key can {does}\ncurl {address}/api/v1/verify \\\n  -H \"X-Api-Key: {secret}\" \\\n  -H \"Content-Type: application/json\" \\\n  -d '{question}'"
            ),
            format!(
                "import requests  # pip install requests\n\n\
                 # checks whether this key can {does}\nanswer = requests.post(\n    \"{address}/api/v1/verify\",\n    headers={{\"X-Api-Key\": \"{secret}\"}},\n    json={question},\n)\n\
                 print(answer.json())"
            ),
            format!(
                "// checks whether this key can {does}\nconst answer = await fetch(\"{address}/api/v1/verify\", {{\n  method: \"POST\",\n  headers: {{ \"X-Api-Key\": \"{secret}\", \"Content-Type\": \"application/json\" }},\n  \
                 body: JSON.stringify({question}),\n}});\nconsole.log(await answer.json());"
            ),
        ]
    }

    /// The body of the request. It names one entry of each restriction, because a request without them would be denied.
    fn question(&self, permission: Permission) -> String {
        let mut members =
            vec![("workspace", self.workspace.to_owned()), ("permission", permission.to_string())];
        if let Some(own) = self.restrictions {
            members.extend(first(&own.projects).map(|project| ("project", project.to_string())));
            members.extend(first(&own.models).map(|model| ("model", model.to_string())));
            members.extend(
                first(&own.origins).map(|origin| ("origin", origin.to_string().replace("*.", "www."))),
            );
        }
        let members: Vec<_> =
            members.iter().map(|(name, value)| format!("\"{name}\": \"{value}\"")).collect();
        format!("{{{}}}", members.join(", "))
    }
}

fn first<T: Ord>(only: &Allowlist<T>) -> Option<&T> {
    match only {
        Allowlist::Any => None,
        Allowlist::Only(these) => these.first(),
    }
}
