//! `keyrack key pause` and `keyrack key resume`.

use clap::Args;
use http::Method;
use keyrack_core::times::span;
use keyrack_key::KeyId;
use serde::Deserialize;
use serde_json::json;

use super::path_of;
use super::propagation::PropagationView;
use super::view::KeyView;
use crate::cli::connection::ConnectionArgs;
use crate::cli::error::CliError;
use crate::cli::output::Output;
use crate::cli::request::ApiRequest;
use crate::config::Choices;

#[derive(Args, Debug)]
pub(in crate::cli) struct PauseArgs {
    #[command(flatten)]
    connection: ConnectionArgs,
    /// ID of the key (key_…)
    id: KeyId,
    /// Duration, such as 10m or 24h, at most 30d; the key then works again [default: until it is resumed]
    #[arg(long, value_name = "SPAN", value_parser = checked)]
    r#for: Option<String>,
}

#[derive(Args, Debug)]
pub(in crate::cli) struct ResumeArgs {
    #[command(flatten)]
    connection: ConnectionArgs,
    /// ID of the key (key_…)
    id: KeyId,
}

/// A key after a change, and which nodes have confirmed the change.
#[derive(Deserialize)]
pub(super) struct ChangedKeyView {
    #[serde(flatten)]
    pub(super) key: KeyView,
    pub(super) propagation: PropagationView,
}

/// Validates the span before a request is sent. The API takes the text.
fn checked(text: &str) -> Result<String, &'static str> {
    span(text).map(|_| text.to_owned())
}

impl PauseArgs {
    pub(super) async fn run(self, choices: Choices) -> Result<Output, CliError> {
        let path = format!("{}/pause", path_of(self.id));
        let request = match &self.r#for {
            Some(span) => ApiRequest::with_body(Method::POST, path, &json!({ "duration": span }))?,
            None => ApiRequest::new(Method::POST, path),
        };
        let describe = |ChangedKeyView { key, propagation }: ChangedKeyView| {
            let paused = format!("Paused {} {}", key.named(), key.paused().unwrap_or_default());
            Output::default().note(propagation.describe(&paused))
        };
        self.connection.request(choices, request, describe).await
    }
}

impl ResumeArgs {
    pub(super) async fn run(self, choices: Choices) -> Result<Output, CliError> {
        let request = ApiRequest::new(Method::POST, format!("{}/resume", path_of(self.id)));
        let describe = |ChangedKeyView { key, propagation }: ChangedKeyView| {
            let done = format!("Resumed {}", key.named());
            Output::default().note(propagation.describe(&done))
        };
        self.connection.request(choices, request, describe).await
    }
}
