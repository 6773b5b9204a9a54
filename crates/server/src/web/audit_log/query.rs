//! The filter of the audit log page. Invalid values are ignored.

use keyrack_core::times;
use keyrack_key::Timestamp;
use keyrack_store::{ActivityFilter, Actor, AuditAction};
use serde::Deserialize;
use std::time::Duration;

/// The filter fields, as they are in the query of the URL.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ActivityQuery {
    pub(super) who: String,
    pub(super) what: String,
    /// An ID, or a part of a name.
    pub(super) about: String,
    /// First and last day in the form `YYYY-MM-DD`, in UTC, both included.
    from: String,
    until: String,
    cursor: String,
}

impl ActivityQuery {
    pub(super) fn filter(&self) -> ActivityFilter {
        let about = self.about();
        let is_id = about.split_once('_').is_some_and(|(kind, hex)| kind.len() == 3 && hex.len() == 32);
        let (target, text) = if is_id { (Some(about), None) } else { (None, Some(about)) };
        let some = |text: Option<String>| text.filter(|text| !text.is_empty());
        ActivityFilter {
            actor: self.who.parse::<Actor>().ok(),
            action: self.what.parse::<AuditAction>().ok(),
            target: some(target),
            text: some(text),
            from: day(&self.from),
            until: day(&self.until).map(|day| day.plus(Duration::from_hours(24))),
        }
    }

    /// The text, cut to 100 characters. No name and no ID is longer.
    fn about(&self) -> String {
        self.about.trim().chars().take(100).collect()
    }

    pub(super) fn from(&self) -> String {
        day(&self.from).map(|_| self.from.clone()).unwrap_or_default()
    }

    pub(super) fn until(&self) -> String {
        day(&self.until).map(|_| self.until.clone()).unwrap_or_default()
    }

    pub(super) fn before(&self) -> Option<u64> {
        self.cursor.parse().ok()
    }

    /// The URL of `path` with the filter and the parameters `more`.
    pub(super) fn url(&self, path: &str, more: &[(&str, &str)]) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        let (about, from, until) = (self.about(), self.from(), self.until());
        let own =
            [("who", &self.who), ("what", &self.what), ("about", &about), ("from", &from), ("until", &until)];
        query.extend_pairs(own.into_iter().filter(|(_, value)| !value.is_empty()));
        query.extend_pairs(more);
        let query = query.finish();
        if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
    }
}

fn day(text: &str) -> Option<Timestamp> {
    times::parse(&format!("{text}T00:00:00Z")).ok().filter(|_| text.len() == 10)
}
