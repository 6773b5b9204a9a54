//! Keys as text for a terminal.

use keyrack_core::numbers::grouped;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::limits;
use crate::cli::output::{Output, formatted_time, sanitized, table};

/// The fields of a key that the command line prints, as the API returns them.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct KeyView {
    id: String,
    name: String,
    class: String,
    scopes: Vec<String>,
    #[serde(default)]
    restrictions: Map<String, Value>,
    #[serde(default)]
    quotas: Vec<QuotaView>,
    note: Option<String>,
    status: String,
    secrets: Vec<SecretView>,
    created_at: String,
    created_by: ActorView,
    expires_at: Option<String>,
    last_used: Option<LastUsedView>,
    paused: Option<PauseView>,
    deleted: Option<DeletionView>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SecretView {
    hint: String,
    publishable_key: Option<String>,
    retires_at: Option<String>,
}

/// A quota and its usage in the current period.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct QuotaView {
    of: String,
    limit: u32,
    per: String,
    used: u32,
    resets_at: String,
}

#[derive(Deserialize)]
struct ActorView {
    kind: String,
    name: Option<String>,
}

#[derive(Deserialize)]
struct LastUsedView {
    at: String,
}

#[derive(Deserialize)]
struct PauseView {
    at: String,
    by: ActorView,
    until: Option<String>,
}

#[derive(Deserialize)]
struct DeletionView {
    at: String,
    by: ActorView,
    reason: Option<String>,
}

/// A key with its new secret.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct KeyWithSecretView {
    #[serde(flatten)]
    key: KeyView,
    secret: String,
    pub(super) old_secret_retires_at: Option<String>,
}

impl KeyWithSecretView {
    /// Puts the secret on standard output and the rest on standard error. `done` is the start of the first note, such
    /// as "Created".
    pub(super) fn describe(&self, done: &str) -> Output {
        let KeyView { id, name, class, .. } = &self.key;
        Output::result(sanitized(&self.secret))
            .note(sanitized(&format!("{done} {name} ({id}), {class} key.")))
            .note(format_args!("scopes: {}", self.key.scopes()))
            .note(format_args!("expires: {}", self.key.expires()))
            .note(if class == "publishable" {
                "The key is public. `keyrack key show` prints it again."
            } else {
                "Store the secret key now. You won't see it again."
            })
    }
}

impl KeyView {
    fn scopes(&self) -> String {
        sanitized(&self.scopes.join(", "))
    }

    fn expires(&self) -> String {
        self.expires_at.as_deref().map_or_else(|| "never".to_owned(), formatted_time)
    }

    fn last_used(&self) -> String {
        self.last_used.as_ref().map_or_else(|| "never".to_owned(), |last| formatted_time(&last.at))
    }

    fn hint(&self) -> String {
        self.secrets.first().map(|secret| format!("…{}", sanitized(&secret.hint))).unwrap_or_default()
    }

    /// The name and ID of the key.
    pub(super) fn named(&self) -> String {
        sanitized(&format!("{} ({})", self.name, self.id))
    }

    /// When the pause ends. `None` if the key is not paused.
    pub(super) fn paused(&self) -> Option<String> {
        self.paused.as_ref().map(PauseView::ends)
    }

    /// All fields of the key, one per line.
    pub(super) fn card(&self) -> String {
        let mut lines = vec![
            ("ID", sanitized(&self.id)),
            ("name", sanitized(&self.name)),
            ("status", sanitized(&self.status)),
            ("class", sanitized(&self.class)),
            ("scopes", self.scopes()),
            ("expires", self.expires()),
        ];
        lines.extend(
            self.restrictions
                .iter()
                .filter_map(|(name, value)| limits::line(name, value))
                .map(|(label, text)| (label, sanitized(&text))),
        );
        lines.extend(self.quotas.iter().map(|quota| ("quota", quota.line())));
        lines.extend(self.secrets.iter().map(|secret| ("secret", secret.line())));
        lines
            .push(("created", format!("{} by {}", formatted_time(&self.created_at), self.created_by.line())));
        lines.push(("last used", self.last_used()));
        if let Some(paused) = &self.paused {
            lines.push((
                "paused",
                format!("{} by {}, {}", formatted_time(&paused.at), paused.by.line(), paused.ends()),
            ));
        }
        if let Some(deletion) = &self.deleted {
            lines.push(("deleted", format!("{} by {}", formatted_time(&deletion.at), deletion.by.line())));
            lines.extend(deletion.reason.iter().map(|reason| ("reason", sanitized(reason))));
        }
        lines.extend(self.note.iter().map(|note| ("note", sanitized(note))));
        table(&lines.into_iter().map(|(what, is)| [what.to_owned(), is]).collect::<Vec<_>>())
    }
}

impl PauseView {
    fn ends(&self) -> String {
        self.until
            .as_deref()
            .map_or_else(|| "until resumed".to_owned(), |at| format!("until {}", formatted_time(at)))
    }
}

impl SecretView {
    fn line(&self) -> String {
        let until = self
            .retires_at
            .as_deref()
            .map(|at| format!(", until {}", formatted_time(at)))
            .unwrap_or_default();
        let text = self.publishable_key.as_deref().map_or_else(|| format!("…{}", self.hint), str::to_owned);
        format!("{}{until}", sanitized(&text))
    }
}

impl QuotaView {
    fn line(&self) -> String {
        let Self { of, limit, per, used, resets_at } = self;
        let resets = formatted_time(resets_at);
        let period = if per == "day" { "today" } else { "this month" };
        format!(
            "{} of {} {} {period} (resets {resets})",
            grouped((*used).into()),
            grouped((*limit).into()),
            sanitized(of)
        )
    }
}

impl ActorView {
    fn line(&self) -> String {
        sanitized(self.name.as_deref().unwrap_or(&self.kind))
    }
}

/// A table with one line per key.
pub(super) fn list(keys: &[KeyView]) -> Output {
    if keys.is_empty() {
        return Output::default().note("No keys found.");
    }
    let head =
        ["ID", "NAME", "STATUS", "CLASS", "SCOPES", "SECRET", "EXPIRES", "LAST USED"].map(str::to_owned);
    let row = |key: &KeyView| {
        let [id, name, status, class] =
            [&key.id, &key.name, &key.status, &key.class].map(|text| sanitized(text));
        [id, name, status, class, key.scopes(), key.hint(), key.expires(), key.last_used()]
    };
    Output::result(table(&std::iter::once(head).chain(keys.iter().map(row)).collect::<Vec<_>>()))
}
