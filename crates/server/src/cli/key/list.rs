//! `keyrack key list`: fetches every page of the list and prints one table.

use clap::Args;
use clap::builder::PossibleValuesParser;
use http::Method;
use keyrack_key::{Class, Scope};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::KEYS;
use super::view::{self, KeyView};
use crate::cli::client::ApiClient;
use crate::cli::connection::ConnectionArgs;
use crate::cli::error::CliError;
use crate::cli::output::Output;
use crate::cli::request::ApiRequest;
use crate::config::Choices;

#[derive(Args, Debug)]
pub(in crate::cli) struct ListArgs {
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(flatten)]
    filter: ListFilter,
}

#[derive(Args, Debug)]
struct ListFilter {
    /// Only keys with this status [default: any]
    #[arg(long, value_parser = PossibleValuesParser::new(["active", "paused", "expired", "deleted", "any"]))]
    status: Option<String>,
    /// Only keys with this scope: project, inference, keys, or node
    #[arg(long)]
    scope: Option<Scope>,
    /// Only keys of this class: secret or publishable
    #[arg(long)]
    class: Option<Class>,
    /// Only keys whose name contains this text, or whose secret ends with these four characters
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
}

#[derive(Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct ListPage {
    items: Vec<Value>,
    next_cursor: Option<String>,
}

impl ListArgs {
    pub(super) async fn run(self, choices: Choices) -> Result<Output, CliError> {
        let all = self.connection.with_client(choices, async |client| self.filter.all(client).await).await?;
        if self.connection.json {
            let page = ListPage { items: all, next_cursor: None };
            return serde_json::to_string(&page)
                .map(Output::result)
                .map_err(|error| CliError::from_error(&error));
        }
        let keys: Result<Vec<KeyView>, _> = all.into_iter().map(serde_json::from_value).collect();
        let keys = keys.map_err(|error| {
            CliError::with_context(
                "The response isn't from a Keyrack server of this version. Use the same \
                 version of the command line and the server.",
                &error,
            )
        })?;
        Ok(view::list(&keys))
    }
}

impl ListFilter {
    async fn all(&self, client: &ApiClient) -> Result<Vec<Value>, CliError> {
        let mut all = Vec::new();
        let mut cursor = None;
        loop {
            let request = ApiRequest::new(Method::GET, format!("{KEYS}?{}", self.query(cursor.as_deref())));
            let page: ListPage = client.send(request).await?.read()?;
            all.extend(page.items);
            cursor = page.next_cursor;
            if cursor.is_none() {
                return Ok(all);
            }
        }
    }

    fn query(&self, cursor: Option<&str>) -> String {
        let fields = [
            ("status", self.status.as_deref()),
            ("scope", self.scope.map(Scope::name)),
            ("class", self.class.map(Class::name)),
            ("q", self.search.as_deref()),
            ("cursor", cursor),
            ("limit", Some("200")),
        ];
        let given = fields.into_iter().filter_map(|(name, value)| Some((name, value?)));
        form_urlencoded::Serializer::new(String::new()).extend_pairs(given).finish()
    }
}
