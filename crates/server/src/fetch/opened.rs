//! What the door opens to: hosts that the operator has named, and public addresses.

use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::net::lookup_host;
use url::{Host, Url};

use super::addresses::is_public;

/// Hosts that the operator has named, in lower case. Their addresses may be private.
#[derive(Clone, Debug)]
pub(super) struct Opened(Arc<HashSet<String>>);

impl Opened {
    pub(super) fn of(hosts: &[String]) -> Self {
        Self(Arc::new(hosts.iter().map(|host| plain(host)).collect()))
    }

    fn names(&self, host: &str) -> bool {
        self.0.contains(&plain(host))
    }

    /// What can be said before a name is looked up. Ports below 1024 other than the two of the web belong to services
    /// that must not be spoken to.
    pub(super) fn may_ask(&self, url: &Url) -> bool {
        let Some(host) = url.host() else { return false };
        let is_web = matches!(url.scheme(), "http" | "https");
        let is_plain = url.username().is_empty() && url.password().is_none();
        let is_opened = self.names(&host.to_string());
        let port_is_free =
            is_opened || url.port_or_known_default().is_some_and(|p| p == 80 || p == 443 || p >= 1024);
        let may_reach = match host {
            // The resolver decides.
            Host::Domain(name) => !name.is_empty(),
            Host::Ipv4(address) => is_opened || is_public(IpAddr::V4(address)),
            Host::Ipv6(address) => is_opened || is_public(IpAddr::V6(address)),
        };
        is_web && is_plain && port_is_free && may_reach
    }
}

/// The client asks this for every connection by name, and connects to what it answers and to nothing else.
impl Resolve for Opened {
    fn resolve(&self, name: Name) -> Resolving {
        let is_opened = self.names(name.as_str());
        Box::pin(async move {
            let found: Vec<SocketAddr> = lookup_host((name.as_str(), 0)).await?.collect();
            // A name with one private address among its addresses means nothing good.
            if found.is_empty() || !(is_opened || found.iter().all(|one| is_public(one.ip()))) {
                return Err("the name leads to no public address".into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// Without brackets, capitals, and the root's dot.
fn plain(host: &str) -> String {
    host.trim().trim_start_matches('[').trim_end_matches(']').trim_end_matches('.').to_ascii_lowercase()
}
