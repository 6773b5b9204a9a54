//! `keyrack key create`.

use clap::Args;
use http::Method;
use keyrack_core::clock;
use keyrack_key::{Class, Scope};
use serde::Serialize;
use serde_json::{Map, Value};

use super::KEYS;
use super::limits::LimitArgs;
use super::restrictions::RestrictionArgs;
use super::view::KeyWithSecretView;
use crate::cli::connection::ConnectionArgs;
use crate::cli::error::CliError;
use crate::cli::expiry::ExpiryArg;
use crate::cli::output::Output;
use crate::cli::request::ApiRequest;
use crate::config::Choices;

#[derive(Args, Debug)]
pub(in crate::cli) struct CreateArgs {
    #[command(flatten)]
    connection: ConnectionArgs,
    /// Name of the key, such as where it will be used
    #[arg(long)]
    name: String,
    /// Scope of the key: project, inference, keys, or node (repeat for several)
    #[arg(long, required = true)]
    scope: Vec<Scope>,
    /// Class of the key: secret, or publishable for keys that are meant to be public [default: secret]
    #[arg(long)]
    class: Option<Class>,
    /// When the key expires: a span such as 90d, a time such as 2027-01-31T12:00:00Z, or never [default: never]
    #[arg(long, value_name = "WHEN")]
    expires: Option<ExpiryArg>,
    #[command(flatten)]
    limits: LimitArgs,
    #[command(flatten)]
    restrictions: RestrictionArgs,
    /// Note for people who manage the key
    #[arg(long)]
    note: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CreateKeyBody<'a> {
    name: &'a str,
    scopes: &'a [Scope],
    #[serde(skip_serializing_if = "Option::is_none")]
    class: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    restrictions: Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'a str>,
}

impl CreateArgs {
    pub(super) async fn run(self, choices: Choices) -> Result<Output, CliError> {
        let mut restrictions = Map::new();
        self.limits.apply_to(&mut restrictions)?;
        self.restrictions.apply_to(&mut restrictions)?;
        let body = CreateKeyBody {
            name: &self.name,
            scopes: &self.scope,
            class: self.class.map(Class::name),
            expires_at: self.expires.and_then(|expiry| expiry.at(clock::now())),
            restrictions,
            note: self.note.as_deref(),
        };
        let request = ApiRequest::with_body(Method::POST, KEYS, &body)?;
        self.connection.request(choices, request, |key: KeyWithSecretView| key.describe("Created")).await
    }
}
