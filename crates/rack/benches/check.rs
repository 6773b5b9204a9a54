//! What a check costs in the process, beside what its floor costs: one SHA-256 block.
//!
//! `cargo bench -p keyrack-rack --bench check`

#![expect(clippy::print_stdout, reason = "a benchmark prints its results")]
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on has failed")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use keyrack_key::{
    Brands, Class, Digest, Exposure, Grant, KeyId, Permission, Presented, Question, Restrictions, Scope,
    Secret, SecretState, Spend, Terms, Timestamp, WorkspaceId,
};
use keyrack_rack::{Position, Rack, Record, Revision, Snapshot, Trust};
use rand_core::UnwrapErr;

const KEYS: usize = 1_000;
const ROUNDS: usize = 201;
const CHECKS: u32 = 10_000;

fn main() {
    let now = Timestamp::from_micros(1);
    let brands = Brands::default();
    let secrets = secrets(KEYS);
    let strangers = secrets_text(&self::secrets(KEYS));
    let rack = filled(&secrets, now);
    let texts = secrets_text(&secrets);
    let broken: Vec<String> = texts.iter().map(|text| mistyped(text)).collect();
    let question = Question {
        now,
        permission: Some(Permission::ModelsPredict),
        address: None,
        origin: None,
        exposure: Exposure::None,
        spend: Spend::One,
    };
    let check = |text: &String| {
        let presented = Presented::parse(text.as_bytes(), &brands);
        presented.is_ok_and(|presented| rack.check(&presented, &question).is_ok())
    };
    let digest = |text: &String| Digest::of(text.as_bytes()) != Digest::from_bytes([0; 32]);
    let counted = allocation_counter::measure(|| assert!(texts.iter().all(check)));
    let [floor, check, unknown, malformed] = medians([
        (&texts, &digest),
        (&texts, &check),
        (&strangers, &|text| !check(text)),
        (&broken, &|text| !check(text)),
    ]);
    println!("{KEYS} keys, medians of {ROUNDS} rounds of {CHECKS} each, taken in turns\n");
    println!("| what | ns | over one SHA-256 block |\n| --- | ---: | ---: |");
    for (what, cost) in [
        ("one SHA-256 block (the floor)", floor),
        ("a check that allows", check),
        ("a check of an unknown key", unknown),
        ("a check of a malformed key", malformed),
    ] {
        println!("| {what} | {cost:.0} | {:.2} |", cost / floor);
    }
    println!("\nallocations in {KEYS} checks: {}", counted.count_total);
}

type Work<'a> = (&'a Vec<String>, &'a dyn Fn(&String) -> bool);

/// The median cost of each in nanoseconds; they take turns, so that what disturbs one disturbs all.
fn medians<const N: usize>(works: [Work<'_>; N]) -> [f64; N] {
    let mut costs: [Vec<f64>; N] = std::array::from_fn(|_| Vec::with_capacity(ROUNDS));
    for _ in 0..ROUNDS {
        for ((texts, work), costs) in works.iter().zip(&mut costs) {
            let started = Instant::now();
            for text in texts.iter().cycle().take(CHECKS as usize) {
                assert!(black_box(work(black_box(text))));
            }
            costs.push(started.elapsed().as_secs_f64() * 1e9 / f64::from(CHECKS));
        }
    }
    costs.map(|mut costs| {
        costs.sort_by(f64::total_cmp);
        costs[ROUNDS / 2]
    })
}

fn secrets(count: usize) -> Vec<Secret> {
    let mut rng = UnwrapErr(getrandom::SysRng);
    (0..count).map(|_| Secret::generate(Brands::default().current(), Class::Secret, &mut rng)).collect()
}

fn secrets_text(secrets: &[Secret]) -> Vec<String> {
    secrets.iter().map(|secret| secret.expose().to_owned()).collect()
}

fn filled(secrets: &[Secret], now: Timestamp) -> Rack {
    let mut rng = UnwrapErr(getrandom::SysRng);
    let workspace = WorkspaceId::new(now, &mut rng);
    let grant = Grant::new(Class::Secret, [Scope::Project].into_iter().collect()).unwrap();
    let record = |secret: &Secret, rng: &mut UnwrapErr<getrandom::SysRng>| Record {
        key: KeyId::new(now, rng),
        revision: Revision(1),
        workspace,
        name: Arc::from("line-3-camera"),
        class: Class::Secret,
        scopes: grant.scopes(),
        terms: Terms {
            permissions: grant.permissions(),
            restrictions: Some(Restrictions::default()),
            expires_at: None,
            deleted_at: None,
        },
        secrets: vec![(secret.digest(), SecretState::Current)],
    };
    let records = secrets.iter().map(|secret| record(secret, &mut rng)).collect();
    let rack = Rack::new();
    rack.load(Snapshot { position: Position::default(), records });
    rack.trust(Trust::Always);
    rack
}

/// The same secret with another last character, so that only its check tells.
fn mistyped(text: &str) -> String {
    let (rest, last) = text.split_at(text.len() - 1);
    format!("{rest}{}", if last == "0" { "1" } else { "0" })
}
