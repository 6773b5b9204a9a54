//! `keyrack key delete`.

use clap::Args;
use http::Method;
use keyrack_key::KeyId;
use serde::Deserialize;
use serde_json::json;

use super::path_of;
use super::propagation::PropagationView;
use crate::cli::connection::ConnectionArgs;
use crate::cli::error::CliError;
use crate::cli::output::Output;
use crate::cli::request::ApiRequest;
use crate::config::Choices;

#[derive(Args, Debug)]
pub(in crate::cli) struct DeleteArgs {
    #[command(flatten)]
    connection: ConnectionArgs,
    /// ID of the key (key_…)
    id: KeyId,
    /// Reason for the deletion, kept in the audit log
    #[arg(long)]
    reason: Option<String>,
}

#[derive(Deserialize)]
struct DeletedKeyView {
    propagation: PropagationView,
}

impl DeleteArgs {
    pub(super) async fn run(self, choices: Choices) -> Result<Output, CliError> {
        let id = self.id;
        let request = match &self.reason {
            Some(reason) => ApiRequest::with_body(Method::DELETE, path_of(id), &json!({ "reason": reason }))?,
            None => ApiRequest::new(Method::DELETE, path_of(id)),
        };
        let describe = |deleted: DeletedKeyView| {
            Output::default().note(deleted.propagation.describe(&format!("Deleted {id}")))
        };
        self.connection.request(choices, request, describe).await
    }
}
