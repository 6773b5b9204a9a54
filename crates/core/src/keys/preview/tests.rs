use keyrack_key::{Hint, Scope};

use super::*;

const PREDICT: Option<Permission> = Some(Permission::ModelsPredict);
const TRAIN: Option<Permission> = Some(Permission::ModelsTrain);

fn caller(id: i64, source: CallerSource, origin: &str) -> CallerRow {
    CallerRow {
        id,
        hint: Hint::parse("9fQ2").unwrap(),
        source,
        origin: origin.to_owned(),
        agent: "camera".to_owned(),
        first: Timestamp::from_micros(0),
        last: Timestamp::from_micros(id),
        permission: None,
        last_denial: None,
        allowed: 0,
        denied: 0,
    }
}

fn hour(number: i64, permission: Option<Permission>, checks: u64) -> Usage {
    let hour = Timestamp::from_micros(number * 3_600_000_000);
    Usage { hour, permission, outcome: "allowed".to_owned(), checks }
}

fn recorded() -> RecordedRequests {
    let at = |text: &str| CallerSource::Address(Some(text.parse().unwrap()));
    let used = |caller, permission, allowed| CallerUsage { caller, permission, allowed };
    RecordedRequests {
        hours: vec![hour(1, PREDICT, 70), hour(1, TRAIN, 10), hour(2, PREDICT, 20)],
        callers: vec![
            caller(1, at("10.0.0.7"), ""),
            caller(2, at("203.0.113.9"), "https://shop.example"),
            caller(3, CallerSource::Network("10.0.1.0/24".parse().unwrap()), ""),
            caller(4, CallerSource::Others, ""),
        ],
        caller_usage: vec![
            used(1, PREDICT, 40),
            used(1, TRAIN, 10),
            used(2, PREDICT, 25),
            used(3, PREDICT, 15),
            used(4, PREDICT, 5),
        ],
    }
}

fn authority(scope: Scope, restrictions: Restrictions) -> GrantedAuthority {
    GrantedAuthority { permissions: scope.permissions(), restrictions, expires_at: None }
}

fn networks(texts: &[&str]) -> Restrictions {
    let these = texts.iter().map(|text| text.parse().unwrap()).collect();
    Restrictions { networks: Allowlist::Only(these), ..Restrictions::default() }
}

fn preview(scope: Scope, restrictions: Restrictions) -> ChangePreview {
    recorded().evaluate(
        &authority(Scope::Project, Restrictions::default()),
        &authority(scope, restrictions),
        30,
    )
}

fn counts(result: &ChangePreview) -> Vec<(i64, u64, u64)> {
    result.callers.iter().map(|one| (one.caller.id, one.denied, one.unknown)).collect()
}

#[test]
fn narrower_scope_denies_requests_outside_it() {
    let result = preview(Scope::Inference, Restrictions::default());
    assert_eq!((result.calls, result.denied, result.unknown), (100, 10, 0));
    assert_eq!(counts(&result), [(1, 10, 0)]);
    assert!(result.added_permissions.is_empty() && result.loosened_restrictions.is_empty());
    let same = preview(Scope::Project, Restrictions::default());
    assert_eq!((same.denied, same.unknown, same.callers.len()), (0, 0, 0));
}

#[test]
fn callers_without_exact_address_are_unknown() {
    let result = preview(Scope::Project, networks(&["10.0.0.0/24", "10.0.1.128/25"]));
    // 95 of 100 requests have a caller. Caller 3 may be in either half of the network, caller 4 anywhere.
    assert_eq!((result.calls, result.denied, result.unknown), (100, 25, 15 + 5 + 5));
    assert_eq!(counts(&result), [(2, 25, 0), (3, 0, 15), (4, 0, 5)]);
    let whole = preview(Scope::Inference, networks(&["10.0.0.0/16"]));
    assert_eq!((whole.denied, whole.unknown), (10 + 25, 5 + 5));
    let none = preview(Scope::Project, networks(&[]));
    assert_eq!((none.denied, none.unknown), (50 + 25 + 15, 5 + 5));
}

#[test]
fn callers_without_origin_are_denied_by_origin_list() {
    let origins = Allowlist::Only(["https://shop.example".parse().unwrap()].into());
    let result = preview(Scope::Project, Restrictions { origins, ..Restrictions::default() });
    assert_eq!((result.denied, result.unknown), (50 + 15, 5 + 5));
}

#[test]
fn models_and_sizes_are_unrecorded_unless_only_widened() {
    let models = |ids: &[&str]| Allowlist::Only(ids.iter().map(|id| id.parse().unwrap()).collect());
    let [first, second] = ["mdl_0198c2f4a1b27c3d8e4f5a6b7c8d9e0f", "mdl_0198c2f4a1b27c3d8e4f5a6b7c8d9e10"];
    let own = |ids: &[&str], bytes: u32| Restrictions {
        models: models(ids),
        max_image_bytes: std::num::NonZeroU32::new(bytes),
        ..Restrictions::default()
    };
    let narrow = preview(Scope::Project, own(&[first], 1_000));
    assert_eq!(narrow.unrecorded, ["maxImageBytes", "models"]);
    assert!(narrow.denied == 0 && narrow.loosened_restrictions.is_empty());
    let preview = |before, after| {
        recorded().evaluate(&authority(Scope::Project, before), &authority(Scope::Project, after), 30)
    };
    let wider = preview(own(&[first], 1_000), own(&[first, second], 2_000));
    assert_eq!((wider.unrecorded.len(), wider.loosened_restrictions), (0, vec!["models", "maxImageBytes"]));
    let other = preview(own(&[first], 2_000), own(&[second], 1_000));
    assert_eq!((other.unrecorded.len(), other.loosened_restrictions), (2, vec!["models"]));
}

#[test]
fn unrecorded_restrictions_are_listed_and_rate_is_lower_bound() {
    let projects = Allowlist::Only(["prj_0198c2f4a1b27c3d8e4f5a6b7c8d9e0f".parse().unwrap()].into());
    let rate = Rate::new(10, 1_200).ok();
    let result = preview(Scope::Project, Restrictions { projects, rate, ..Restrictions::default() });
    assert_eq!((result.denied, result.unrecorded), (0, vec!["projects".to_owned()]));
    // The limit is 40 in an hour: a burst of 10, and a refill of 30.
    assert_eq!(result.above_rate, Some(40));
    let before = authority(Scope::Inference, networks(&["10.0.0.0/8"]));
    let after = authority(Scope::Project, Restrictions::default());
    let wider = recorded().evaluate(&before, &after, 30);
    assert_eq!((wider.denied, wider.unknown, wider.above_rate), (0, 0, None));
    assert_eq!(wider.loosened_restrictions, ["networks"]);
    assert!(wider.unrecorded.is_empty());
    assert!(
        wider.added_permissions.contains(Permission::ModelsTrain)
            && !wider.added_permissions.contains(Permission::ModelsPredict)
    );
}
