//! `keyrack setup`: creates the first owner and workspace.

use std::io::{self, BufRead, Read};
use std::path::{Path, PathBuf};

use clap::Args;
use http::{HeaderMap, Method};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::client::ApiClient;
use super::error::CliError;
use super::output::{Output, sanitized};
use super::request::ApiRequest;
use crate::config::Choices;
use crate::http::control::SETUP;

/// The longest first line of standard input that is read, in bytes. Passwords are shorter.
const LINE: u16 = 4096;

#[derive(Args, Debug)]
pub(super) struct SetupArgs {
    /// Data folder, whether a server runs on it or not [env: KEYRACK_DATA] [default: ./keyrack-data]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Email address of the owner
    #[arg(long)]
    email: String,
    /// Name of the workspace
    #[arg(long, value_name = "NAME")]
    workspace: String,
    /// Name of the owner [default: the part of the email address before the @]
    #[arg(long)]
    name: Option<String>,
    /// Read the owner's password from the first line of standard input
    #[arg(long)]
    password_stdin: bool,
}

/// The body of the request. It does not implement `Debug`, because it contains a password.
#[derive(Serialize)]
struct SetupBody<'a> {
    name: &'a str,
    email: &'a str,
    password: &'a str,
    workspace: &'a str,
}

#[derive(Deserialize)]
struct SetupResult {
    owner: SetupOwner,
    workspace: SetupWorkspace,
}

#[derive(Deserialize)]
struct SetupOwner {
    email: String,
}

#[derive(Deserialize)]
struct SetupWorkspace {
    slug: String,
    name: String,
}

impl SetupArgs {
    pub(super) async fn run(self, choices: Choices) -> Result<Output, CliError> {
        let password = self.password()?;
        let before_at = self.email.split('@').next().unwrap_or_default();
        let body = SetupBody {
            name: self.name.as_deref().unwrap_or(before_at),
            email: &self.email,
            password: &password,
            workspace: &self.workspace,
        };
        let request = ApiRequest::with_body(Method::POST, SETUP, &body)?;
        let config = Choices { data: self.data.or(choices.data), ..choices }.complete()?;
        let data = config.data.clone();
        let client = ApiClient::open_folder(config, HeaderMap::new()).await?;
        let response = client.send(request).await;
        client.close().await;
        Ok(next_steps(&data, &response?.read()?))
    }

    fn password(&self) -> Result<Zeroizing<String>, CliError> {
        if !self.password_stdin {
            let why = "Pass the password on standard input with --password-stdin.";
            return Err(CliError::InvalidUse(why.to_owned()));
        }
        let mut line = Zeroizing::new(String::with_capacity(LINE.into()));
        let read = io::stdin().lock().take(LINE.into()).read_line(&mut line);
        read.map_err(|error| {
            CliError::with_context("The password can't be read from standard input", &error)
        })?;
        let end =
            line.strip_suffix('\n').map_or(line.len(), |rest| rest.strip_suffix('\r').unwrap_or(rest).len());
        line.truncate(end);
        Ok(line)
    }
}

fn next_steps(data: &Path, result: &SetupResult) -> Output {
    let SetupResult { owner, workspace } = result;
    let (email, name, slug) =
        (sanitized(&owner.email), sanitized(&workspace.name), sanitized(&workspace.slug));
    let data = data.display();
    Output::default()
        .note(format_args!("Created workspace {name} ({slug}), owner {email}. Next steps:"))
        .note(format_args!("  keyrack serve --data {data}        # then sign in at the URL that it prints"))
        .note(format_args!(
            "  keyrack key create --data {data} --workspace {slug} --name my-first-key --scope inference"
        ))
}
