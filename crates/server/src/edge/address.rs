//! The client's address: the peer's, or what a trusted proxy says of it.

use std::net::{IpAddr, SocketAddr};

use http::HeaderMap;
use ipnet::IpNet;

/// From the right, the first address in `X-Forwarded-For` that is no trusted proxy: each proxy appends whom it saw,
/// so what stands left of that was written by somebody who is not trusted.
pub fn of_client(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(&address));
    let mut client = peer.to_canonical();
    // Asked first: most connections are of nobody who is trusted.
    if !is_trusted(client) {
        return client;
    }
    let hops: Vec<_> = headers
        .get_all("x-forwarded-for")
        .iter()
        .flat_map(|value| value.to_str().unwrap_or_default().split(','))
        .collect();
    for hop in hops.iter().rev() {
        match parse_hop(hop.trim()) {
            Some(address) => client = address.to_canonical(),
            None => break,
        }
        if !is_trusted(client) {
            break;
        }
    }
    client
}

/// Some proxies append the port.
fn parse_hop(hop: &str) -> Option<IpAddr> {
    let bare = hop.trim_start_matches('[').trim_end_matches(']');
    bare.parse().ok().or_else(|| hop.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: &str, forwarded: &[&str], trusted: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", value.parse().unwrap());
        }
        let trusted: Vec<_> = trusted.iter().map(|network| network.parse().unwrap()).collect();
        of_client(peer.parse().unwrap(), &headers, &trusted).to_string()
    }

    #[test]
    fn nobody_but_a_trusted_proxy_is_believed() {
        assert_eq!(client("203.0.113.9", &["10.0.0.1"], &[]), "203.0.113.9");
        assert_eq!(client("203.0.113.9", &["10.0.0.1"], &["127.0.0.0/8"]), "203.0.113.9");
        assert_eq!(client("127.0.0.1", &["198.51.100.7"], &["127.0.0.0/8"]), "198.51.100.7");
    }

    #[test]
    fn what_a_client_wrote_in_front_is_not_believed() {
        let trusted = ["127.0.0.0/8", "10.0.0.0/8"];
        assert_eq!(client("127.0.0.1", &["1.1.1.1, 198.51.100.7, 10.0.0.2"], &trusted), "198.51.100.7");
        assert_eq!(client("127.0.0.1", &["1.1.1.1", "198.51.100.7:4711"], &trusted), "198.51.100.7");
        assert_eq!(client("127.0.0.1", &["nonsense"], &trusted), "127.0.0.1");
        assert_eq!(client("::ffff:127.0.0.1", &["[2001:db8::1]"], &trusted), "2001:db8::1");
    }
}
