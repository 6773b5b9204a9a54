//! `keyrack setup`: the first owner and workspace.

use std::io::{self, BufRead, Read};
use std::path::{Path, PathBuf};

use clap::Args;
use http::{HeaderMap, Method};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::ask::Ask;
use super::door::Door;
use super::failure::Failure;
use super::told::{Told, harmless};
use crate::config::Choices;
use crate::control::SETUP;

/// Nobody's password is longer.
const LINE: u16 = 4096;

#[derive(Args, Debug)]
pub(super) struct Setup {
    /// Data folder, with or without a server on it [env: KEYRACK_DATA] [default: ./keyrack-data]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// The owner's address
    #[arg(long)]
    email: String,
    /// What the workspace is called
    #[arg(long, value_name = "NAME")]
    workspace: String,
    /// What the owner is called [default: what stands before the @]
    #[arg(long)]
    name: Option<String>,
    /// Read the owner's password from the first line of standard input
    #[arg(long)]
    password_stdin: bool,
}

/// What is sent. It does not print.
#[derive(Serialize)]
struct Founding<'a> {
    name: &'a str,
    email: &'a str,
    password: &'a str,
    workspace: &'a str,
}

#[derive(Deserialize)]
struct Founded {
    owner: Owner,
    workspace: Workspace,
}

#[derive(Deserialize)]
struct Owner {
    email: String,
}

#[derive(Deserialize)]
struct Workspace {
    slug: String,
    name: String,
}

impl Setup {
    pub(super) async fn run(self, choices: Choices) -> Result<Told, Failure> {
        let password = self.password()?;
        let before_at = self.email.split('@').next().unwrap_or_default();
        let founding = Founding {
            name: self.name.as_deref().unwrap_or(before_at),
            email: &self.email,
            password: &password,
            workspace: &self.workspace,
        };
        let ask = Ask::with(Method::POST, SETUP, &founding)?;
        let config = Choices { data: self.data.or(choices.data), ..choices }.complete()?;
        let data = config.data.clone();
        let door = Door::to_folder(config, HeaderMap::new()).await?;
        let answer = door.ask(ask).await;
        door.close().await;
        Ok(what_next(&data, &answer?.read()?))
    }

    fn password(&self) -> Result<Zeroizing<String>, Failure> {
        if !self.password_stdin {
            let why =
                "the password is read from standard input, where nobody else sees it: add --password-stdin";
            return Err(Failure::Wrong(why.to_owned()));
        }
        let mut line = Zeroizing::new(String::with_capacity(LINE.into()));
        let read = io::stdin().lock().take(LINE.into()).read_line(&mut line);
        read.map_err(|error| Failure::while_trying("cannot read the password from standard input", &error))?;
        let end =
            line.strip_suffix('\n').map_or(line.len(), |rest| rest.strip_suffix('\r').unwrap_or(rest).len());
        line.truncate(end);
        Ok(line)
    }
}

fn what_next(data: &Path, founded: &Founded) -> Told {
    let Founded { owner, workspace } = founded;
    let (email, name, slug) = (harmless(&owner.email), harmless(&workspace.name), harmless(&workspace.slug));
    let data = data.display();
    Told::default()
        .remark(format_args!("{email} owns the workspace {name} ({slug}). Next:"))
        .remark(format_args!(
            "  keyrack serve --data {data}        and sign in at the address that it prints"
        ))
        .remark(format_args!(
            "  keyrack key create --data {data} --workspace {slug} --name my-first-key --scope inference"
        ))
}
