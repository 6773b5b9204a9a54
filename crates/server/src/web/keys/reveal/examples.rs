//! The first request for a new key, as code: a prediction if the key can make one, and otherwise a request that works
//! before the workspace has a model.

use keyrack_core::keys::IssuedKey;
use keyrack_key::{Allowlist, Permission, Restrictions, Scope};
use keyrack_store::Model;

use crate::app::App;
use crate::web::person::Member;
use crate::web::snippets::{JsonRequest, prediction};
use crate::web::text::Snippet;

/// Examples for curl, Python, and JavaScript, and a line for a `.env` file.
pub(super) async fn examples(app: &App, member: &Member, created: &IssuedKey, address: &str) -> Vec<Snippet> {
    let secret = created.secret.expose();
    let scopes = created.key.scopes;
    let restrictions = created.key.terms.restrictions.as_ref().unwrap_or(&Restrictions::NONE);
    let get = |what: &str| {
        let url = format!("{address}/api/v1/{what}");
        JsonRequest { url, secret, body: None, comment: None }.snippets()
    };
    let mut snippets = if scopes.contains(Scope::Project) {
        get("projects")
    } else if scopes.contains(Scope::Keys) {
        get("keys")
    } else if let Some(model) = predicting_model(app, member, created, restrictions).await {
        match origin(restrictions) {
            Some(origin) => prediction::snippets_with_origin(address, secret, &model, &origin),
            None => prediction::snippets(address, secret, &model),
        }
    } else {
        verification(member, created, restrictions, address).snippets()
    };
    snippets.push(Snippet { label: ".env".to_owned(), code: format!("KEYRACK_KEY={secret}") });
    snippets
}

/// The newest model with which the key can predict. Hides a failure to read models, because the user sees the secret only in
/// this response.
async fn predicting_model(
    app: &App,
    member: &Member,
    created: &IssuedKey,
    restrictions: &Restrictions,
) -> Option<Model> {
    if !created.key.scopes.contains(Scope::Inference) {
        return None;
    }
    app.models.newest_ready(&member.acting, restrictions).await.unwrap_or_default()
}

/// A request to `verify` with the key itself. It names one entry of each restriction, because a request without them would be
/// denied.
fn verification<'a>(
    member: &Member,
    created: &'a IssuedKey,
    restrictions: &Restrictions,
    address: &str,
) -> JsonRequest<'a> {
    let (permission, does) = if created.key.scopes.contains(Scope::Inference) {
        (Permission::ModelsPredict, "predict")
    } else {
        (Permission::KeysFollow, "follow keys")
    };
    let mut fields =
        vec![("workspace", member.membership.workspace.slug.clone()), ("permission", permission.to_string())];
    fields.extend(first(&restrictions.projects).map(|project| ("project", project.to_string())));
    fields.extend(first(&restrictions.models).map(|model| ("model", model.to_string())));
    fields.extend(origin(restrictions).map(|origin| ("origin", origin)));
    let fields: Vec<_> = fields.iter().map(|(name, value)| format!("\"{name}\": \"{value}\"")).collect();
    JsonRequest {
        url: format!("{address}/api/v1/verify"),
        secret: created.secret.expose(),
        body: Some(format!("{{{}}}", fields.join(", "))),
        comment: Some(format!("checks whether this key can {does}")),
    }
}

/// An origin that the key accepts. `None` if it accepts any.
fn origin(restrictions: &Restrictions) -> Option<String> {
    first(&restrictions.origins).map(|origin| origin.to_string().replace("*.", "www."))
}

fn first<T: Ord>(allowlist: &Allowlist<T>) -> Option<&T> {
    match allowlist {
        Allowlist::Any => None,
        Allowlist::Only(allowed) => allowed.first(),
    }
}
