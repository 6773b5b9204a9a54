//! Decides which addresses are public. Every address that is not known to be public counts as private, so that the server
//! fetches only what its clients could fetch themselves.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Blocks that are not globally reachable, or that are not a single host (IANA's special-purpose registry, RFC 6890,
/// and multicast).
const PRIVATE_V4: [([u8; 4], u8); 19] = [
    ([0, 0, 0, 0], 8),        // this network
    ([10, 0, 0, 0], 8),       // private
    ([100, 64, 0, 0], 10),    // shared, behind a provider's NAT
    ([127, 0, 0, 0], 8),      // loopback
    ([169, 254, 0, 0], 16),   // link-local; the metadata of clouds
    ([172, 16, 0, 0], 12),    // private
    ([192, 0, 0, 0], 24),     // protocol assignments
    ([192, 0, 2, 0], 24),     // documentation
    ([192, 31, 196, 0], 24),  // AS112
    ([192, 52, 193, 0], 24),  // AMT
    ([192, 88, 99, 0], 24),   // 6to4 relays
    ([192, 168, 0, 0], 16),   // private
    ([192, 175, 48, 0], 24),  // AS112
    ([198, 18, 0, 0], 15),    // benchmarks
    ([198, 51, 100, 0], 24),  // documentation
    ([203, 0, 113, 0], 24),   // documentation
    ([224, 0, 0, 0], 4),      // multicast
    ([240, 0, 0, 0], 4),      // reserved, broadcast
    ([168, 63, 129, 16], 32), // inside a cloud, though it looks public
];

/// Blocks within 2000::/3 that are not public hosts, or that lead to an IPv4 address. No address outside
/// 2000::/3 is public.
const PRIVATE_V6: [([u16; 8], u8); 6] = [
    ([0x2001, 0, 0, 0, 0, 0, 0, 0], 23), // protocol assignments: Teredo, ORCHID, benchmarks
    ([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32), // documentation
    ([0x2002, 0, 0, 0, 0, 0, 0, 0], 16), // 6to4
    ([0x2620, 0x4f, 0x8000, 0, 0, 0, 0, 0], 48), // AS112
    ([0x3ffe, 0, 0, 0, 0, 0, 0, 0], 16), // 6bone, given back
    ([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20), // documentation
];

/// Returns whether an address is a host of the public internet.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let bits = address.to_bits();
    !PRIVATE_V4.iter().any(|(block, length)| (bits ^ u32::from_be_bytes(*block)) >> (32 - length) == 0)
}

/// IPv4 addresses inside IPv6 addresses, mapped or behind NAT64, are outside 2000::/3 and so count as private.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let bits = address.to_bits();
    // The last part of an ISATAP address is an IPv4 address that the network may tunnel to (RFC 5214).
    let is_isatap = bits >> 32 & 0xfdff_ffff == 0x5efe;
    bits >> 125 == 1
        && !is_isatap
        && !PRIVATE_V6.iter().any(|(block, length)| {
            (bits ^ Ipv6Addr::from(*block).to_bits()) >> (128 - u32::from(*length)) == 0
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(texts: &str) -> impl Iterator<Item = IpAddr> + '_ {
        texts.split_whitespace().map(|text| text.parse().unwrap())
    }

    #[test]
    fn special_purpose_addresses_are_private() {
        for address in all("
            0.0.0.0 0.1.2.3 0.255.255.255 10.0.0.0 10.0.0.1 10.255.255.255 100.64.0.0 100.100.100.200 100.127.255.255
            127.0.0.1 127.1.2.3 127.255.255.255 169.254.0.0 169.254.169.254 169.254.255.255
            172.16.0.0 172.20.1.1 172.31.255.255 192.0.0.0 192.0.0.170 192.0.0.255 192.0.2.1 192.31.196.1 192.52.193.1
            192.88.99.1 192.168.0.0 192.168.1.1 192.168.255.255 192.175.48.1 198.18.0.0 198.19.255.255 198.51.100.7
            203.0.113.9 224.0.0.1 239.255.255.250 240.0.0.1 255.255.255.255 168.63.129.16
            :: ::1 ::2 ::7f00:1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:8.8.8.8 ::ffff:0:8.8.8.8 ::127.0.0.1
            64:ff9b::8.8.8.8 64:ff9b::10.0.0.1 64:ff9b:1::a00:1 100::1 100:0:0:1::1
            2001::1 2001:0:4136:e378:8000:63bf:3fff:fdd2 2001:2::1 2001:10::1 2001:20::1 2001:1ff:ffff::1
            2001:db8::1 2001:db8:ffff::1 2002:7f00:1:: 2002:808:808::1 2620:4f:8000::1 3ffe::1 3fff::1 3fff:fff::1
            4000::1 5f00::1 fc00::1 fd00:ec2::254 fdff::1 fe80::1 fe80::5efe:a00:1 febf::1 fec0::1 ff02::1 ff0e::1
            2a00:1450::5efe:a00:1 2a00:1450::200:5efe:a00:1") {
            assert!(!is_public(address), "{address}");
        }
    }

    #[test]
    fn neighbors_of_private_blocks_are_public() {
        for address in all("
            1.0.0.0 1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0
            169.253.255.255 169.255.0.0 172.15.255.255 172.32.0.0 191.255.255.255 192.0.1.0 192.0.3.0 192.167.255.255
            192.169.0.0 198.17.255.255 198.20.0.0 198.51.99.255 198.51.101.0 203.0.112.255 203.0.114.0 223.255.255.255
            168.63.129.15 168.63.129.17
            2001:200::1 2001:4860:4860::8888 2001:db7:ffff::1 2001:db9::1 2003::1 2400:cb00::1 2606:4700:4700::1111
            2a00:1450:4001::200e 3ffd::1") {
            assert!(is_public(address), "{address}");
        }
    }

    proptest! {
        #[test]
        fn ipv4_embedded_in_ipv6_is_never_public(v4: u32, form in 0usize..5) {
            let v4 = u128::from(v4);
            let wrapped = [v4, 0xffff_0000_0000 | v4, 0x64_ff9b << 96 | v4, 0x2002 << 112 | v4 << 80, 0x2001 << 112 | v4];
            prop_assert!(!is_public(Ipv6Addr::from_bits(wrapped[form]).into()));
        }

        #[test]
        fn address_special_in_std_is_never_public(v4: u32) {
            let address = Ipv4Addr::from_bits(v4);
            let known = address.is_private() || address.is_loopback() || address.is_link_local() || address.is_broadcast()
                || address.is_documentation() || address.is_multicast() || address.is_unspecified();
            prop_assert!(!(known && is_public(address.into())), "{}", address);
        }
    }
}
