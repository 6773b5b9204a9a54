//! An entry of the audit log as a sentence, with the changes that it made.

use keyrack_core::history::grouped;
use keyrack_core::keys::Names;
use keyrack_key::{Restrictions, Timestamp};
use keyrack_store::{ActivityEntry, Actor, AuditAction, ChainedEntry};
use serde_json::{Map, Value};

use super::view::{ActivityRow, ChangeRow, FactRow, LinkedName};
use crate::web::text;

/// Describes an entry. `home` is the path of the workspace's pages.
pub(super) fn entry(entry: &ActivityEntry, home: &str, now: Timestamp) -> ActivityRow {
    let ActivityEntry { link, hash, .. } = entry;
    let at = Timestamp::from_micros(link.at);
    let detail = match serde_json::from_str(&link.detail) {
        Ok(Value::Object(detail)) => detail,
        _ => Map::new(),
    };
    let (verb, rest) = sentence(link, &detail);
    let is_named = !matches!(parsed(link), Some(AuditAction::WorkspaceEdited)) && !is_own_action(link);
    ActivityRow {
        seq: grouped(link.seq.unsigned_abs()),
        when: text::moment(at, now),
        who: actor(entry, home),
        verb,
        what: is_named.then(|| target(entry, &detail, home)),
        rest,
        changes: changes(&detail, at),
        facts: facts(&detail, at),
        hash: hex::encode(hash),
    }
}

/// The label of an action in the filter, such as "Key created".
pub(super) fn title(action: &str) -> String {
    let words = action.replace('_', " ");
    let words = words.replace(" edited", " changed").replace("key retired", "old secret revoked");
    let words = words.replace("record", "image").replace("model created", "model training started");
    capitalized(&words)
}

fn parsed(link: &ChainedEntry) -> Option<AuditAction> {
    link.action.parse().ok()
}

/// Whether the actor and the target are the same user: a user who joined without being added.
fn is_own_action(link: &ChainedEntry) -> bool {
    link.actor.split_once(':').is_some_and(|(_, id)| id == link.target)
}

fn actor(entry: &ActivityEntry, home: &str) -> LinkedName {
    let named = |name: &str| LinkedName { name: name.to_owned(), ..LinkedName::default() };
    match entry.link.actor.parse() {
        Ok(Actor::User(_)) => named(entry.actor_name.as_deref().unwrap_or("A former member")),
        Ok(Actor::Operator) => named("The CLI"),
        Ok(Actor::Key(id)) => LinkedName {
            before: "The key ",
            name: entry.actor_name.clone().unwrap_or_else(|| id.to_string()),
            url: Some(key_url(home, &id.to_string())),
        },
        Err(_) => named(&entry.link.actor),
    }
}

/// The target of an entry, by its name at the time of the entry if the entry has one, and by its
/// current name otherwise.
fn target(entry: &ActivityEntry, detail: &Map<String, Value>, home: &str) -> LinkedName {
    let target = &entry.link.target;
    let former = detail.get("name").and_then(|name| name.as_str().or_else(|| name.get("before")?.as_str()));
    let name = former.map(str::to_owned).or_else(|| entry.target_name.clone());
    let is_there = entry.target_name.is_some();
    let url = match target.split_once('_').map(|(kind, _)| kind) {
        Some("key") => Some(key_url(home, target)),
        Some("prj") if is_there => Some(format!("{home}/projects/{target}")),
        Some("mdl") if is_there => Some(format!("{home}/models/{target}")),
        _ => None,
    };
    LinkedName { before: "", name: name.unwrap_or_else(|| target.clone()), url }
}

fn key_url(home: &str, id: &str) -> String {
    format!("{home}/settings/api-keys/{id}")
}

/// The parts of the sentence before and after the name of the target.
fn sentence(link: &ChainedEntry, detail: &Map<String, Value>) -> (String, String) {
    let word = |name: &str| detail.get(name).and_then(Value::as_str).unwrap_or_default();
    let pair = |verb: &str, rest: String| (verb.to_owned(), rest);
    match parsed(link) {
        Some(AuditAction::WorkspaceCreated) => pair("created the workspace ", String::new()),
        Some(AuditAction::WorkspaceEdited) => pair("changed the workspace", changed(detail)),
        Some(AuditAction::MemberJoined) if is_own_action(link) => {
            pair("joined", format!(" as {}", word("role")))
        }
        Some(AuditAction::MemberJoined) => pair("added ", format!(" as {}", word("role"))),
        Some(AuditAction::KeyCreated) => pair("created the key ", with_scopes(detail)),
        Some(AuditAction::KeyRotated) => pair("rotated the key ", String::new()),
        Some(AuditAction::KeyRetired) => pair("revoked the old secret of the key ", String::new()),
        Some(AuditAction::RecordDeleted) => pair("deleted the image ", String::new()),
        Some(AuditAction::ModelCreated) => pair("started training the model ", String::new()),
        Some(AuditAction::ModelCancelled) => pair("canceled the training of the model ", String::new()),
        // A general sentence for actions such as `key_deleted`: "deleted the key". It also works for actions
        // of a newer version.
        _ => {
            let (noun, verb) = link.action.split_once('_').unwrap_or(("", &link.action));
            let verb = match verb {
                "created" => "made".to_owned(),
                "edited" => "changed".to_owned(),
                verb => verb.replace('_', " "),
            };
            let why = Some(word("reason")).filter(|why| !why.is_empty());
            let why = why.map(|why| format!(": “{why}”"));
            (format!("{verb} the {noun} "), why.unwrap_or_else(|| changed(detail)))
        }
    }
}

