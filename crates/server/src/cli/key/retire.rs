//! `keyrack key retire`.

use clap::Args;
use http::Method;
use keyrack_key::KeyId;

use super::path_of;
use super::pause::ChangedKeyView;
use crate::cli::connection::ConnectionArgs;
use crate::cli::error::CliError;
use crate::cli::output::Output;
use crate::cli::request::ApiRequest;
use crate::config::Choices;

#[derive(Args, Debug)]
pub(in crate::cli) struct RetireArgs {
    #[command(flatten)]
    connection: ConnectionArgs,
    /// ID of the key (key_…)
    id: KeyId,
}

impl RetireArgs {
    pub(super) async fn run(self, choices: Choices) -> Result<Output, CliError> {
        let request = ApiRequest::new(Method::POST, format!("{}/retire", path_of(self.id)));
        let describe = |ChangedKeyView { key, propagation }: ChangedKeyView| {
            let done = format!("Revoked the old secret of {}", key.named());
            Output::default().note(propagation.describe(&done))
        };
        self.connection.request(choices, request, describe).await
    }
}
