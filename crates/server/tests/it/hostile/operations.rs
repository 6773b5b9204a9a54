//! The operations with a body from the OpenAPI document, each with its fields and a minimal valid body.

use reqwest::{Method, RequestBuilder};
use serde_json::{Map, Value, json};

use crate::fixtures::AccessFixture;
use crate::harness::{Answer, send};

/// An operation with a body.
pub(super) struct Operation {
    pub(super) method: Method,
    pub(super) path: String,
    /// The required fields with the example values of the document.
    pub(super) base: Map<String, Value>,
    pub(super) fields: Vec<Field>,
    pub(super) may_be_left_out: bool,
}

pub(super) struct Field {
    /// The name in `details`.
    pub(super) name: String,
    pub(super) schema: Value,
    pub(super) is_nullable: bool,
}

impl Operation {
    pub(super) fn request(&self, fixture: &AccessFixture) -> RequestBuilder {
        fixture
            .server
            .request(self.method.clone(), &format!("/api/v1{}", self.path))
            .bearer_auth(fixture.key())
    }

    pub(super) async fn send(&self, fixture: &AccessFixture, body: &Map<String, Value>) -> Answer {
        send(self.request(fixture).json(body)).await
    }

    pub(super) async fn assert_rejects(
        &self,
        fixture: &AccessFixture,
        field: &str,
        body: &Map<String, Value>,
    ) {
        let answer = self.send(fixture, body).await;
        answer.assert_client_error();
        answer.check_field_error(field);
    }

    /// The minimal body with one more field. `a.b` is the field b of a.
    pub(super) fn with(&self, field: &str, value: Value) -> Map<String, Value> {
        let mut body = self.base.clone();
        match field.split_once('.') {
            Some((outer, inner)) => body.insert(outer.to_owned(), json!({ inner: value })),
            None => body.insert(field.to_owned(), value),
        };
        body
    }
}

/// All operations with a body.
pub(super) async fn operations(fixture: &AccessFixture) -> Vec<Operation> {
    let document = send(fixture.server.request(Method::GET, "/api/v1/openapi.json")).await.json();
    let mut operations = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let content = &operation["requestBody"]["content"];
            let schema = &content["application/json"]["schema"];
            // Image operations accept other formats and larger bodies; the module `predict` tests them.
            let is_json_alone = content.as_object().is_some_and(|kinds| kinds.len() == 1);
            if !schema.is_null() && is_json_alone && !is_tried_elsewhere(operation) {
                operations.push(read(fixture, &document, method, path, &operation["requestBody"]));
            }
        }
    }
    assert!(operations.len() >= 6, "{}", operations.len());
    operations
}

/// Dataset operations accept unknown fields, since public clients send them; the module `datasets` tests them. Node
/// operations need a registered node; `nodes::invalid_requests` tests them.
fn is_tried_elsewhere(operation: &Value) -> bool {
    ["Datasets", "Nodes"].iter().any(|tag| operation["tags"][0] == *tag)
}

fn read(fixture: &AccessFixture, document: &Value, method: &str, path: &str, body: &Value) -> Operation {
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
    let id = if path.starts_with("/keys") {
        fixture.ours.key.to_string()
    } else {
        fixture.ours.project.to_string()
    };
    let method = method.to_uppercase().parse().unwrap();
    Operation { method, path: path.replace("{id}", &id), base, fields, may_be_left_out }
}

/// The example of a field, or of the schema that it refers to.
fn example(document: &Value, schema: &Value) -> Value {
    let (behind, _) = resolved(document, schema);
    let shown = [&schema["example"], &behind["example"], &behind["examples"][0], &behind["enum"][0]];
    shown.into_iter().find(|example| !example.is_null()).cloned().unwrap_or_default()
}

/// The schema behind a reference, and whether null is allowed.
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
