use keyrack_key::{Hint, KeyState, Rate, Restrictions, WorkspaceId};
use keyrack_rack::{LastUse, Revision, SanitizedText};
use keyrack_store::{Actor, DailyUsage, NamedActor, SecretRow};

use super::*;

const NOW: Timestamp = Timestamp::from_micros(1_795_381_706_000_000);

fn ago(days: u32) -> Timestamp {
    NOW.minus(DAY * days)
}

fn key(scopes: &[Scope], created: Timestamp) -> KeyRow {
    let scopes: Scopes = scopes.iter().copied().collect();
    KeyRow {
        id: "key_0198c2f4a1b27c3d8e4f5a6b7c8d9e0f".parse().unwrap(),
        workspace: "wsp_0198c2f4a1b27c3d8e4f5a6b7c8d9e0f".parse::<WorkspaceId>().unwrap(),
        name: "camera".to_owned(),
        class: Class::Secret,
        scopes,
        terms: KeyState {
            permissions: scopes.permissions(),
            restrictions: Some(Restrictions::default()),
            pause: None,
            expires_at: None,
            deleted_at: None,
        },
        note: None,
        created_by: NamedActor { actor: Actor::Operator, name: None },
        created_at: created,
        paused: None,
        deletion: None,
        revision: Revision(1),
        secrets: Vec::new(),
        last_use: Some(LastUse::new(ago(1), None, None, b"")),
    }
}

fn used(permissions: &[Permission], first: u32) -> RecentUsage {
    let key = "key_0198c2f4a1b27c3d8e4f5a6b7c8d9e0f".parse().unwrap();
    let permissions = Permissions::of(permissions);
    let day = |days| DailyUsage { key, day: ago(days), allowed: 50, denied: 0, permissions };
    RecentUsage { days: 30, daily: vec![day(first), day(1)], since: ago(29), exposures: Vec::new() }
}

fn codes(key: &KeyRow, usage: &RecentUsage) -> Vec<&'static str> {
    advise(key, usage, Policy::default(), NOW).into_iter().map(Advice::code).collect()
}

#[test]
fn key_used_only_for_predictions_gets_narrower_scopes() {
    let predicts = used(&[Permission::ModelsPredict], 12);
    let project = key(&[Scope::Project], ago(60));
    let advice = advise(&project, &predicts, Policy::default(), NOW);
    let scopes: Scopes = [Scope::Inference].into_iter().collect();
    assert_eq!(advice, [Advice::OnlyPredicts { scopes, calls: 100, days: 30 }]);
    assert!(codes(&key(&[Scope::Inference], ago(60)), &predicts).is_empty());
    let trains = used(&[Permission::ModelsPredict, Permission::ModelsTrain], 12);
    assert!(codes(&project, &trains).is_empty());
    assert!(
        codes(&project, &used(&[Permission::ModelsPredict], 3)).is_empty(),
        "three days of usage are too few"
    );
    assert!(codes(&project, &used(&[], 12)).is_empty());
    let manages = key(&[Scope::Project, Scope::Keys], ago(60));
    let both = used(&[Permission::ModelsPredict, Permission::KeysManage], 12);
    let kept: Scopes = [Scope::Inference, Scope::Keys].into_iter().collect();
    assert_eq!(advise(&manages, &both, Policy::default(), NOW)[0].scopes(), Some(kept));
}

#[test]
fn key_unused_for_90_days_is_reported() {
    let usage = used(&[], 12);
    let mut old = key(&[Scope::Inference], ago(200));
    assert!(codes(&old, &usage).is_empty());
    old.last_use = Some(LastUse::new(ago(90), None, None, b""));
    assert_eq!(codes(&old, &usage), ["unused"]);
    old.last_use = None;
    assert_eq!(codes(&old, &usage), ["unused"]);
    let mut young = key(&[Scope::Inference], ago(89));
    young.last_use = None;
    assert!(codes(&young, &usage).is_empty());
}

