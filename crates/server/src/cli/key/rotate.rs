//! `keyrack key rotate`.

use clap::Args;
use http::Method;
use keyrack_core::times::span;
use keyrack_key::KeyId;
use serde_json::json;

use super::path_of;
use super::view::KeyWithSecretView;
use crate::cli::connection::ConnectionArgs;
use crate::cli::error::CliError;
use crate::cli::output::{Output, formatted_time};
use crate::cli::request::ApiRequest;
use crate::config::Choices;

#[derive(Args, Debug)]
pub(in crate::cli) struct RotateArgs {
    #[command(flatten)]
    connection: ConnectionArgs,
    /// ID of the key (key_…)
    id: KeyId,
    /// Grace period during which the old secret still works, such as 24h or 7d; 0s revokes it now
    #[arg(long, value_name = "SPAN", value_parser = checked)]
    grace_period: String,
}

/// Validates the span before a request is sent. The API takes the text.
fn checked(text: &str) -> Result<String, &'static str> {
    span(text).map(|_| text.to_owned())
}

impl RotateArgs {
    pub(super) async fn run(self, choices: Choices) -> Result<Output, CliError> {
        let request = ApiRequest::with_body(
            Method::POST,
            format!("{}/rotate", path_of(self.id)),
            &json!({ "gracePeriod": self.grace_period }),
        )?;
        let is_immediate = span(&self.grace_period).is_ok_and(|period| period.is_zero());
        let describe = |key: KeyWithSecretView| {
            let old = match key.old_secret_retires_at.as_deref().filter(|_| !is_immediate) {
                Some(at) => format!("The old secret key expires {}.", formatted_time(at)),
                None => "The old secret key is revoked.".to_owned(),
            };
            key.describe("Rotated").note(old)
        };
        self.connection.request(choices, request, describe).await
    }
}
