//! `keyrack audit export`: writes the audit log of a workspace to a file or to standard output.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use http::Method;
use keyrack_core::history::ExportFormat;
use keyrack_store::{Actor, AuditAction};

use crate::cli::connection::ConnectionArgs;
use crate::cli::error::CliError;
use crate::cli::output::Output;
use crate::cli::request::ApiRequest;
use crate::config::Choices;

#[derive(Args, Debug)]
pub(in crate::cli) struct ExportArgs {
    #[command(flatten)]
    connection: ConnectionArgs,
    /// Format: jsonl (one JSON object per line) or csv
    #[arg(long, default_value = "jsonl", value_parser = format)]
    format: ExportFormat,
    /// File to create; an existing file is not overwritten [default: standard output]
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Only changes by this actor: user:usr_…, key:key_…, or operator
    #[arg(long)]
    actor: Option<Actor>,
    /// Only changes of this kind, such as key_rotated
    #[arg(long, value_parser = action)]
    action: Option<AuditAction>,
    /// Only changes of the key, project, or other object with this ID
    #[arg(long, value_name = "ID")]
    target: Option<String>,
    /// Only changes at or after this time, such as 2027-01-31T00:00:00Z
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Only changes before this time
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
}

impl ExportArgs {
    pub(super) async fn run(self, choices: Choices) -> Result<Output, CliError> {
        if self.connection.json {
            return Err(CliError::InvalidUse(
                "An audit log export isn't a single JSON object. Use --format to choose its format."
                    .to_owned(),
            ));
        }
        let request = ApiRequest::new(Method::GET, format!("/api/v1/activity/export?{}", self.query()));
        let mut out: Box<dyn Write + Send> = match &self.output {
            Some(path) => Box::new(create(path)?),
            None => Box::new(io::stdout()),
        };
        self.connection.with_client(choices, async |client| client.copy(request, &mut *out).await).await?;
        out.flush().map_err(|error| CliError::with_context("The export can't be written", &error))?;
        Ok(Output::default())
    }

    fn query(&self) -> String {
        let actor = self.actor.map(|actor| actor.to_string());
        let fields = [
            ("format", Some(self.format.name())),
            ("actor", actor.as_deref()),
            ("action", self.action.map(AuditAction::name)),
            ("target", self.target.as_deref()),
            ("from", self.from.as_deref()),
            ("until", self.until.as_deref()),
        ];
        let given = fields.into_iter().filter_map(|(name, value)| Some((name, value?)));
        form_urlencoded::Serializer::new(String::new()).extend_pairs(given).finish()
    }
}

/// Only the owner of the file may read it: an audit log names people and addresses.
fn create(path: &Path) -> Result<BufWriter<File>, CliError> {
    let mut options = File::options();
    options.write(true).create_new(true);
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path);
    let file = file
        .map_err(|error| CliError::with_context(&format!("{} can't be created", path.display()), &error))?;
    Ok(BufWriter::new(file))
}

fn format(text: &str) -> Result<ExportFormat, &'static str> {
    text.parse()
}

fn action(text: &str) -> Result<AuditAction, String> {
    text.parse().map_err(|()| {
        let known: Vec<_> = AuditAction::ALL.iter().map(|action| action.name()).collect();
        format!("Use one of: {}.", known.join(", "))
    })
}
