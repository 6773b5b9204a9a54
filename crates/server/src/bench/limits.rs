//! The cost of each restriction and rate limit in a check.

use std::array;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io;
use std::net::IpAddr;

use keyrack_key::{Allowlist, ProjectId, Rate, Restrictions, Timestamp};
use rand_core::UnwrapErr;

use super::rack::BenchRack;
use super::rounds;

/// The number of keys in each rack: a workspace's maximum, so that differences come from the restrictions
/// and not from memory.
const KEYS: usize = 1_000;
const ORIGIN: &str = "https://app.example.org";

/// The cost of a check in nanoseconds, by the restriction of the key.
#[derive(Debug)]
pub(super) struct RestrictionCosts([(&'static str, f64); KINDS]);

const KINDS: usize = 7;

/// Measures keys without restrictions, keys with one restriction each, and keys with all of them.
pub(super) fn measure() -> io::Result<RestrictionCosts> {
    let kinds = kinds()?;
    let racks = kinds.each_ref().map(|(_, restrictions)| filled(restrictions.clone()));
    let mut filled = Vec::with_capacity(KINDS);
    for rack in racks {
        filled.push(rack?);
    }
    let works: [CheckFn<'_>; KINDS] = array::from_fn(|at| {
        let rack = &filled[at];
        let check = move |text: &[u8]| rack.check_from(text, Some(address(text)), Some(ORIGIN));
        Box::new(check) as Box<_>
    });
    let costs: [f64; KINDS] =
        rounds::medians(array::from_fn(|at| (&filled[at].samples().known, &*works[at])));
    Ok(RestrictionCosts(array::from_fn(|at| (kinds[at].0, costs[at]))))
}

/// A check of one text. Returns whether it is allowed.
type CheckFn<'a> = Box<dyn Fn(&[u8]) -> bool + Sync + 'a>;

fn filled(restrictions: Restrictions) -> io::Result<BenchRack> {
    let mut rack = BenchRack::with_restrictions(restrictions)?;
    rack.grow(KEYS).map_err(io::Error::other)?;
    Ok(rack)
}

fn kinds() -> io::Result<[(&'static str, Restrictions); KINDS]> {
    let none = Restrictions::NONE;
    // So high that no request is denied: the clock of these checks does not advance.
    let rate = Some(Rate::new(1_000_000, 1).map_err(io::Error::other)?);
    let project = ProjectId::new(Timestamp::from_micros(0), &mut UnwrapErr(getrandom::SysRng));
    let projects = Allowlist::Only([project].into());
    let networks = these(["192.0.2.0/24", "198.51.100.0/24", "2001:db8::/32", "10.0.0.0/8"])?;
    let origins = these(["https://www.example.com", "https://*.example.net", "https://*.example.org"])?;
    let all = Restrictions {
        projects: projects.clone(),
        networks: networks.clone(),
        origins: origins.clone(),
        rate,
        visitor_rate: rate,
        ..none.clone()
    };
    Ok([
        ("nothing", none.clone()),
        ("a project", Restrictions { projects, ..none.clone() }),
        ("4 networks", Restrictions { networks, ..none.clone() }),
        ("3 origins", Restrictions { origins, ..none.clone() }),
        ("a rate", Restrictions { rate, ..none.clone() }),
        ("a rate per visitor", Restrictions { visitor_rate: rate, ..none }),
        ("all of them", all),
    ])
}

fn these<T: Ord + std::str::FromStr, const N: usize>(texts: [&str; N]) -> io::Result<Allowlist<T>>
where
    T::Err: std::error::Error + Send + Sync + 'static,
{
    let these: Result<BTreeSet<T>, _> = texts.into_iter().map(str::parse).collect();
    Ok(Allowlist::Only(these.map_err(io::Error::other)?))
}

/// The address of one of a hundred visitors of a key, in random order.
fn address(text: &[u8]) -> IpAddr {
    let last = text.last_chunk().copied().unwrap_or([0; 3]);
    let [a, b, c] = last;
    IpAddr::from([10, a, b, c])
}

impl RestrictionCosts {
    pub(super) fn text(&self) -> String {
        let Self(kinds) = self;
        let open = kinds[0].1;
        let mut text = format!(
            "\nCost of a check by restriction, with {KEYS} keys of each kind and 100 visitors per key:\n\n| \
             restriction | ns | ratio to an unrestricted key |\n| --- | ---: | ---: |\n"
        );
        for (what, cost) in kinds {
            // Writing to a `String` cannot fail.
            let _ = writeln!(text, "| {what} | {cost:.0} | {:.2} |", cost / open);
        }
        text
    }
}
