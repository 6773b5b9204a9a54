//! The description in the form that generators of clients understand alike: null is said only where a value may be null.

use serde_json::{Map, Value};
use utoipa::openapi::OpenApi;

/// The document as JSON. A parameter or body that may be left out is no parameter or body that may be null, which is what
/// `Option` becomes.
pub(super) fn portable(document: &OpenApi) -> Value {
    // Names, texts and numbers: they always have a JSON.
    let mut document = serde_json::to_value(document).unwrap_or_default();
    drop_null_defaults(&mut document["components"]["schemas"]);
    let paths = document["paths"].as_object_mut().into_iter().flat_map(Map::values_mut);
    let operations = paths.filter_map(Value::as_object_mut).flat_map(Map::values_mut);
    for operation in operations {
        if let Some(parameters) = operation.get_mut("parameters").and_then(Value::as_array_mut) {
            parameters.iter_mut().for_each(|parameter| without_null(&mut parameter["schema"]));
        }
        let contents = operation.pointer_mut("/requestBody/content").and_then(Value::as_object_mut);
        for content in contents.into_iter().flat_map(Map::values_mut) {
            without_null(&mut content["schema"]);
        }
    }
    document
}

/// Removes `default: null`, which a field has whose type is `Option`, and which is no value of a field that may not be null.
fn drop_null_defaults(schemas: &mut Value) {
    let schemas = schemas.as_object_mut().into_iter().flat_map(Map::values_mut);
    for schema in schemas {
        let properties = schema.get_mut("properties").and_then(Value::as_object_mut);
        for property in properties.into_iter().flat_map(Map::values_mut).filter_map(Value::as_object_mut) {
            if property.get("default").is_some_and(Value::is_null) {
                property.remove("default");
            }
        }
    }
}

/// Takes null from the choices of a schema, and the choice where one is left.
fn without_null(schema: &mut Value) {
    if let Some(kinds) = schema.get_mut("type").and_then(Value::as_array_mut) {
        kinds.retain(|kind| kind != "null");
        if let [kind] = kinds.as_slice() {
            schema["type"] = kind.clone();
        }
    }
    let Some(choices) = schema.get_mut("oneOf").and_then(Value::as_array_mut) else { return };
    choices.retain(|choice| choice["type"] != "null");
    if let [choice] = choices.as_slice() {
        *schema = choice.clone();
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn null_is_taken_out_and_a_single_choice_takes_its_place() {
        for (mut schema, expected) in [
            (
                json!({ "type": ["string", "null"], "maxLength": 3 }),
                json!({ "type": "string", "maxLength": 3 }),
            ),
            (json!({ "oneOf": [{ "type": "null" }, { "$ref": "#/a" }] }), json!({ "$ref": "#/a" })),
            (json!({ "type": "integer" }), json!({ "type": "integer" })),
            (
                json!({ "oneOf": [{ "type": "string" }, { "$ref": "#/a" }] }),
                json!({ "oneOf": [{ "type": "string" }, { "$ref": "#/a" }] }),
            ),
        ] {
            without_null(&mut schema);
            assert_eq!(schema, expected);
        }
    }
}
