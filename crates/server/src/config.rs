//! Configuration from flags, environment variables, and a file, in this order of precedence.

mod choices;
mod validate;

use std::net::SocketAddr;
use std::path::PathBuf;

use ipnet::IpNet;
use keyrack_guard::OwnOrigins;
use keyrack_key::Brands;
use url::Url;

use crate::http::listen::ConnectionLimits;

pub use choices::Choices;

/// The default data folder.
pub const DEFAULT_DATA: &str = "./keyrack-data";

/// Open connections without `--connections-max`. Each connection takes about 20 KB.
const CONNECTIONS_MAX: usize = 10_000;
/// Connections that each address may have in any case: a browser opens six.
const SMALLEST_SHARE: usize = 16;

/// The maximum value of `--max-image-mb`.
pub const MOST_IMAGE_MB: u32 = 100;

/// The complete and validated configuration.
#[derive(Clone, Debug)]
pub struct Config {
    pub data: PathBuf,
    pub listen: SocketAddr,
    pub ops_listen: SocketAddr,
    pub public_url: Option<Url>,
    /// The address that the process listens on; `None` before it listens.
    pub listening: Option<SocketAddr>,
    pub tls: Option<Tls>,
    pub trusted_proxies: Vec<IpNet>,
    pub support: Option<String>,
    pub brands: Brands,
    /// In bytes.
    pub max_image: usize,
    /// In bytes; 0 means no reserve. `None` means a share of the disk.
    pub disk_reserve: Option<u64>,
    pub backbone: Option<PathBuf>,
    pub workers: u8,
    pub allowed_image_hosts: Vec<String>,
    pub public_image_urls: bool,
    pub usage_days: u32,
    /// `None` allows as many as the limit of open files leaves.
    pub connections_max: Option<usize>,
    pub connections_per_address_max: Option<usize>,
    pub log: tracing::Level,
    pub log_json: bool,
}

/// Paths of the certificate and its private key.
#[derive(Clone, Debug)]
pub struct Tls {
    pub cert: PathBuf,
    pub key: PathBuf,
}

/// An invalid configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("The configuration file {path} can't be read: {source}")]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("The configuration file {path} is invalid: {source}")]
    Malformed { path: PathBuf, source: toml::de::Error },
    #[error("{choice}: {expected}")]
    Wrong { choice: &'static str, expected: String },
}

impl Config {
    /// Returns the URL of a key's page, without the key's id at the end.
    pub fn manage_url(&self) -> String {
        format!("{}/keys/", self.base_url())
    }

    /// Returns the URL of this server without a trailing slash: the public URL, or else the address that the
    /// server listens on.
    pub fn base_url(&self) -> String {
        if let Some(url) = &self.public_url {
            return url.as_str().trim_end_matches('/').to_owned();
        }
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        match self.listening {
            // An unspecified address means all addresses of this machine, and a link cannot lead to it.
            Some(address) if address.ip().is_unspecified() => {
                format!("{scheme}://localhost:{}", address.port())
            }
            Some(address) => format!("{scheme}://{address}"),
            None => String::new(),
        }
    }

    /// Returns the origins of this server's pages: IP addresses, `localhost`, and the public URL if the
    /// operator has set one.
    pub fn home(&self) -> OwnOrigins {
        let origin = self.public_url.as_ref().map(|url| url.origin().ascii_serialization());
        origin.and_then(|origin| OwnOrigins::with(&origin)).unwrap_or(OwnOrigins::local())
    }

    /// Returns the limits of connections if `spare` file descriptors are available.
    pub fn connection_limits(&self, spare: usize) -> ConnectionLimits {
        let all = self.connections_max.unwrap_or(CONNECTIONS_MAX).min(spare);
        let default = (all / 8).max(SMALLEST_SHARE);
        let per_address = self.connections_per_address_max.unwrap_or(default).clamp(1, all);
        ConnectionLimits { all, per_address, proxies: self.trusted_proxies.clone() }
    }

    /// Returns whether browsers reach this server over HTTPS, so that cookies can be `Secure`.
    pub fn is_https(&self) -> bool {
        self.public_url.as_ref().map_or(self.tls.is_some(), |url| url.scheme() == "https")
    }
}
