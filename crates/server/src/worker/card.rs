//! Builds model cards as JSON.

use keyrack_key::RecordId;
use serde::Serialize;
use serde_json::Value;

/// Merges a card and its examples. Each example names the record of its image instead of the image's index.
pub(super) fn of<'a, E: Serialize + 'a>(
    card: &impl Serialize,
    examples: impl Iterator<Item = (RecordId, &'a E)>,
) -> Value {
    let mut card = as_json(card);
    let example = |(record, example): (RecordId, &E)| {
        let mut shown = as_json(example);
        if let Some(members) = shown.as_object_mut() {
            members.remove("picture");
            members.insert("record".into(), record.to_string().into());
        }
        shown
    };
    card["examples"] = examples.map(example).collect();
    card
}

/// Converts field names of the vision crate to the style of the API: `measured_on` becomes `measuredOn`. Values,
/// including labels, are unchanged.
fn as_json(value: &impl Serialize) -> Value {
    serde_json::to_value(value).map_or(Value::Null, renamed)
}

fn renamed(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            members.into_iter().map(|(name, value)| (camel(&name), renamed(value))).collect()
        }
        Value::Array(items) => items.into_iter().map(renamed).collect(),
        other => other,
    }
}

fn camel(name: &str) -> String {
    let mut words = name.split('_');
    let mut camel = words.next().unwrap_or_default().to_owned();
    for word in words {
        let mut letters = word.chars();
        camel.extend(letters.next().into_iter().flat_map(char::to_uppercase));
        camel.push_str(letters.as_str());
    }
    camel
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    #[test]
    fn card_names_become_camel_case_and_values_stay() {
        let card = json!({ "measured_on": 3, "labels": ["a_b"], "metrics": [{ "at_0_7": { "x": null } }] });
        let shown = json!({ "measuredOn": 3, "labels": ["a_b"], "metrics": [{ "at07": { "x": null } }] });
        assert_eq!(super::as_json(&card), shown);
    }
}
