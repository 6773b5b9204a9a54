use super::*;

fn connections(all: usize, per_address: usize) -> Connections {
    let limits = ConnectionLimits { all, per_address, proxies: vec!["10.0.0.0/8".parse().unwrap()] };
    Connections::new("test", limits, ConnectionMetrics::default())
}

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[test]
fn address_over_its_share_leaves_the_rest_to_others() {
    let connections = connections(5, 2);
    let admit = |text: &str| connections.admit(address(text));
    let held = [admit("192.0.2.1").unwrap(), admit("::ffff:192.0.2.1").unwrap()];
    assert_eq!(admit("192.0.2.1").unwrap_err(), ConnectionDenial::Address);
    let _other = admit("192.0.2.2").unwrap();
    drop(held);
    let _again = admit("192.0.2.1").unwrap();
    assert_eq!(connections.0.open.lock().by_address.len(), 2);
}

#[test]
fn ipv6_addresses_of_one_network_share_a_limit() {
    let connections = connections(5, 1);
    let _first = connections.admit(address("2001:db8::1")).unwrap();
    assert_eq!(connections.admit(address("2001:db8::2")).unwrap_err(), ConnectionDenial::Address);
    assert!(connections.admit(address("2001:db8:0:1::1")).is_ok());
}

#[test]
fn proxy_is_limited_by_the_total_only() {
    let connections = connections(3, 1);
    let held: Vec<_> = (0..3).map(|_| connections.admit(address("10.1.2.3")).unwrap()).collect();
    assert_eq!(connections.admit(address("10.1.2.3")).unwrap_err(), ConnectionDenial::Total);
    assert_eq!(connections.admit(address("192.0.2.1")).unwrap_err(), ConnectionDenial::Total);
    drop(held);
    assert!(connections.admit(address("192.0.2.1")).is_ok());
    assert!(connections.0.open.lock().peers.is_empty());
}
