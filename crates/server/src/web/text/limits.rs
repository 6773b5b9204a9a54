//! The restrictions and limits of a key, as text for pages.

use std::num::NonZeroU32;

use keyrack_core::keys::Names;
use keyrack_core::numbers::grouped;
use keyrack_key::{Allowlist, Period, Quota, QuotaResource, QuotaState, Rate, Restrictions, Timestamp};

use super::view::{QuotaBar, RestrictionRow};
use super::{count, moment};

/// The restrictions and limits of a key, each in a few words, such as "Only 2 projects". Empty if the key is unrestricted.
pub(in crate::web) fn restriction_texts(restrictions: &Restrictions) -> Vec<String> {
    let size = |bytes: NonZeroU32| format!("Images up to {}", megabytes(bytes.get()));
    [
        only(&restrictions.projects, "project"),
        only(&restrictions.models, "model"),
        only(&restrictions.networks, "network"),
        only(&restrictions.origins, "origin"),
        restrictions.max_image_bytes.map(size),
        restrictions.rate.map(rate),
        restrictions.visitor_rate.map(|own| format!("{} per visitor", rate(own))),
    ]
    .into_iter()
    .flatten()
    .chain(restrictions.quotas.iter().map(quota))
    .collect()
}

fn only<T: Ord>(only: &Allowlist<T>, what: &str) -> Option<String> {
    match only {
        Allowlist::Any => None,
        Allowlist::Only(these) if these.is_empty() => Some(format!("No {what}s")),
        Allowlist::Only(these) => Some(format!("Only {}", count(these.len() as u64, what))),
    }
}

/// A size such as "2 MB" or "0.5 MB", exact to the byte, in the form that the field for it accepts.
pub(in crate::web) fn megabytes(bytes: u32) -> String {
    let (whole, rest) = (bytes / 1_000_000, bytes % 1_000_000);
    let rest = format!("{rest:06}");
    match rest.trim_end_matches('0') {
        "" => format!("{whole} MB"),
        rest => format!("{whole}.{rest} MB"),
    }
}

/// A row for each restriction, with the names of projects and models if they are known.
pub(in crate::web) fn limits(restrictions: &Restrictions, names: &Names) -> Vec<RestrictionRow> {
    let largest = |bytes| RestrictionRow { label: "Maximum image size", text: megabytes(bytes) };
    [
        limit("Projects", &restrictions.projects, names),
        limit("Models", &restrictions.models, names),
        limit("Allowed IP addresses", &restrictions.networks, names),
        limit("Allowed origins", &restrictions.origins, names),
        restrictions.max_image_bytes.map(|bytes| largest(bytes.get())),
        restrictions.rate.map(|own| RestrictionRow { label: "Rate limit", text: rate(own) }),
        restrictions.visitor_rate.map(|own| RestrictionRow { label: "Limit per visitor", text: rate(own) }),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn limit<T: Ord + ToString>(
    label: &'static str,
    only: &Allowlist<T>,
    names: &Names,
) -> Option<RestrictionRow> {
    let Allowlist::Only(these) = only else { return None };
    let texts: Vec<_> = these.iter().map(|one| names.of(one.to_string())).collect();
    let text = if texts.is_empty() { "None (no access)".to_owned() } else { texts.join(", ") };
    Some(RestrictionRow { label, text })
}

/// A rate limit such as "100 requests per minute" or "1 request per 90 seconds".
fn rate(rate: Rate) -> String {
    let requests = count(rate.requests().into(), "request");
    match in_units(rate.seconds()) {
        (1, unit) => format!("{requests} per {unit}"),
        (number, unit) => format!("{requests} per {number} {unit}s"),
    }
}

/// The label of a quota: "Predictions", "Images", or "Training runs".
pub(in crate::web) const fn counted(of: QuotaResource) -> &'static str {
    match of {
        QuotaResource::Predictions => "Predictions",
        QuotaResource::Images => "Images",
        QuotaResource::Trainings => "Training runs",
    }
}

/// A quota such as "1,000 predictions per day".
fn quota(quota: Quota) -> String {
    let what = match quota.of {
        QuotaResource::Predictions => "prediction",
        QuotaResource::Images => "image",
        QuotaResource::Trainings => "training run",
    };
    format!("{} per {}", count(quota.limit.get().into(), what), quota.per.name())
}

/// The current period of a quota: "today" or "this month".
const fn in_this(per: Period) -> &'static str {
    match per {
        Period::Day => "today",
        Period::Month => "this month",
    }
}

