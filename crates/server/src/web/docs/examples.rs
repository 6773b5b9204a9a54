//! One example request and response of each operation. All values come from the OpenAPI document.

use serde_json::{Map, Value, json};

use super::reference::{members, resolved, text};
use super::view::{ExampleBody, ExampleRequest, ExampleResponse};
use crate::http::api_path::PREFIX;

/// The example request of an operation.
pub(super) fn request(document: &Value, path: &str, method: &str, operation: &Value) -> ExampleRequest {
    let mut url = format!("{PREFIX}{path}");
    let mut headers = Vec::new();
    let mut query = form_urlencoded::Serializer::new(String::new());
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        let name = text(&parameter["name"]);
        let value = plain(&value(document, &parameter["schema"]));
        match parameter["in"].as_str() {
            Some("path") => url = url.replace(&format!("{{{name}}}"), &value),
            _ if parameter["required"] != true => {}
            Some("header") => headers.push((name, value)),
            _ => drop(query.append_pair(&name, &value)),
        }
    }
    let query = query.finish();
    if !query.is_empty() {
        url = format!("{url}?{query}");
    }
    ExampleRequest {
        method: method.to_uppercase(),
        path: url,
        takes_key: operation["security"].is_array(),
        headers,
        body: body(&operation["requestBody"]["content"]),
        returns_json: success(operation).is_some_and(|(_, answer)| json_of(answer).is_some()),
    }
}

/// The example body. An operation that accepts images as bytes shows that form, which needs no encoding.
fn body(content: &Value) -> ExampleBody {
    for kind in ["image/jpeg", "application/octet-stream"] {
        if content[kind].is_object() {
            return ExampleBody::Image(kind.to_owned());
        }
    }
    match &content["application/json"]["example"] {
        Value::Null => ExampleBody::None,
        example => ExampleBody::Json(example.clone()),
    }
}

/// The example of the first successful response.
pub(super) fn response(document: &Value, operation: &Value) -> ExampleResponse {
    let Some((status, answer)) = success(operation) else {
        return ExampleResponse { status: String::new(), json: None, text: String::new() };
    };
    let json = json_of(answer).map(|schema| value(document, schema));
    ExampleResponse {
        status: status.to_owned(),
        // Serialization of a JSON value can't fail.
        json: json.map(|json| serde_json::to_string_pretty(&json).unwrap_or_default()),
        text: text(&answer["description"]),
    }
}

fn success(operation: &Value) -> Option<(&str, &Value)> {
    members(&operation["responses"]).find(|(status, _)| status.starts_with('2'))
}

fn json_of(answer: &Value) -> Option<&Value> {
    answer["content"]["application/json"].get("schema")
}

/// An example value of a schema: its own example, or one that is built from its parts. Values that may be null and have no
/// example are null.
fn value(document: &Value, schema: &Value) -> Value {
    let target = resolved(document, schema);
    let own =
        [schema, target].into_iter().find_map(|one| one.get("example").or_else(|| one["examples"].get(0)));
    if let Some(own) = own {
        return own.clone();
    }
    if schema["oneOf"].as_array().is_some_and(|choices| choices.iter().any(|one| one["type"] == "null")) {
        return Value::Null;
    }
    if let Some(first) = target["enum"].get(0) {
        return first.clone();
    }
    if let Some(parts) = target["allOf"].as_array() {
        let parts = parts.iter().map(|part| value(document, part));
        let members = parts.filter_map(|part| part.as_object().cloned()).flatten();
        return Value::Object(members.collect());
    }
    if let Some(default) = target.get("default").filter(|default| !default.is_null()) {
        return default.clone();
    }
    of_type(document, target)
}

fn of_type(document: &Value, schema: &Value) -> Value {
    let kinds: Vec<_> = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        kind => kind.as_str().into_iter().collect(),
    };
    if kinds.contains(&"null") {
        return Value::Null;
    }
    match kinds.first() {
        Some(&"object") => {
            let fields = members(&schema["properties"]);
            Value::Object(
                fields.map(|(name, field)| (name.to_owned(), value(document, field))).collect::<Map<_, _>>(),
            )
        }
        Some(&"array") => json!([value(document, &schema["items"])]),
        Some(&"integer") => schema.get("minimum").cloned().unwrap_or_else(|| json!(1)),
        Some(&"number") => json!(0.5),
        Some(&"boolean") => json!(true),
        Some(&"string") if schema["format"] == "date-time" => json!("2026-12-01T09:45:00Z"),
        Some(&"string") => json!("…"),
        _ => Value::Null,
    }
}

/// A value as it is written in a URL or a header.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
