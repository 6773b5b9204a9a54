//! What the OpenAPI document says of bodies: for each operation its fields, and the least that it takes.

use reqwest::{Method, RequestBuilder};
use serde_json::{Map, Value, json};

use crate::cast::Cast;
use crate::harness::{Answer, send};

/// An operation that takes a body.
pub(super) struct Operation {
    pub(super) method: Method,
    pub(super) path: String,
    /// The fields that it cannot do without, as the document shows them.
    pub(super) base: Map<String, Value>,
    pub(super) fields: Vec<Field>,
    pub(super) may_be_left_out: bool,
}

pub(super) struct Field {
    /// As `details` names it.
    pub(super) name: String,
    pub(super) schema: Value,
    pub(super) is_nullable: bool,
}

impl Operation {
    pub(super) fn request(&self, cast: &Cast) -> RequestBuilder {
        cast.server.request(self.method.clone(), &format!("/api/v1{}", self.path)).bearer_auth(cast.key())
    }

    pub(super) async fn send(&self, cast: &Cast, body: &Map<String, Value>) -> Answer {
        send(self.request(cast).json(body)).await
    }

    pub(super) async fn refuses(&self, cast: &Cast, field: &str, body: &Map<String, Value>) {
        let answer = self.send(cast, body).await;
        answer.is_clear_refusal();
        answer.names_field(field);
    }

    /// The least that it takes, and one field more. `a.b` is the field b of a.
    pub(super) fn with(&self, field: &str, value: Value) -> Map<String, Value> {
        let mut body = self.base.clone();
        match field.split_once('.') {
            Some((outer, inner)) => body.insert(outer.to_owned(), json!({ inner: value })),
            None => body.insert(field.to_owned(), value),
        };
        body
    }
}

/// Every operation that takes a body.
pub(super) async fn operations(cast: &Cast) -> Vec<Operation> {
    let document = send(cast.server.request(Method::GET, "/api/v1/openapi.json")).await.json();
    let mut operations = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let content = &operation["requestBody"]["content"];
            let schema = &content["application/json"]["schema"];
            // What takes pictures takes other forms and more bytes: see `predict`.
            let is_json_alone = content.as_object().is_some_and(|kinds| kinds.len() == 1);
            if !schema.is_null() && is_json_alone && !is_tried_elsewhere(operation) {
                operations.push(read(cast, &document, method, path, &operation["requestBody"]));
            }
        }
    }
    assert!(operations.len() >= 6, "{}", operations.len());
    operations
}

/// Public clients send more than we know, and would give up over a refusal: what is refused there, `datasets` tries. What
/// nodes say is about a node of their own: `nodes::refused` has one.
fn is_tried_elsewhere(operation: &Value) -> bool {
    ["Datasets", "Nodes"].iter().any(|tag| operation["tags"][0] == *tag)
}

fn read(cast: &Cast, document: &Value, method: &str, path: &str, body: &Value) -> Operation {
    let may_be_left_out = body["required"] != true;
    let (body, _) = resolved(document, &body["content"]["application/json"]["schema"]);
    let required: Vec<_> = body["required"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default()
        .iter()
        .map(|name| name.as_str().unwrap())
        .collect();
    let mut base = Map::new();
    for name in &required {
        let example =
            if *name == "workspace" { json!("ours") } else { example(document, &body["properties"][name]) };
        assert!(!example.is_null(), "{method} {path}: the document has no example of {name}");
        base.insert((*name).to_owned(), example);
    }
    let mut fields = Vec::new();
    for (name, schema) in body["properties"].as_object().unwrap() {
        let (inner, is_nullable) = resolved(document, schema);
        for (part, schema) in inner["properties"].as_object().into_iter().flatten() {
            fields.push(Field { name: format!("{name}.{part}"), schema: schema.clone(), is_nullable: true });
        }
        let is_nullable = is_nullable || !required.contains(&name.as_str());
        fields.insert(0, Field { name: name.clone(), schema: inner.clone(), is_nullable });
    }
    let id =
        if path.starts_with("/keys") { cast.ours.key.to_string() } else { cast.ours.project.to_string() };
    let method = method.to_uppercase().parse().unwrap();
    Operation { method, path: path.replace("{id}", &id), base, fields, may_be_left_out }
}

/// What the document shows of a field, or of the schema that it refers to.
fn example(document: &Value, schema: &Value) -> Value {
    let (behind, _) = resolved(document, schema);
    let shown = [&schema["example"], &behind["example"], &behind["examples"][0], &behind["enum"][0]];
    shown.into_iter().find(|example| !example.is_null()).cloned().unwrap_or_default()
}

/// What stands behind a reference, and whether null may stand there too.
fn resolved<'a>(document: &'a Value, schema: &'a Value) -> (&'a Value, bool) {
    if let Some(reference) = schema["$ref"].as_str() {
        return (document.pointer(reference.trim_start_matches('#')).unwrap(), false);
    }
    match schema["oneOf"].as_array() {
        Some(choices) => {
            let something = choices.iter().find(|choice| choice["type"] != "null").unwrap();
            (resolved(document, something).0, true)
        }
        None => (schema, false),
    }
}
