//! The proxies that send requests, and what each of them supports.

use http::{HeaderMap, HeaderValue};

use crate::http::ask_path::{ENVOY, PROXY};

/// The proxy that sends a request.
#[derive(Clone, Copy)]
pub(super) enum Proxy {
    /// Supports the statuses 204, 401, and 403 only.
    Nginx,
    /// Allows a request only if the status is 200.
    Envoy,
    /// Can't remove a key from the query of the request that it forwards.
    Traefik,
    Other,
}

impl Proxy {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        match headers.get(PROXY).map(HeaderValue::as_bytes) {
            Some(b"nginx") => Self::Nginx,
            Some(b"traefik") => Self::Traefik,
            Some(name) if name == ENVOY.as_bytes() => Self::Envoy,
            _ => Self::Other,
        }
    }

    /// Whether a service behind the proxy would see a key in the query.
    pub(super) fn passes_on_keys_in_query(self) -> bool {
        matches!(self, Self::Traefik)
    }
}