#[test]
fn expiry_is_reported_30_7_and_1_days_ahead() {
    let usage = used(&[], 12);
    let within = |created: u32, left: Duration| {
        let mut key = key(&[Scope::Inference], ago(created));
        key.terms.expires_at = Some(NOW.plus(left));
        match advise(&key, &usage, Policy::default(), NOW).as_slice() {
            [Advice::Expires { within, .. }] => Some(*within),
            [] => None,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(within(60, DAY * 31), None);
    assert_eq!(within(60, DAY * 30), Some(30));
    assert_eq!(within(60, DAY * 7), Some(7));
    assert_eq!(within(60, DAY), Some(1));
    assert_eq!(within(0, DAY * 30), None, "the key lives for 30 days only");
    assert_eq!(within(25, DAY * 5), Some(7));
    assert_eq!(within(0, Duration::from_hours(2)), None, "the key lives for two hours only");
    assert_eq!(within(60, Duration::ZERO), None, "the key has expired");
}

#[test]
fn exposed_key_is_reported_first_unless_it_only_predicts() {
    let mut usage = used(&[], 12);
    let record = ExposureRecord {
        key: "key_0198c2f4a1b27c3d8e4f5a6b7c8d9e0f".parse().unwrap(),
        hint: Hint::parse("9fQ2").unwrap(),
        exposure: Exposure::Browser,
        origin: SanitizedText::new(b"https://shop.example"),
        first: ago(2),
        last: ago(1),
    };
    usage.exposures = vec![record];
    let mut key = key(&[Scope::Project], ago(200));
    key.last_use = None;
    assert_eq!(codes(&key, &usage), ["seen_in_browser", "unused"]);
    assert!(Advice::Exposed(record).sentence(NOW).contains("on https://shop.example"));
    usage.exposures[0].exposure = Exposure::Url;
    assert_eq!(codes(&key, &usage), ["seen_in_url", "unused"]);
    key.terms.permissions = Scope::Inference.permissions();
    assert_eq!(codes(&key, &usage), ["unused"]);
}

#[test]
fn secret_is_old_after_the_rotation_age() {
    let usage = used(&[], 12);
    let mut key = key(&[Scope::Inference], ago(200));
    let secret = |created, retires_at| SecretRow {
        hint: Hint::parse("9fQ2").unwrap(),
        publishable: None,
        created_at: created,
        retires_at,
    };
    key.secrets = vec![secret(ago(90), None)];
    let after = |days| {
        let policy = Policy { rotation_age: days, ..Policy::default() };
        advise(&key, &usage, policy, NOW).first().map(|one| one.code())
    };
    assert_eq!((after(None), after(Some(91)), after(Some(90))), (None, None, Some("old_secret")));
    key.secrets = vec![secret(ago(1), None), secret(ago(200), Some(NOW.plus(DAY)))];
    let policy = Policy { rotation_age: Some(90), ..Policy::default() };
    assert!(advise(&key, &usage, policy, NOW).is_empty(), "the old secret already retires");
}

#[test]
fn publishable_key_should_have_origins_and_rate_limit() {
    let usage = used(&[], 12);
    let mut public = key(&[Scope::Inference], ago(1));
    public.class = Class::Publishable;
    assert_eq!(codes(&public, &usage), ["any_origin", "no_limit"]);
    let origins = keyrack_key::Allowlist::Only(["https://shop.example".parse().unwrap()].into());
    public.terms.restrictions = Some(Restrictions { origins, ..Restrictions::default() });
    assert_eq!(codes(&public, &usage), ["no_limit"]);
    let own = public.terms.restrictions.clone().unwrap();
    for limited in [
        Restrictions { rate: Rate::new(1, 1).ok(), ..own.clone() },
        Restrictions { visitor_rate: Rate::new(1, 1).ok(), ..own },
    ] {
        public.terms.restrictions = Some(limited);
        assert!(codes(&public, &usage).is_empty());
    }
    public.deletion =
        Some(keyrack_store::KeyDeletion { at: NOW, by: public.created_by.clone(), reason: None });
    public.terms.restrictions = Some(Restrictions::default());
    assert!(codes(&public, &usage).is_empty());
}
