//! Parses the networks that a key is restricted to.

use std::net::IpAddr;

use ipnet::IpNet;

/// The text is not a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    /// The text is neither a network nor an address.
    #[error("Enter an IP address such as 203.0.113.7, or a network such as 10.4.0.0/16 or 2001:db8::/32.")]
    NoNetwork,
    /// The address has bits outside its prefix. Either the network or the single address may be
    /// meant; this is the network.
    #[error("This address is inside {0}. Use {0} for the network, or leave out the /{len} for only this \
         address.", len = .0.prefix_len())]
    HostBits(IpNet),
}

/// Parses a network in CIDR notation (RFC 4632), or a single address: `203.0.113.7` becomes `203.0.113.7/32`.
/// An IPv4 network that is mapped into IPv6 becomes IPv4, as the addresses of clients do.
///
/// # Errors
///
/// Fails if the text is neither, or if the address has bits outside its prefix.
///
/// # Examples
///
/// ```
/// use keyrack_key::parse_network;
///
/// assert_eq!(parse_network("203.0.113.7")?.to_string(), "203.0.113.7/32");
/// assert!(parse_network("10.4.0.17/16").is_err());
/// # Ok::<(), keyrack_key::NetworkError>(())
/// ```
pub fn parse_network(text: &str) -> Result<IpNet, NetworkError> {
    let text = text.trim();
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok(address.to_canonical().into());
    }
    let network = canonical(read(text).ok_or(NetworkError::NoNetwork)?);
    if network == network.trunc() { Ok(network) } else { Err(NetworkError::HostBits(network.trunc())) }
}

/// Accepts no leading zeros in a number, which some programs read as octal.
fn read(text: &str) -> Option<IpNet> {
    let (address, prefix) = text.split_once('/')?;
    let prefix = Some(prefix).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
    IpNet::new(address.parse().ok()?, prefix.parse().ok()?).ok()
}

/// The bits in front of the IPv4 address in an IPv4-mapped IPv6 address (RFC 4291, section 2.5.5.2).
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

    fn parsed(text: &str) -> Result<String, NetworkError> {
        parse_network(text).map(|network| network.to_string())
    }

    #[test]
    fn single_address_parses_as_network() {
        for (text, network) in [
            ("203.0.113.7", "203.0.113.7/32"),
            (" 2001:db8::1 ", "2001:db8::1/128"),
            ("10.4.0.0/16", "10.4.0.0/16"),
            ("2001:DB8::/32", "2001:db8::/32"),
            ("0.0.0.0/0", "0.0.0.0/0"),
            ("::ffff:10.4.0.17", "10.4.0.17/32"),
            ("::ffff:10.4.0.0/112", "10.4.0.0/16"),
        ] {
            assert_eq!(parsed(text).as_deref(), Ok(network), "{text}");
        }
    }

    #[test]
    fn address_with_host_bits_is_rejected_with_network() {
        let error = |text: &str| parsed(text).unwrap_err().to_string();
        assert!(error("10.4.0.17/16").contains("10.4.0.0/16"), "{}", error("10.4.0.17/16"));
        assert!(error("10.4.0.17/16").contains("leave out the /16"));
        assert!(error("2001:db8::1/32").contains("2001:db8::/32"));
        assert!(error("::ffff:10.4.0.17/112").contains("10.4.0.0/16"));
    }

    #[test]
    fn invalid_network_is_rejected() {
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
            assert_eq!(parsed(text), Err(NetworkError::NoNetwork), "{text}");
        }
    }

    proptest! {
        #[test]
        fn parsed_network_contains_its_address(bytes: [u8; 16], short: bool, prefix in 0_u8..=128) {
            let address = if short { IpAddr::from([bytes[0], bytes[1], bytes[2], bytes[3]]) } else { IpAddr::from(bytes) };
            let alone = parse_network(&address.to_string()).unwrap();
            prop_assert!(alone.contains(&address.to_canonical()) && alone.prefix_len() == alone.max_prefix_len());
            // The error names a network that is valid and contains the address.
            let prefix = if short { prefix.min(32) } else { prefix };
            let meant = match parse_network(&format!("{address}/{prefix}")) {
                Ok(network) | Err(NetworkError::HostBits(network)) => network,
                Err(NetworkError::NoNetwork) => return Err(TestCaseError::fail("it is one")),
            };
            prop_assert_eq!(parse_network(&meant.to_string()), Ok(meant));
            prop_assert!(meant.contains(&address) || meant.contains(&address.to_canonical()));
        }

        #[test]
        fn parse_network_never_panics(text: String) {
            let _ = parse_network(&text);
        }
    }
}
