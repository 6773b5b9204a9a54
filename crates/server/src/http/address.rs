//! Finds the address of a client: the peer of the connection, or the address that a trusted proxy states.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use http::HeaderMap;
use ipnet::IpNet;
use keyrack_guard::ClientAddress;

/// The most hops that are read.
const HOPS: usize = 64;

/// Returns the address of the client whose request arrived over a connection with `peer`.
///
/// Each proxy appends the address of its peer to `X-Forwarded-For`. The client is therefore the first hop from the right
/// that is not a trusted proxy. Hops further left come from untrusted senders and are ignored. The client is unknown if a
/// trusted proxy states a hop that cannot be parsed: the client must not count as the proxy, which may be in a network that
/// a key allows. A trusted proxy that sends no such header is the client. `Forwarded` is ignored.
pub fn of_client(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> ClientAddress {
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(&address));
    let mut client = peer.to_canonical();
    // Compared first, because most peers are not trusted proxies.
    if !is_trusted(client) {
        return ClientAddress::Known(client);
    }
    let lines = headers.get_all("x-forwarded-for").iter().rev();
    let hops = lines.flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b','));
    for (number, hop) in hops.enumerate() {
        match parse_hop(hop).filter(|_| number < HOPS) {
            Some(address) => client = address.to_canonical(),
            None => return ClientAddress::Unknown,
        }
        if !is_trusted(client) {
            break;
        }
    }
    ClientAddress::Known(client)
}

/// Parses an IPv4 or IPv6 address, with or without brackets and port: some proxies append the port. Denies IPv6 addresses
/// with a zone, which mean a different host on each network.
fn parse_hop(hop: &[u8]) -> Option<IpAddr> {
    let hop = str::from_utf8(hop.trim_ascii()).ok()?;
    if let Some(rest) = hop.strip_prefix('[') {
        let (address, port) = rest.split_once(']')?;
        return is_port(port).then_some(address.parse::<Ipv6Addr>().ok()?.into());
    }
    hop.parse().ok().or_else(|| {
        let (address, port) = hop.split_at(hop.find(':')?);
        is_port(port).then_some(address.parse::<Ipv4Addr>().ok()?.into())
    })
}

