//! Keys as people read them in a terminal.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::limits;
use crate::cli::told::{Told, harmless, moment, table};

/// What is read of a key that the API answered.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Key {
    id: String,
    name: String,
    class: String,
    scopes: Vec<String>,
    #[serde(default)]
    restrictions: Map<String, Value>,
    #[serde(default)]
    quotas: Vec<Quota>,
    note: Option<String>,
    status: String,
    secrets: Vec<Secret>,
    created_at: String,
    created_by: By,
    expires_at: Option<String>,
    last_used: Option<LastUse>,
    paused: Option<Paused>,
    deleted: Option<Deletion>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Secret {
    hint: String,
    retires_at: Option<String>,
}

/// How it stands with a quota.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Quota {
    of: String,
    limit: u32,
    per: String,
    used: u32,
    resets_at: String,
}

#[derive(Deserialize)]
struct By {
    kind: String,
    name: Option<String>,
}

#[derive(Deserialize)]
struct LastUse {
    at: String,
}

#[derive(Deserialize)]
struct Paused {
    at: String,
    by: By,
    until: Option<String>,
}

#[derive(Deserialize)]
struct Deletion {
    at: String,
    by: By,
    reason: Option<String>,
}

/// A key with its new secret.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Handed {
    #[serde(flatten)]
    key: Key,
    secret: String,
    pub(super) retires_at: Option<String>,
}

impl Handed {
    /// The secret alone for programs, the rest for people.
    pub(super) fn tell(&self, done: &str) -> Told {
        let Key { id, name, class, .. } = &self.key;
        Told::result(harmless(&self.secret))
            .remark(harmless(&format!("{done} {name} ({id}), {class}")))
            .remark(format_args!("scopes: {}", self.key.scopes()))
            .remark(format_args!("expires: {}", self.key.expires()))
            .remark("store it now: it is not shown again")
    }
}

impl Key {
    fn scopes(&self) -> String {
        harmless(&self.scopes.join(", "))
    }

    fn expires(&self) -> String {
        self.expires_at.as_deref().map_or_else(|| "never".to_owned(), moment)
    }

    fn last_used(&self) -> String {
        self.last_used.as_ref().map_or_else(|| "never".to_owned(), |last| moment(&last.at))
    }

    fn hint(&self) -> String {
        self.secrets.first().map(|secret| format!("…{}", harmless(&secret.hint))).unwrap_or_default()
    }

    /// In what a sentence about it begins with.
    pub(super) fn named(&self) -> String {
        harmless(&format!("{} ({})", self.name, self.id))
    }

    /// Until when it is paused, if it is.
    pub(super) fn paused(&self) -> Option<String> {
        self.paused.as_ref().map(Paused::ends)
    }

    /// Everything about it, a line each.
    pub(super) fn card(&self) -> String {
        let mut lines = vec![
            ("id", harmless(&self.id)),
            ("name", harmless(&self.name)),
            ("status", harmless(&self.status)),
            ("class", harmless(&self.class)),
            ("scopes", self.scopes()),
            ("expires", self.expires()),
        ];
        lines.extend(
            self.restrictions
                .iter()
                .filter_map(|(what, says)| limits::lines(what, says))
                .map(|(what, says)| (what, harmless(&says))),
        );
        lines.extend(self.quotas.iter().map(|quota| ("quota", quota.line())));
        lines.extend(self.secrets.iter().map(|secret| ("secret", secret.line())));
        lines.push(("created", format!("{} by {}", moment(&self.created_at), self.created_by.line())));
        lines.push(("last used", self.last_used()));
        if let Some(paused) = &self.paused {
            lines.push((
                "paused",
                format!("{} by {}, {}", moment(&paused.at), paused.by.line(), paused.ends()),
            ));
        }
        if let Some(deletion) = &self.deleted {
            lines.push(("deleted", format!("{} by {}", moment(&deletion.at), deletion.by.line())));
            lines.extend(deletion.reason.iter().map(|reason| ("reason", harmless(reason))));
        }
        lines.extend(self.note.iter().map(|note| ("note", harmless(note))));
        table(&lines.into_iter().map(|(what, is)| [what.to_owned(), is]).collect::<Vec<_>>())
    }
}

impl Paused {
    fn ends(&self) -> String {
        self.until.as_deref().map_or_else(|| "until resumed".to_owned(), |at| format!("until {}", moment(at)))
    }
}

impl Secret {
    fn line(&self) -> String {
        let until =
            self.retires_at.as_deref().map(|at| format!(", until {}", moment(at))).unwrap_or_default();
        format!("…{}{until}", harmless(&self.hint))
    }
}

impl Quota {
    fn line(&self) -> String {
        let Self { of, limit, per, used, resets_at } = self;
        let resets = moment(resets_at);
        format!("{used} of {limit} {} this {}, until {resets}", harmless(of), harmless(per))
    }
}

impl By {
    fn line(&self) -> String {
        harmless(self.name.as_deref().unwrap_or(&self.kind))
    }
}

/// A line for each key.
pub(super) fn list(keys: &[Key]) -> Told {
    if keys.is_empty() {
        return Told::default().remark("no such keys");
    }
    let head =
        ["ID", "NAME", "STATUS", "CLASS", "SCOPES", "SECRET", "EXPIRES", "LAST USED"].map(str::to_owned);
    let row = |key: &Key| {
        let [id, name, status, class] =
            [&key.id, &key.name, &key.status, &key.class].map(|text| harmless(text));
        [id, name, status, class, key.scopes(), key.hint(), key.expires(), key.last_used()]
    };
    Told::result(table(&std::iter::once(head).chain(keys.iter().map(row)).collect::<Vec<_>>()))
}