/// A text such as " with the scopes Project and Keys".
fn with_scopes(detail: &Map<String, Value>) -> String {
    let scopes: Vec<_> = detail.get("scopes").and_then(Value::as_array).into_iter().flatten().collect();
    let scopes: Vec<_> = scopes.into_iter().filter_map(Value::as_str).map(capitalized).collect();
    match scopes.len() {
        0 => String::new(),
        1 => format!(" with the scope {}", scopes[0]),
        _ => format!(" with the scopes {}", and(&scopes)),
    }
}

/// The names of the changed fields, such as ": scopes and expiry".
fn changed(detail: &Map<String, Value>) -> String {
    let names: Vec<_> = detail
        .iter()
        .filter(|(name, value)| {
            is_change(value) && (*name != "permissions" || !detail.contains_key("scopes"))
        })
        .map(|(name, _)| label(name).to_lowercase())
        .collect();
    if names.is_empty() { String::new() } else { format!(": {}", and(&names)) }
}

fn and(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [all @ .., last] => format!("{} and {last}", all.join(", ")),
    }
}

fn is_change(value: &Value) -> bool {
    value.as_object().is_some_and(|members| members.contains_key("before") && members.contains_key("after"))
}

fn changes(detail: &Map<String, Value>, at: Timestamp) -> Vec<ChangeRow> {
    let change = |(name, value): (&String, &Value)| ChangeRow {
        label: label(name),
        before: value_text(name, &value["before"], at),
        after: value_text(name, &value["after"], at),
    };
    detail.iter().filter(|(_, value)| is_change(value)).map(change).collect()
}

/// The details of an entry other than its changes. The name is left out, because the sentence contains it.
fn facts(detail: &Map<String, Value>, at: Timestamp) -> Vec<FactRow> {
    detail
        .iter()
        .filter(|(name, value)| {
            !is_change(value) && (!value.is_null() || *name == "until") && *name != "name"
        })
        .map(|(name, value)| FactRow { label: label(name), text: value_text(name, value, at) })
        .collect()
}

fn label(name: &str) -> String {
    match name {
        "expiresAt" => "Expiry".to_owned(),
        "retiresAt" => "Old secret expires".to_owned(),
        "hint" => "Secret".to_owned(),
        "replaced" => "Previous secret".to_owned(),
        "reason" => "Why".to_owned(),
        "slug" => "Address".to_owned(),
        "projectType" => "Type".to_owned(),
        "maxKeyLifetimeDays" => "Maximum key lifetime".to_owned(),
        "rotateAfterDays" => "Rotation age".to_owned(),
        name => {
            let apart = name.chars().fold(String::new(), |mut words, letter| {
                if letter.is_uppercase() {
                    words.push(' ');
                }
                words.extend(letter.to_lowercase());
                words
            });
            capitalized(&apart)
        }
    }
}

/// A value as text for people.
fn value_text(name: &str, value: &Value, at: Timestamp) -> String {
    match (name, value) {
        ("expiresAt", Value::Null) => "never".to_owned(),
        ("until", Value::Null) => "it is resumed".to_owned(),
        ("maxKeyLifetimeDays" | "rotateAfterDays", Value::Number(days)) => {
            text::count(days.as_u64().unwrap_or_default(), "day")
        }
        ("restrictions", value) => limits(value),
        ("scopes", Value::Array(scopes)) => {
            let scopes: Vec<_> = scopes.iter().filter_map(Value::as_str).map(capitalized).collect();
            scopes.join(", ")
        }
        ("hint" | "replaced", Value::String(hint)) => format!("…{hint}"),
        (name, Value::Number(number)) if name.ends_with("At") || name == "until" => {
            match number.as_i64().map(Timestamp::from_micros) {
                Some(end) if end <= at && name == "retiresAt" => "immediately".to_owned(),
                Some(time) => text::date_and_time(time),
                None => number.to_string(),
            }
        }
        (_, Value::Null) => "none".to_owned(),
        (_, Value::String(text)) if text.is_empty() => "none".to_owned(),
        (_, Value::String(text)) => text.clone(),
        (_, Value::Array(items)) if items.iter().all(Value::is_string) => {
            items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
        }
        (_, value) => value.to_string(),
    }
}

/// The restrictions of a key as text. Restrictions of a newer version stay as JSON.
fn limits(value: &Value) -> String {
    match serde_json::from_value::<Restrictions>(value.clone()) {
        Ok(restrictions) if restrictions.is_none() => "none".to_owned(),
        Ok(restrictions) => {
            let limits = text::limits(&restrictions, &Names::default()).into_iter();
            limits.map(|limit| format!("{}: {}", limit.label, limit.text)).collect::<Vec<_>>().join("; ")
        }
        Err(_) => value.to_string(),
    }
}

fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    let first: String = letters.next().map(|first| first.to_uppercase().collect()).unwrap_or_default();
    format!("{first}{}", letters.as_str())
}