/// Returns whether the text is empty, or `:` and a port.
fn is_port(text: &str) -> bool {
    let is_number =
        |digits: &str| digits.bytes().all(|b| b.is_ascii_digit()) && digits.parse::<u16>().is_ok();
    text.is_empty() || text.strip_prefix(':').is_some_and(is_number)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    const TRUSTED: [&str; 2] = ["127.0.0.0/8", "10.0.0.0/8"];

    fn client(peer: &str, forwarded: &[&[u8]], trusted: &[&str]) -> ClientAddress {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", HeaderValue::from_bytes(value).unwrap());
        }
        let trusted: Vec<_> = trusted.iter().map(|network| network.parse().unwrap()).collect();
        of_client(peer.parse().unwrap(), &headers, &trusted)
    }

    fn behind_proxy(forwarded: &[&[u8]]) -> ClientAddress {
        client("127.0.0.1", forwarded, &TRUSTED)
    }

    fn known(address: &str) -> ClientAddress {
        ClientAddress::Known(address.parse().unwrap())
    }

    #[test]
    fn forwarded_address_is_used_from_trusted_proxies_only() {
        assert_eq!(client("203.0.113.9", &[b"10.0.0.1"], &[]), known("203.0.113.9"));
        assert_eq!(client("203.0.113.9", &[b"10.0.0.1"], &TRUSTED), known("203.0.113.9"));
        assert_eq!(client("203.0.113.9", &[b"\xe9"], &TRUSTED), known("203.0.113.9"));
        assert_eq!(behind_proxy(&[b"198.51.100.7"]), known("198.51.100.7"));
        assert_eq!(client("::ffff:127.0.0.1", &[b"[2001:db8::1]"], &TRUSTED), known("2001:db8::1"));
        assert_eq!(behind_proxy(&[]), known("127.0.0.1"), "the proxy is the client");
        assert_eq!(behind_proxy(&[b"10.0.0.3, 10.0.0.2"]), known("10.0.0.3"), "a proxy behind a proxy");
    }

    #[test]
    fn entries_left_of_the_trusted_hop_are_ignored() {
        for left in [&b"1.1.1.1"[..], b"\xe9", b"", b"unknown", b"[[[", b",,,", "é".as_bytes()] {
            let one_line = [left, b", 198.51.100.7, 10.0.0.2"].concat();
            assert_eq!(behind_proxy(&[&one_line]), known("198.51.100.7"), "{left:?}");
            assert_eq!(behind_proxy(&[left, b"198.51.100.7:4711"]), known("198.51.100.7"), "{left:?}");
        }
        let many = [b"1.1.1.1, ".repeat(5_000).as_slice(), b"198.51.100.7"].concat();
        assert_eq!(behind_proxy(&[&many]), known("198.51.100.7"));
    }

    #[test]
    fn unreadable_trusted_hop_makes_the_client_unknown() {
        for hop in [
            &b""[..],
            b" ",
            b"unknown",
            b"_hidden",
            b"unix:",
            b"\xe9",
            b"198.51.100.7\xe9",
            b"198.51.100",
            b"198.51.100.7:",
            b"198.51.100.7:x",
            b"198.51.100.7:+80",
            b"198.51.100.7:65536",
            b"198.51.100.7 10.0.0.1",
            b"0198.51.100.7",
            b"[198.51.100.7]",
            b"[[2001:db8::1]]",
            b"[[[10.0.0.1",
            b"[2001:db8::1",
            b"2001:db8::1]",
            b"[2001:db8::1]80",
            b"[]",
            b"fe80::1%eth0",
            b"[fe80::1%1]:80",
            b"\"[2001:db8::1]\"",
            b"for=198.51.100.7",
            b"proxy.example.org",
        ] {
            assert_eq!(behind_proxy(&[hop]), ClientAddress::Unknown, "{}", String::from_utf8_lossy(hop));
            let between = [b"198.51.100.7, ", hop, b", 10.0.0.2"].concat();
            assert_eq!(behind_proxy(&[&between]), ClientAddress::Unknown, "{}", String::from_utf8_lossy(hop));
            assert_eq!(behind_proxy(&[b"198.51.100.7", hop]), ClientAddress::Unknown);
        }
        let proxies = [b"198.51.100.7, ".as_slice(), &b"10.0.0.1, ".repeat(HOPS), b"10.0.0.1"].concat();
        assert_eq!(behind_proxy(&[&proxies]), ClientAddress::Unknown, "the chain has too many proxies");
    }

    #[test]
    fn address_is_parsed_in_each_proxy_format() {
        for (hop, address) in [
            (&b"198.51.100.7:4711"[..], "198.51.100.7"),
            (b"\t198.51.100.7 ", "198.51.100.7"),
            (b"2001:db8::1", "2001:db8::1"),
            (b"[2001:db8::1]", "2001:db8::1"),
            (b"[2001:db8::1]:443", "2001:db8::1"),
            (b"::ffff:198.51.100.7", "198.51.100.7"),
        ] {
            assert_eq!(behind_proxy(&[hop]), known(address));
        }
    }

    proptest! {
        /// A client cannot forge what the trusted proxy appends.
        #[test]
        fn client_headers_cannot_change_the_proxy_entry(sent in proptest::collection::vec(any::<Vec<u8>>(), 0..4)) {
            let sent: Vec<_> = sent.into_iter().filter(|line| HeaderValue::from_bytes(line).is_ok()).collect();
            let mut lines: Vec<&[u8]> = sent.iter().map(Vec::as_slice).collect();
            lines.push(b"198.51.100.7");
            prop_assert_eq!(behind_proxy(&lines), known("198.51.100.7"));
            let joined = sent.iter().fold(Vec::new(), |all, line| [&all[..], line, b", "].concat());
            let joined = [joined.as_slice(), b"198.51.100.7"].concat();
            prop_assert_eq!(behind_proxy(&[&joined]), known("198.51.100.7"));
            prop_assert_ne!(behind_proxy(&[b"\xe9"]), known("127.0.0.1"));
        }
    }
}
