//! Validates the choices of the operator and adds the defaults.

use std::net::Ipv4Addr;
use std::path::PathBuf;

use keyrack_key::{Brand, Brands};
use url::Url;

use super::{Choices, Config, ConfigError, MOST_IMAGE_MB, Tls};

impl Choices {
    /// Validates the choices and adds the defaults.
    pub(super) fn check(self, data: PathBuf) -> Result<Config, ConfigError> {
        let tls = match (self.tls_cert, self.tls_key) {
            (Some(cert), Some(key)) => Some(Tls { cert, key }),
            (None, None) => None,
            _ => return Err(wrong("tls-cert and tls-key", "Set both or neither.")),
        };
        Ok(Config {
            data,
            listen: self.listen.unwrap_or_else(|| (Ipv4Addr::LOCALHOST, 8080).into()),
            ops_listen: self.ops_listen.unwrap_or_else(|| (Ipv4Addr::LOCALHOST, 8081).into()),
            public_url: self.public_url.map(check_public_url).transpose()?,
            listening: None,
            tls,
            trusted_proxies: self.trusted_proxy.unwrap_or_default(),
            support: self.support.map(help_link).transpose()?,
            brands: brands(self.brand.as_deref(), &self.older_brand.unwrap_or_default())?,
            max_image: max_image(self.max_image_mb.unwrap_or(10))?,
            disk_reserve: self.disk_reserve_mb.map(disk_reserve).transpose()?,
            backbone: self.backbone,
            workers: self.workers.unwrap_or(1),
            allowed_image_hosts: self.allow_image_host.unwrap_or_default(),
            public_image_urls: self.public_image_urls.unwrap_or(false),
            usage_days: usage_days(self.usage_days.unwrap_or(90))?,
            connections_max: at_least_one("connections-max", self.connections_max)?,
            connections_per_address_max: at_least_one(
                "connections-per-address-max",
                self.connections_per_address_max,
            )?,
            log: level(self.log.as_deref())?,
            log_json: self.log_json.unwrap_or(false),
        })
    }
}

fn check_public_url(url: Url) -> Result<Url, ConfigError> {
    let plain = matches!(url.scheme(), "http" | "https")
        && url.host().is_some()
        && url.path() == "/"
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    if plain {
        Ok(url)
    } else {
        Err(wrong("public-url", "Use a URL such as https://keys.example.org, without a path."))
    }
}

/// Keeps a URL, and converts an email address to a `mailto:` URL.
fn help_link(support: String) -> Result<String, ConfigError> {
    match Url::parse(&support) {
        Ok(url) if matches!(url.scheme(), "http" | "https" | "mailto") => Ok(support),
        Err(_) if support.contains('@') && !support.contains(char::is_whitespace) => {
            Ok(format!("mailto:{support}"))
        }
        _ => Err(wrong("support", "Use a URL or an email address.")),
    }
}

fn brands(current: Option<&str>, older: &[String]) -> Result<Brands, ConfigError> {
    let parse = |choice, text: &str| text.parse::<Brand>().map_err(|error| wrong(choice, error.to_string()));
    let older = older.iter().map(|text| parse("older-brand", text)).collect::<Result<_, _>>()?;
    Ok(Brands::new(parse("brand", current.unwrap_or("kr"))?, older))
}

/// Converts megabytes to bytes. No image within the limits of pixels is larger than the maximum.
fn max_image(megabytes: u32) -> Result<usize, ConfigError> {
    match megabytes {
        1..=MOST_IMAGE_MB => Ok(megabytes as usize * 1_000_000),
        _ => Err(wrong("max-image-mb", "Use a number from 1 to 100.")),
    }
}

/// Converts megabytes to bytes. Requests can use up less than 8 MB between two checks of the disk.
fn disk_reserve(megabytes: u32) -> Result<u64, ConfigError> {
    match megabytes {
        0 | 8..=1_000_000 => Ok(u64::from(megabytes) * 1_000_000),
        _ => Err(wrong("disk-reserve-mb", "Use a number from 8 to 1,000,000, or 0 for no reserve.")),
    }
}

/// Limits the days to ten years.
fn usage_days(days: u32) -> Result<u32, ConfigError> {
    if (1..=3_650).contains(&days) {
        Ok(days)
    } else {
        Err(wrong(
            "usage-days",
            "Use a number of days from 1 \
         to 3,650.",
        ))
    }
}

fn at_least_one(choice: &'static str, number: Option<usize>) -> Result<Option<usize>, ConfigError> {
    if number == Some(0) { Err(wrong(choice, "Use a number of 1 or more.")) } else { Ok(number) }
}

fn level(text: Option<&str>) -> Result<tracing::Level, ConfigError> {
    text.unwrap_or("info").parse().map_err(|_| wrong("log", "Use error, warn, info, debug, or trace."))
}

fn wrong(choice: &'static str, expected: impl Into<String>) -> ConfigError {
    ConfigError::Wrong { choice, expected: expected.into() }
}
