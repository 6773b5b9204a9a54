use super::*;

#[test]
fn denial_fails_its_check_and_skips_later_ones() {
    let results = |reason| checks(reason).iter().map(|check| check.result).collect::<Vec<_>>();
    let network = results(Some(Reason::Network));
    assert_eq!(network[..3], [CheckOutcome::Passed; 3]);
    assert_eq!(network[3], CheckOutcome::Failed);
    assert!(network[4..].iter().all(|result| *result == CheckOutcome::NotReached));
    assert_eq!(results(Some(Reason::OutsideProjects))[10], CheckOutcome::Failed);
    assert!(results("of_a_newer_version".parse().ok()).iter().all(|result| *result == CheckOutcome::Passed));
}

/// The checks have the same order as in [`keyrack_key::KeyState::decide`].
#[test]
fn denial_reasons_of_known_keys_have_a_check() {
    let without_known_key =
        [Reason::Missing, Reason::Ambiguous, Reason::Malformed, Reason::Stale, Reason::Unknown];
    for reason in Reason::ALL {
        let has_failed = checks(Some(reason)).iter().any(|check| check.result == CheckOutcome::Failed);
        assert_eq!(has_failed, !without_known_key.contains(&reason), "{reason}");
    }
}
