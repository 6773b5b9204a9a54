//! The arguments that select a server or a data folder.

use std::path::PathBuf;

use clap::Args;
use http::{HeaderMap, HeaderValue, header};
use serde::de::DeserializeOwned;
use url::{Host, Url};
use zeroize::Zeroizing;

use super::client::ApiClient;
use super::error::CliError;
use super::output::Output;
use super::request::ApiRequest;
use crate::config::Choices;
use crate::folder::Folder;

/// The environment variable with the API key for `--server`. Other users of the machine can read arguments, but
/// not the environment.
const KEY: &str = "KEYRACK_KEY";

#[derive(Args, Debug)]
pub(super) struct ConnectionArgs {
    /// Data folder, whether a server runs on it or not [env: KEYRACK_DATA] [default: ./keyrack-data]
    #[arg(long, value_name = "DIR", conflicts_with = "server")]
    data: Option<PathBuf>,
    /// URL of a server to use instead of a data folder; set KEYRACK_KEY to a key with the Keys scope
    #[arg(long, value_name = "URL", value_parser = server)]
    server: Option<Url>,
    /// Allow plain HTTP to another machine, where others on the network can read the key
    #[arg(long, requires = "server")]
    allow_plain_http: bool,
    /// Workspace, as in the URLs of its pages; not needed with --server, where the key determines it
    #[arg(long, value_name = "SLUG")]
    workspace: Option<String>,
    /// Print the response of the API as one JSON object
    #[arg(long)]
    pub(super) json: bool,
}

impl ConnectionArgs {
    /// Sends one request. Returns the response unchanged with `--json`, and otherwise what `for_people` makes of it.
    pub(super) async fn request<T: DeserializeOwned>(
        &self,
        choices: Choices,
        request: ApiRequest,
        for_people: impl FnOnce(T) -> Output,
    ) -> Result<Output, CliError> {
        let response = self.with_client(choices, async |client| client.send(request).await).await?;
        if self.json { response.to_raw() } else { response.read().map(for_people) }
    }

    /// Connects, runs `work` with the connection, and closes the connection whether `work` succeeded or not.
    pub(super) async fn with_client<T>(
        &self,
        choices: Choices,
        work: impl AsyncFnOnce(&ApiClient) -> Result<T, CliError>,
    ) -> Result<T, CliError> {
        let client = self.open(choices).await?;
        let done = work(&client).await;
        client.close().await;
        done
    }

    async fn open(&self, choices: Choices) -> Result<ApiClient, CliError> {
        let mut headers = HeaderMap::new();
        if let Some(workspace) = &self.workspace {
            let name = HeaderValue::from_str(workspace);
            headers.insert("x-keyrack-workspace", name.map_err(|_| invalid("Workspace not found."))?);
        }
        if let Some(server) = &self.server {
            if !(self.allow_plain_http || is_confidential(server)) {
                return Err(invalid(PLAIN));
            }
            headers.insert(header::AUTHORIZATION, key()?);
            return ApiClient::connect(server, headers);
        }
        if self.workspace.is_none() {
            return Err(invalid("Name the workspace with --workspace, as in the URLs of its pages."));
        }
        let config = Choices { data: self.data.clone().or(choices.data), ..choices }.complete()?;
        if !Folder::is_used(&config.data) {
            let data = config.data.display();
            return Err(CliError::failed(format!(
                "No Keyrack data found in {data}. Run `keyrack setup` first."
            )));
        }
        ApiClient::open_folder(config, headers).await
    }
}

const PLAIN: &str = "This address is plain HTTP on another machine, so others on the network could read your API key. \
                     Use https://, or --allow-plain-http on a private network.";

/// Whether requests to the URL are safe from eavesdropping: they use HTTPS, or they stay on this machine.
fn is_confidential(server: &Url) -> bool {
    let is_loopback = match server.host() {
        Some(Host::Domain(name)) => name.trim_end_matches('.') == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.to_canonical().is_loopback(),
        None => false,
    };
    server.scheme() == "https" || is_loopback
}

fn invalid(message: &str) -> CliError {
    CliError::InvalidUse(message.to_owned())
}

fn key() -> Result<HeaderValue, CliError> {
    let key = Zeroizing::new(std::env::var(KEY).unwrap_or_default());
    if key.trim().is_empty() {
        return Err(invalid("Set KEYRACK_KEY to an API key with the Keys scope."));
    }
    let bearer = Zeroizing::new(format!("Bearer {}", key.trim()));
    let mut value =
        HeaderValue::from_str(&bearer).map_err(|_| invalid("KEYRACK_KEY isn't a valid API key."))?;
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
    text.parse().ok().filter(plain).ok_or("Use a URL such as https://keys.example.org, without a path.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_private_only_on_loopback() {
        let private = |url: &str| is_confidential(&url.parse().unwrap());
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
