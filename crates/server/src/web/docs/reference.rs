//! The operations of the API, read from the OpenAPI document.

use std::sync::OnceLock;

use serde_json::Value;

use super::examples;
use super::view::{DocsAnswer, DocsField, DocsGroup, DocsOperation};
use crate::api;
use crate::app::App;

/// The operations of all groups. The document is the same for each request, so it is read once.
pub(super) fn reference(app: &App) -> &'static [DocsGroup] {
    static REFERENCE: OnceLock<Vec<DocsGroup>> = OnceLock::new();
    REFERENCE.get_or_init(|| groups(&api::document(app.guard.clone())))
}

/// Groups the operations by tag. Groups have the order of the tags.
pub(super) fn groups(document: &Value) -> Vec<DocsGroup> {
    let mut groups: Vec<DocsGroup> = Vec::new();
    for (path, methods) in members(&document["paths"]) {
        for (method, operation) in members(methods) {
            let title = text(&operation["tags"][0]);
            let read = self::operation(document, path, method, operation);
            match groups.iter_mut().find(|group| group.title == title) {
                Some(group) => group.operations.push(read),
                None => groups.push(DocsGroup {
                    anchor: title.to_lowercase(),
                    text: text_of_tag(document, &title),
                    title,
                    operations: vec![read],
                }),
            }
        }
    }
    let place = |group: &DocsGroup| tags(document).position(|tag| tag["name"] == group.title);
    groups.sort_by_key(place);
    groups
}

fn tags(document: &Value) -> impl Iterator<Item = &Value> {
    document["tags"].as_array().into_iter().flatten()
}

fn text_of_tag(document: &Value, title: &str) -> String {
    tags(document).find(|tag| tag["name"] == title).map_or_else(String::new, |tag| text(&tag["description"]))
}

fn operation(document: &Value, path: &str, method: &str, operation: &Value) -> DocsOperation {
    let parameters = operation["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
    DocsOperation {
        anchor: text(&operation["operationId"]),
        method: method.to_uppercase(),
        path: path.to_owned(),
        summary: text(&operation["summary"]),
        text: text(&operation["description"]),
        permission: text(&operation["x-keyrack-access"]),
        parameters: parameters.iter().map(|parameter| self::parameter(document, parameter)).collect(),
        body: body(document, &operation["requestBody"]["content"]["application/json"]["schema"]),
        answers: members(&operation["responses"])
            .map(|(status, answer)| (status, answer["description"].as_str().unwrap_or_default()))
            .filter(|(status, description)| !api::is_common_failure(status, description))
            .map(|(status, description)| DocsAnswer {
                status: status.to_owned(),
                text: description.replace('`', ""),
            })
            .collect(),
        example: examples::request(document, path, method, operation),
        response: examples::response(document, operation),
    }
}

fn parameter(document: &Value, parameter: &Value) -> DocsField {
    let place = match parameter["in"].as_str() {
        Some("path") => ", in the path",
        Some("header") => ", a header",
        _ => ", in the query",
    };
    DocsField {
        name: text(&parameter["name"]),
        kind: format!("{}{place}", kind(document, &parameter["schema"])),
        required: parameter["required"] == true,
        text: text(&parameter["description"]),
    }
}

fn body(document: &Value, schema: &Value) -> Vec<DocsField> {
    let schema = resolved(document, schema);
    let required = schema["required"].as_array().map(Vec::as_slice).unwrap_or_default();
    let field = |(name, field): (&str, &Value)| DocsField {
        name: name.to_owned(),
        kind: kind(document, field),
        required: required.iter().any(|one| one == name),
        text: text(&field["description"]),
    };
    let mut fields = Vec::new();
    for (name, member) in members(&schema["properties"]) {
        fields.push(field((name, member)));
        let inner = body(document, member).into_iter();
        fields.extend(inner.map(|field| DocsField { name: format!("{name}.{}", field.name), ..field }));
    }
    fields
}

/// Follows a `$ref`, and takes the schema out of a `oneOf` of a schema and null.
pub(super) fn resolved<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    if let Some(reference) = schema["$ref"].as_str() {
        return document.pointer(reference.trim_start_matches('#')).unwrap_or(schema);
    }
    let choices = schema["oneOf"].as_array().map(Vec::as_slice).unwrap_or_default();
    match choices.iter().find(|choice| choice["type"] != "null") {
        Some(choice) => resolved(document, choice),
        None => schema,
    }
}

fn kind(document: &Value, schema: &Value) -> String {
    let schema = resolved(document, schema);
    match &schema["type"] {
        Value::String(kind) if kind == "array" => format!("list of {}", kind_of_items(document, schema)),
        Value::String(kind) => kind.clone(),
        Value::Array(kinds) => {
            let kinds: Vec<_> = kinds.iter().filter_map(Value::as_str).collect();
            let nullable = kinds.contains(&"array");
            if nullable {
                format!("list of {} or null", kind_of_items(document, schema))
            } else {
                kinds.join(" or ")
            }
        }
        _ => "object".to_owned(),
    }
}

fn kind_of_items(document: &Value, schema: &Value) -> String {
    kind(document, &schema["items"])
}

pub(super) fn members(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value.as_object().into_iter().flatten().map(|(name, value)| (name.as_str(), value))
}

/// The text without the backticks that Markdown readers expect.
pub(super) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().replace('`', "")
}