/// The usage of a quota in the current period.
pub(in crate::web) fn quota_bar(standing: QuotaState, now: Timestamp) -> QuotaBar {
    let (used, limit) = (standing.used, standing.quota.limit.get());
    QuotaBar {
        label: format!("{} {}", counted(standing.quota.of), in_this(standing.quota.per)),
        used,
        limit,
        usage: format!("{} of {} used", grouped(used.into()), grouped(limit.into())),
        left: match standing.left() {
            0 => "Quota reached.".to_owned(),
            left => format!("{} left.", grouped(left.into())),
        },
        class: quota_class(used, limit),
        resets: moment(standing.window.end, now),
    }
}

/// The class of a bar: amber from 80 % of the limit, and red at the limit.
const fn quota_class(used: u32, limit: u32) -> &'static str {
    if used >= limit {
        "progress-full"
    } else if used as u64 * 5 >= limit as u64 * 4 {
        "progress-high"
    } else {
        ""
    }
}

/// A number of seconds in the largest unit in which it is a whole number.
pub(in crate::web) fn in_units(seconds: u32) -> (u32, &'static str) {
    match seconds {
        seconds if seconds.is_multiple_of(3_600) => (seconds / 3_600, "hour"),
        seconds if seconds.is_multiple_of(60) => (seconds / 60, "minute"),
        seconds => (seconds, "second"),
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;

    #[test]
    fn rate_is_formatted_in_the_largest_whole_unit() {
        let says = |requests, seconds| rate(Rate::new(requests, seconds).unwrap());
        assert_eq!(says(100, 60), "100 requests per minute");
        assert_eq!(says(1, 1), "1 request per second");
        assert_eq!(says(5, 90), "5 requests per 90 seconds");
        assert_eq!(says(1_000, 86_400), "1,000 requests per 24 hours");
    }

    #[test]
    fn quota_bar_is_amber_from_80_percent_and_red_at_the_limit() {
        let classes = [0, 799, 800, 999, 1_000, 1_001].map(|used| quota_class(used, 1_000));
        let (high, full) = ("progress-high", "progress-full");
        assert_eq!(classes, ["", "", high, high, full, full]);
        assert_eq!([3, 4].map(|used| quota_class(used, 5)), ["", high]);
        assert_eq!(quota_class(u32::MAX - 1, u32::MAX), high);
    }

    #[test]
    fn image_size_is_formatted_to_the_byte() {
        for (bytes, says) in [
            (10_000_000, "10 MB"),
            (500_000, "0.5 MB"),
            (1, "0.000001 MB"),
            (1_234_560, "1.23456 MB"),
            (1_000_001, "1.000001 MB"),
        ] {
            assert_eq!(megabytes(bytes), says);
        }
    }

    #[test]
    fn empty_list_is_described_differently_from_no_restriction() {
        let model = "mdl_0198c2f4a1b27c3d8e4f5a6b7c8d9e0f";
        let own = Restrictions {
            models: Allowlist::Only([model.parse().unwrap()].into()),
            networks: Allowlist::Only([].into()),
            max_image_bytes: NonZeroU32::new(2_000_000),
            ..Restrictions::default()
        };
        assert_eq!(restriction_texts(&own), ["Only 1 model", "No networks", "Images up to 2 MB"]);
        let says =
            limits(&own, &Names::default()).into_iter().map(|one| (one.label, one.text)).collect::<Vec<_>>();
        assert_eq!(says[0], ("Models", model.to_owned()));
        assert_eq!(says[1], ("Allowed IP addresses", "None (no access)".to_owned()));
        assert_eq!(says[2], ("Maximum image size", "2 MB".to_owned()));
    }
}
