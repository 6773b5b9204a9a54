//! `keyrack key show`.

use clap::Args;
use http::Method;
use keyrack_key::KeyId;

use super::path_of;
use super::view::KeyView;
use crate::cli::connection::ConnectionArgs;
use crate::cli::error::CliError;
use crate::cli::output::Output;
use crate::cli::request::ApiRequest;
use crate::config::Choices;

#[derive(Args, Debug)]
pub(in crate::cli) struct ShowArgs {
    #[command(flatten)]
    connection: ConnectionArgs,
    /// ID of the key (key_…)
    id: KeyId,
}

impl ShowArgs {
    pub(super) async fn run(self, choices: Choices) -> Result<Output, CliError> {
        let request = ApiRequest::new(Method::GET, path_of(self.id));
        self.connection.request(choices, request, |key: KeyView| Output::result(key.card())).await
    }
}
