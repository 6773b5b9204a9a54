//! The networks from which a key may be used, as people write them.

use std::net::IpAddr;

use ipnet::IpNet;

/// Why a text is no network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    /// It is neither a network nor an address.
    #[error("expected a network such as 10.4.0.0/16 or 2001:db8::/32, or an address such as 203.0.113.7")]
    NoNetwork,
    /// An address with a prefix that is shorter than it: nobody can say which of the two was meant.
    #[error("this address lies inside {0}: write that for the network, or leave out the /{len} for the address alone", len = .0.prefix_len())]
    HostBits(IpNet),
}

/// Reads a network in CIDR (RFC 4632), or a single address, which is a network of its own: `203.0.113.7` becomes
/// `203.0.113.7/32`. IPv4 inside IPv6 is the IPv4 that it is, as with the addresses that are asked about.
///
/// # Errors
///
/// For what is neither, and for a network whose address has bits beyond its prefix.
pub fn parse_network(text: &str) -> Result<IpNet, NetworkError> {
    let text = text.trim();
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok(address.to_canonical().into());
    }
    let network = canonical(read(text).ok_or(NetworkError::NoNetwork)?);
    if network == network.trunc() { Ok(network) } else { Err(NetworkError::HostBits(network.trunc())) }
}

/// No zeros before the numbers of an address: some read those as octal.
fn read(text: &str) -> Option<IpNet> {
    let (address, prefix) = text.split_once('/')?;
    let prefix = Some(prefix).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
    IpNet::new(address.parse().ok()?, prefix.parse().ok()?).ok()
}

/// How many bits stand before the IPv4 address in an IPv6 address that holds one (RFC 4291, section 2.5.5.2).
const MAPPED: u8 = 96;

fn canonical(network: IpNet) -> IpNet {
    let short = network.prefix_len().checked_sub(MAPPED);
    match (network.addr().to_canonical(), short) {
        (IpAddr::V4(address), Some(prefix)) if matches!(network, IpNet::V6(_)) => {
            IpNet::new(address.into(), prefix).unwrap_or(network)
        }
        _ => network,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn says(text: &str) -> Result<String, NetworkError> {
        parse_network(text).map(|network| network.to_string())
    }

    #[test]
    fn a_single_address_is_a_network_of_its_own() {
        for (text, network) in [
            ("203.0.113.7", "203.0.113.7/32"),
            (" 2001:db8::1 ", "2001:db8::1/128"),
            ("10.4.0.0/16", "10.4.0.0/16"),
            ("2001:DB8::/32", "2001:db8::/32"),
            ("0.0.0.0/0", "0.0.0.0/0"),
            ("::ffff:10.4.0.17", "10.4.0.17/32"),
            ("::ffff:10.4.0.0/112", "10.4.0.0/16"),
        ] {
            assert_eq!(says(text).as_deref(), Ok(network), "{text}");
        }
    }

    #[test]
    fn an_address_with_a_prefix_names_the_network_that_was_meant() {
        let error = |text: &str| says(text).unwrap_err().to_string();
        assert!(error("10.4.0.17/16").contains("10.4.0.0/16"), "{}", error("10.4.0.17/16"));
        assert!(error("10.4.0.17/16").contains("leave out the /16"));
        assert!(error("2001:db8::1/32").contains("2001:db8::/32"));
        assert!(error("::ffff:10.4.0.17/112").contains("10.4.0.0/16"));
    }

    #[test]
    fn what_is_neither_is_refused() {
        for text in [
            "",
            "10.4.0",
            "10.4.0.0/33",
            "2001:db8::/129",
            "10.4.0.0/",
            "/8",
            "10.4.0.0 /16",
            "010.4.0.0/16",
            "example.org",
            "10.4.0.0/-1",
            "10.4.0.0/+8",
            "fe80::1%eth0",
            "10.4.0.0-10.4.0.9",
            "１０.0.0.0/8",
        ] {
            assert_eq!(says(text), Err(NetworkError::NoNetwork), "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_address_is_within_what_was_read_of_it(bytes: [u8; 16], short: bool, prefix in 0_u8..=128) {
            let address = if short { IpAddr::from([bytes[0], bytes[1], bytes[2], bytes[3]]) } else { IpAddr::from(bytes) };
            let alone = parse_network(&address.to_string()).unwrap();
            prop_assert!(alone.contains(&address.to_canonical()) && alone.prefix_len() == alone.max_prefix_len());
            // What is refused names a network that is read, and holds the address.
            let prefix = if short { prefix.min(32) } else { prefix };
            let meant = match parse_network(&format!("{address}/{prefix}")) {
                Ok(network) | Err(NetworkError::HostBits(network)) => network,
                Err(NetworkError::NoNetwork) => return Err(TestCaseError::fail("it is one")),
            };
            prop_assert_eq!(parse_network(&meant.to_string()), Ok(meant));
            prop_assert!(meant.contains(&address) || meant.contains(&address.to_canonical()));
        }

        #[test]
        fn no_text_makes_it_fail_otherwise(text: String) {
            let _ = parse_network(&text);
        }
    }
}
