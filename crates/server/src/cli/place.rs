//! Where the keys are: in a data folder, or behind a server's address.

use std::path::PathBuf;

use clap::Args;
use http::{HeaderMap, HeaderValue, header};
use serde::de::DeserializeOwned;
use url::{Host, Url};
use zeroize::Zeroizing;

use super::ask::Ask;
use super::door::Door;
use super::failure::Failure;
use super::told::Told;
use crate::config::Choices;
use crate::folder::Folder;

/// The variable that holds the key to a server. Arguments can be seen by everybody on the machine.
const KEY: &str = "KEYRACK_KEY";

#[derive(Args, Debug)]
pub(super) struct Place {
    /// Data folder, with or without a server on it [env: KEYRACK_DATA] [default: ./keyrack-data]
    #[arg(long, value_name = "DIR", conflicts_with = "server")]
    data: Option<PathBuf>,
    /// Address of a server instead; it asks for a key with the scope Keys in the variable KEYRACK_KEY
    #[arg(long, value_name = "URL", value_parser = server)]
    server: Option<Url>,
    /// Send the key to another machine over plain HTTP, where others on the network can read it
    #[arg(long, requires = "server")]
    allow_plain_http: bool,
    /// Workspace, as in the addresses of its pages; with --server it is the key's own
    #[arg(long, value_name = "SLUG")]
    workspace: Option<String>,
    /// Print the API's answer as one JSON object
    #[arg(long)]
    pub(super) json: bool,
}

impl Place {
    /// Asks one thing, and tells the answer as it came or as people read it.
    pub(super) async fn ask<T: DeserializeOwned>(
        &self,
        choices: Choices,
        ask: Ask,
        for_people: impl FnOnce(T) -> Told,
    ) -> Result<Told, Failure> {
        let answer = self.with(choices, async |door| door.ask(ask).await).await?;
        if self.json { answer.as_it_came() } else { answer.read().map(for_people) }
    }

    /// Opens the door, lets `work` ask through it, and closes it however that went.
    pub(super) async fn with<T>(
        &self,
        choices: Choices,
        work: impl AsyncFnOnce(&Door) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let door = self.open(choices).await?;
        let done = work(&door).await;
        door.close().await;
        done
    }

    async fn open(&self, choices: Choices) -> Result<Door, Failure> {
        let mut headers = HeaderMap::new();
        if let Some(workspace) = &self.workspace {
            let name = HeaderValue::from_str(workspace);
            headers.insert("x-keyrack-workspace", name.map_err(|_| wrong("there is no such workspace"))?);
        }
        if let Some(server) = &self.server {
            if !(self.allow_plain_http || is_private(server)) {
                return Err(wrong(PLAIN));
            }
            headers.insert(header::AUTHORIZATION, key()?);
            return Door::to_server(server, headers);
        }
        if self.workspace.is_none() {
            return Err(wrong("name the workspace with --workspace, as in the addresses of its pages"));
        }
        let config = Choices { data: self.data.clone().or(choices.data), ..choices }.complete()?;
        if !Folder::is_used(&config.data) {
            let data = config.data.display();
            return Err(Failure::refused(format!(
                "there is no Keyrack in {data}: begin one with keyrack setup"
            )));
        }
        Door::to_folder(config, headers).await
    }
}

const PLAIN: &str = "This address is plain HTTP on another machine, so others on the network could read your API key. \
                     Use https://, or --allow-plain-http on a private network.";

/// Whether the connection is private: HTTPS, or an address of this machine.
fn is_private(server: &Url) -> bool {
    let is_loopback = match server.host() {
        Some(Host::Domain(name)) => name.trim_end_matches('.') == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.to_canonical().is_loopback(),
        None => false,
    };
    server.scheme() == "https" || is_loopback
}

fn wrong(message: &str) -> Failure {
    Failure::Wrong(message.to_owned())
}

fn key() -> Result<HeaderValue, Failure> {
    let key = Zeroizing::new(std::env::var(KEY).unwrap_or_default());
    if key.trim().is_empty() {
        return Err(wrong("put a key with the scope Keys into the environment variable KEYRACK_KEY"));
    }
    let bearer = Zeroizing::new(format!("Bearer {}", key.trim()));
    let mut value =
        HeaderValue::from_str(&bearer).map_err(|_| wrong("what KEYRACK_KEY holds is not a key"))?;
    value.set_sensitive(true);
    Ok(value)
}

fn server(text: &str) -> Result<Url, &'static str> {
    let plain = |url: &Url| {
        matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none()
    };
    text.parse().ok().filter(plain).ok_or("expected http(s)://host[:port] and nothing behind it")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_travels_in_plain_text_on_this_machine_alone() {
        let private = |url: &str| is_private(&url.parse().unwrap());
        for fine in [
            "https://keys.example.org",
            "http://localhost:8080",
            "http://127.0.0.1",
            "http://127.9.9.9",
            "http://[::1]:80",
        ] {
            assert!(private(fine), "{fine}");
        }
        for wrong in [
            "http://keys.example.org",
            "http://10.0.0.1",
            "http://localhost.example.org",
            "http://127.0.0.1.example.org",
            "http://0.0.0.0",
            "http://[::]",
        ] {
            assert!(!private(wrong), "{wrong}");
        }
    }
}
