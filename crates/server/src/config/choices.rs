//! The choices of the operator: flags, environment variables, and the configuration file.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::Args;
use ipnet::IpNet;
use keyrack_key::parse_network;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use url::Url;

use super::{Config, ConfigError, DEFAULT_DATA};

/// The choices as given, from one source. The same names everywhere: `--ops-listen`, `KEYRACK_OPS_LISTEN`, `ops-listen = …`.
#[derive(Args, Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Choices {
    /// Data folder [default: ./keyrack-data]
    #[arg(long, env = "KEYRACK_DATA", value_name = "DIR")]
    #[serde(skip)]
    pub data: Option<PathBuf>,
    /// Configuration file [default: keyrack.toml in the data folder, if that exists]
    #[arg(long, env = "KEYRACK_CONFIG", value_name = "FILE")]
    #[serde(skip)]
    pub config: Option<PathBuf>,
    /// Address to listen on for the pages and the API [default: 127.0.0.1:8080]
    #[arg(long, env = "KEYRACK_LISTEN", value_name = "ADDR")]
    pub listen: Option<SocketAddr>,
    /// Address to listen on for health checks and metrics [default: 127.0.0.1:8081]
    #[arg(long, env = "KEYRACK_OPS_LISTEN", value_name = "ADDR")]
    pub ops_listen: Option<SocketAddr>,
    /// URL at which clients reach the server, if it differs from the listen address (behind a proxy, or
    /// with a host name)
    #[arg(long, env = "KEYRACK_PUBLIC_URL", value_name = "URL")]
    pub public_url: Option<Url>,
    /// Certificate chain (PEM), to serve HTTPS
    #[arg(long, env = "KEYRACK_TLS_CERT", value_name = "FILE")]
    pub tls_cert: Option<PathBuf>,
    /// Private key of the certificate (PEM)
    #[arg(long, env = "KEYRACK_TLS_KEY", value_name = "FILE")]
    pub tls_key: Option<PathBuf>,
    /// IP address or network of a proxy whose X-Forwarded-For header is trusted (repeat for several)
    #[arg(long, env = "KEYRACK_TRUSTED_PROXY", value_name = "NETWORK", value_delimiter = ',', value_parser = parse_network)]
    #[serde(deserialize_with = "networks")]
    pub trusted_proxy: Option<Vec<IpNet>>,
    /// Target of the "Get help" link: a URL or an email address
    #[arg(long, env = "KEYRACK_SUPPORT", value_name = "URL|EMAIL")]
    pub support: Option<String>,
    /// Prefix of new secret keys [default: kr]
    #[arg(long, env = "KEYRACK_BRAND", value_name = "WORD")]
    pub brand: Option<String>,
    /// Earlier prefix whose secret keys still work (repeat for several)
    #[arg(long, env = "KEYRACK_OLDER_BRAND", value_name = "WORD", value_delimiter = ',')]
    pub older_brand: Option<Vec<String>>,
    /// Largest image, in megabytes [default: 10]
    #[arg(long, env = "KEYRACK_MAX_IMAGE_MB", value_name = "MB")]
    pub max_image_mb: Option<u32>,
    /// Free disk space in megabytes below which images, archives, and training runs are denied; 0 turns this
    /// off [default: 5% of the disk, 8 to 256]
    #[arg(long, env = "KEYRACK_DISK_RESERVE_MB", value_name = "MB")]
    pub disk_reserve_mb: Option<u32>,
    /// Backbone to use instead of the built-in one (ONNX)
    #[arg(long, env = "KEYRACK_BACKBONE", value_name = "FILE")]
    pub backbone: Option<PathBuf>,
    /// Number of training workers that the server starts; 0 leaves training to `keyrack worker` [default: 1]
    #[arg(long, env = "KEYRACK_WORKERS", value_name = "N")]
    pub workers: Option<u8>,
    /// Host on a private network that image URLs may name (repeat for several)
    #[arg(long, env = "KEYRACK_ALLOW_IMAGE_HOST", value_name = "HOST", value_delimiter = ',')]
    pub allow_image_host: Option<Vec<String>>,
    /// Number of days to keep usage, callers, and denied requests [default: 90]
    #[arg(long, env = "KEYRACK_USAGE_DAYS", value_name = "N")]
    pub usage_days: Option<u32>,
    /// Allow publishable keys to send image URLs, which the server then fetches
    #[arg(long, env = "KEYRACK_PUBLIC_IMAGE_URLS", num_args = 0..=1, default_missing_value = "true", value_name = "BOOL")]
    pub public_image_urls: Option<bool>,
    /// Maximum number of open connections [default: 10,000, or as many as the limit of open files allows]
    #[arg(long, env = "KEYRACK_CONNECTIONS_MAX", value_name = "N")]
    pub connections_max: Option<usize>,
    /// Maximum number of open connections per IP address or IPv6 /64 network; trusted proxies are exempt
    /// [default: an eighth of all]
    #[arg(long, env = "KEYRACK_CONNECTIONS_PER_ADDRESS_MAX", value_name = "N")]
    pub connections_per_address_max: Option<usize>,
    /// Log level: error, warn, info, debug, or trace [default: info]
    #[arg(long, env = "KEYRACK_LOG", value_name = "LEVEL")]
    pub log: Option<String>,
    /// Log as JSON Lines
    #[arg(long, env = "KEYRACK_LOG_JSON", num_args = 0..=1, default_missing_value = "true", value_name = "BOOL")]
    pub log_json: Option<bool>,
}

