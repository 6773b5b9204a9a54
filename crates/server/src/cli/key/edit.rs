//! `keyrack key edit`.

use clap::{ArgGroup, Args};
use http::Method;
use keyrack_core::clock;
use keyrack_key::{KeyId, Scope};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::limits::LimitArgs;
use super::path_of;
use super::restrictions::RestrictionArgs;
use super::view::KeyView;
use crate::cli::client::ApiClient;
use crate::cli::connection::ConnectionArgs;
use crate::cli::error::CliError;
use crate::cli::expiry::ExpiryArg;
use crate::cli::output::Output;
use crate::cli::request::ApiRequest;
use crate::cli::response::ApiResponse;
use crate::config::Choices;

#[derive(Args, Debug)]
#[command(group = ArgGroup::new("changes").required(true).multiple(true).args(CHANGES))]
pub(in crate::cli) struct EditArgs {
    #[command(flatten)]
    connection: ConnectionArgs,
    /// ID of the key (key_…)
    id: KeyId,
    /// New name of the key
    #[arg(long)]
    name: Option<String>,
    /// New scope of the key: project, inference, keys, or node (repeat for several); replaces all its scopes
    #[arg(long)]
    scope: Vec<Scope>,
    /// When the key expires: a span from now such as 90d, a time such as 2027-01-31T12:00:00Z, or never
    #[arg(long, value_name = "WHEN")]
    expires: Option<ExpiryArg>,
    #[command(flatten)]
    limits: LimitArgs,
    #[command(flatten)]
    restrictions: RestrictionArgs,
    /// New note for people who manage the key; an empty text removes the note
    #[arg(long)]
    note: Option<String>,
    /// Grant the key more access although it was exposed in a browser or a URL, where others may have copied it
    #[arg(long)]
    acknowledge_public_use: bool,
}

/// The flags that change the key. At least one is required.
const CHANGES: [&str; 12] = [
    "name",
    "scope",
    "expires",
    "rate_limit",
    "visitor_rate_limit",
    "quota",
    "projects",
    "models",
    "networks",
    "origins",
    "max_image_size",
    "note",
];

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EditKeyBody<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    scopes: &'a [Scope],
    /// `None` leaves the expiry as it is; `Some(None)` is sent as null and removes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    restrictions: Option<Map<String, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'a str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    acknowledge_public_use: bool,
}

/// The fields of the current key that a change of its restrictions starts from.
#[derive(Deserialize)]
struct CurrentKey {
    restrictions: Map<String, Value>,
    revision: u64,
}

impl EditArgs {
    pub(super) async fn run(self, choices: Choices) -> Result<Output, CliError> {
        let response = self.connection.with_client(choices, async |client| self.change(client).await).await?;
        if self.connection.json {
            response.to_raw()
        } else {
            Ok(Output::result(response.read::<KeyView>()?.card()))
        }
    }

    async fn change(&self, client: &ApiClient) -> Result<ApiResponse, CliError> {
        // The API replaces all restrictions. So the current ones are fetched and sent back with the changes, and the
        // revision makes sure that the key has not changed in between.
        let (restrictions, revision) = if self.limits.is_given() || self.restrictions.is_given() {
            let CurrentKey { mut restrictions, revision } =
                client.send(ApiRequest::new(Method::GET, path_of(self.id))).await?.read()?;
            self.limits.apply_to(&mut restrictions)?;
            self.restrictions.apply_to(&mut restrictions)?;
            (Some(restrictions), Some(revision))
        } else {
            (None, None)
        };
        let body = EditKeyBody {
            name: self.name.as_deref(),
            scopes: &self.scope,
            expires_at: self.expires.map(|expiry| expiry.at(clock::now())),
            restrictions,
            note: self.note.as_deref(),
            acknowledge_public_use: self.acknowledge_public_use,
        };
        let request = ApiRequest::with_body(Method::PATCH, path_of(self.id), &body)?;
        client.send(ApiRequest { revision, ..request }).await
    }
}
