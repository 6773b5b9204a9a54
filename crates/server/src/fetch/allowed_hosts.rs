//! Allows the hosts that the operator has named, and public addresses.

use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::net::lookup_host;
use url::{Host, Url};

use super::addresses::is_public;

/// Hosts that the operator has named, in lower case. These hosts may have private addresses.
#[derive(Clone, Debug)]
pub(super) struct AllowedHosts(Arc<HashSet<String>>);

impl AllowedHosts {
    pub(super) fn of(hosts: &[String]) -> Self {
        Self(Arc::new(hosts.iter().map(|host| plain(host)).collect()))
    }

    fn names(&self, host: &str) -> bool {
        self.0.contains(&plain(host))
    }

    /// Checks what is known before the name is resolved. Ports below 1024, except 80 and 443, belong to services that the
    /// server must not contact.
    pub(super) fn may_ask(&self, url: &Url) -> bool {
        let Some(host) = url.host() else { return false };
        let is_web = matches!(url.scheme(), "http" | "https");
        let is_plain = url.username().is_empty() && url.password().is_none();
        let is_opened = self.names(&host.to_string());
        let port_is_free =
            is_opened || url.port_or_known_default().is_some_and(|p| p == 80 || p == 443 || p >= 1024);
        let may_reach = match host {
            // The resolver decides about domain names.
            Host::Domain(name) => !name.is_empty(),
            Host::Ipv4(address) => is_opened || is_public(IpAddr::V4(address)),
            Host::Ipv6(address) => is_opened || is_public(IpAddr::V6(address)),
        };
        is_web && is_plain && port_is_free && may_reach
    }
}

/// The client resolves every name with this resolver, and connects only to the addresses that the resolver returns.
impl Resolve for AllowedHosts {
    fn resolve(&self, name: Name) -> Resolving {
        let is_opened = self.names(name.as_str());
        Box::pin(async move {
            let found: Vec<SocketAddr> = lookup_host((name.as_str(), 0)).await?.collect();
            // A public name with a private address among its addresses is likely an attack.
            if found.is_empty() || !(is_opened || found.iter().all(|one| is_public(one.ip()))) {
                return Err("the host name has no public address".into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// Removes brackets, capitals, and the trailing dot of the root.
fn plain(host: &str) -> String {
    host.trim().trim_start_matches('[').trim_end_matches(']').trim_end_matches('.').to_ascii_lowercase()
}