impl Choices {
    /// Returns the data folder, which is also where the configuration file is by default.
    pub fn data(&self) -> PathBuf {
        self.data.clone().unwrap_or_else(|| DEFAULT_DATA.into())
    }

    /// Adds the values of the configuration file and the defaults, and validates the result.
    pub fn complete(self) -> Result<Config, ConfigError> {
        let data = self.data();
        let file = match &self.config {
            Some(path) => Some(path.clone()),
            None => Some(data.join("keyrack.toml")).filter(|path| path.exists()),
        };
        let chosen = match file {
            Some(path) => self.or(read(&path)?),
            None => self,
        };
        chosen.check(data)
    }

    fn or(self, file: Self) -> Self {
        Self {
            data: self.data,
            config: self.config,
            listen: self.listen.or(file.listen),
            ops_listen: self.ops_listen.or(file.ops_listen),
            public_url: self.public_url.or(file.public_url),
            tls_cert: self.tls_cert.or(file.tls_cert),
            tls_key: self.tls_key.or(file.tls_key),
            trusted_proxy: self.trusted_proxy.or(file.trusted_proxy),
            support: self.support.or(file.support),
            brand: self.brand.or(file.brand),
            older_brand: self.older_brand.or(file.older_brand),
            max_image_mb: self.max_image_mb.or(file.max_image_mb),
            disk_reserve_mb: self.disk_reserve_mb.or(file.disk_reserve_mb),
            backbone: self.backbone.or(file.backbone),
            workers: self.workers.or(file.workers),
            allow_image_host: self.allow_image_host.or(file.allow_image_host),
            public_image_urls: self.public_image_urls.or(file.public_image_urls),
            usage_days: self.usage_days.or(file.usage_days),
            connections_max: self.connections_max.or(file.connections_max),
            connections_per_address_max: self
                .connections_per_address_max
                .or(file.connections_per_address_max),
            log: self.log.or(file.log),
            log_json: self.log_json.or(file.log_json),
        }
    }
}

fn read(path: &Path) -> Result<Choices, ConfigError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
    toml::from_str(&text).map_err(|source| ConfigError::Malformed { path: path.to_owned(), source })
}

/// Parses a list of networks in the file, in the format of the command line.
fn networks<'de, D: Deserializer<'de>>(texts: D) -> Result<Option<Vec<IpNet>>, D::Error> {
    let texts = Vec::<String>::deserialize(texts)?;
    let networks = texts.iter().map(|text| parse_network(text).map_err(D::Error::custom));
    networks.collect::<Result<_, _>>().map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choices(toml: &str) -> Choices {
        toml::from_str(toml).unwrap()
    }

    #[test]
    fn flag_overrides_the_file() {
        let flags = Choices { brand: Some("flag".into()), ..Choices::default() };
        let both = flags.or(choices("brand = 'file'\nlog = 'debug'")).check("x".into()).unwrap();
        assert_eq!(both.brands.current().as_str(), "flag");
        assert_eq!(both.log, tracing::Level::DEBUG);
    }

    #[test]
    fn trusted_proxy_is_an_address_or_a_network() {
        let config = choices("trusted-proxy = ['127.0.0.1', '10.0.0.0/8']").check("x".into()).unwrap();
        let trusted: Vec<_> = config.trusted_proxies.iter().map(ToString::to_string).collect();
        assert_eq!(trusted, ["127.0.0.1/32", "10.0.0.0/8"]);
        let error = toml::from_str::<Choices>("trusted-proxy = ['proxy.example.org']").unwrap_err();
        assert!(error.to_string().contains("Enter an IP address"), "{error}");
    }

    #[test]
    fn connection_limits_depend_on_file_descriptors() {
        let limits = |toml: &str, spare| {
            let limits = choices(toml).check("x".into()).unwrap().connection_limits(spare);
            (limits.all, limits.per_address)
        };
        assert_eq!(limits("", 50_000), (10_000, 1_250));
        assert_eq!(limits("", 800), (800, 100));
        assert_eq!(limits("connections-max = 40", 800), (40, 16));
        assert_eq!(limits("connections-max = 4", 800), (4, 4));
        assert_eq!(limits("connections-max = 900\nconnections-per-address-max = 7", 800), (800, 7));
        assert_eq!(limits("connections-per-address-max = 1000", 800), (800, 800));
    }

    #[test]
    fn invalid_option_is_rejected_with_the_expectation() {
        for (toml, expected) in [
            ("brand = 'K'", "2 to 12 lowercase"),
            ("public-url = 'ftp://x'", "such as https://keys.example.org"),
            ("public-url = 'http://x/path'", "without a path"),
            ("tls-cert = 'a.pem'", "Set both or neither"),
            ("max-image-mb = 0", "1 to 100"),
            ("usage-days = 0", "1 to 3,650"),
            ("disk-reserve-mb = 7", "from 8 to 1,000,000, or 0"),
            ("connections-max = 0", "of 1 or more"),
            ("connections-per-address-max = 0", "of 1 or more"),
            ("log = 'loud'", "Use error, warn"),
            ("support = 'help me'", "URL or an email"),
        ] {
            let error = choices(toml).check("x".into()).unwrap_err().to_string();
            assert!(error.contains(expected), "{toml}: {error}");
        }
        assert!(toml::from_str::<Choices>("lisen = '127.0.0.1:1'").is_err());
    }
}
