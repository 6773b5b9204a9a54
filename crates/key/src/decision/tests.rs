use super::*;
use crate::{Allowlist, Scope};
use proptest::prelude::*;

const NOW: Timestamp = Timestamp::from_micros(1_000);

fn terms() -> KeyState {
    KeyState {
        permissions: Scope::Inference.permissions(),
        restrictions: Some(Restrictions::default()),
        expires_at: None,
        pause: None,
        deleted_at: None,
    }
}

fn request(permission: Permission) -> AccessRequest<'static> {
    AccessRequest {
        now: NOW,
        permission: Some(permission),
        address: None,
        origin: None,
        exposure: Exposure::None,
        spend: RateUse::Take,
    }
}

#[test]
fn missing_permission_is_denied_and_named() {
    let terms = terms();
    assert_eq!(terms.decide(SecretState::Current, &request(Permission::ModelsPredict)), Ok(()));
    assert_eq!(
        terms.decide(SecretState::Current, &request(Permission::ModelsTrain)),
        Err(Denial::Permission(Permission::ModelsTrain))
    );
}

#[test]
fn decision_reports_first_failed_check() {
    let mut worst = KeyState {
        permissions: Permissions::from_bits(1 << 30),
        restrictions: Some(Restrictions {
            networks: Allowlist::Only([].into()),
            origins: Allowlist::Only([].into()),
            ..Restrictions::default()
        }),
        expires_at: Some(NOW),
        pause: Some(Pause::UNTIL_RESUMED),
        deleted_at: Some(NOW),
    };
    let secret = SecretState::Retiring(NOW);
    let request = request(Permission::ModelsTrain);
    assert_eq!(worst.decide(secret, &request), Err(Denial::Deleted(NOW)));
    worst.deleted_at = None;
    assert_eq!(worst.decide(secret, &request), Err(Denial::Paused(Pause::UNTIL_RESUMED)));
    worst.pause = Some(Pause::until(Some(NOW)));
    assert_eq!(worst.decide(secret, &request), Err(Denial::Expired(NOW)));
    worst.expires_at = None;
    assert_eq!(worst.decide(secret, &request), Err(Denial::Retired(NOW)));
    assert_eq!(worst.decide(SecretState::Current, &request), Err(Denial::NotUnderstood));
    worst.permissions = Permissions::NONE;
    assert_eq!(worst.decide(SecretState::Current, &request), Err(Denial::Network));
    worst.restrictions.as_mut().unwrap().networks = Allowlist::Any;
    assert_eq!(worst.decide(SecretState::Current, &request), Err(Denial::Origin));
    worst.restrictions.as_mut().unwrap().origins = Allowlist::Any;
    assert_eq!(
        worst.decide(SecretState::Current, &request),
        Err(Denial::Permission(Permission::ModelsTrain))
    );
}

#[test]
fn unreadable_restrictions_are_denied() {
    let unread = KeyState { restrictions: None, ..terms() };
    assert_eq!(
        unread.decide(SecretState::Current, &request(Permission::ModelsPredict)),
        Err(Denial::NotUnderstood)
    );
}

proptest! {
    #[test]
    fn deleted_or_expired_key_is_denied(bits: u32, now: i64, ended: i64, expires: bool) {
        let now = Timestamp::from_micros(now);
        let ended = Timestamp::from_micros(ended.min(now.micros()));
        let terms = KeyState {
            permissions: Permissions::from_bits(bits),
            expires_at: expires.then_some(ended),
            deleted_at: (!expires).then_some(ended),
            ..terms()
        };
        let request = AccessRequest { now, ..request(Permission::ModelsTrain) };
        let request = AccessRequest { permission: None, ..request };
        prop_assert!(terms.decide(SecretState::Current, &request).is_err());
    }

    #[test]
    fn allowed_permission_is_in_key(bits in 0_u32..128, which in 0_usize..6) {
        let permission = Permission::ALL[which];
        let terms = KeyState { permissions: Permissions::from_bits(bits), ..terms() };
        let allowed = terms.decide(SecretState::Current, &request(permission)).is_ok();
        prop_assert_eq!(allowed, bits < 64 && bits & (1 << which) != 0);
    }
}
