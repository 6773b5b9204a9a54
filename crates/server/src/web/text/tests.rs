use super::*;

#[test]
fn moment_is_formatted_relative_to_now() {
    let now = Timestamp::from_micros(1_795_381_706_000_000);
    let ago = |seconds| relative(now.minus(Duration::from_secs(seconds)), now);
    let ahead = |seconds| relative(now.plus(Duration::from_secs(seconds)), now);
    assert_eq!(ago(5), "just now");
    assert_eq!(ago(120), "2 min ago");
    assert_eq!(ago(HOUR), "1 hour ago");
    assert_eq!(ago(3 * DAY), "3 days ago");
    assert_eq!(ahead(59 * DAY), "in 59 days");
    assert_eq!(ahead(90 * DAY - 1), "in 90 days");
    assert_eq!(ahead(2 * HOUR - 1), "in 2 hours");
    assert_eq!(ahead(30), "in under a minute");
    assert_eq!(ago(800 * DAY), "2 years ago");
    assert_eq!(moment(now, now).full, "22 Nov 2026, 21:08 UTC");
}
