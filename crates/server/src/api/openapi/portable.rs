//! A form of the OpenAPI document that client generators read alike: only values that may be null have the type `null`.

use serde_json::{Map, Value};
use utoipa::openapi::OpenApi;

/// Returns the document as JSON. utoipa gives the type `null` to every `Option`, also to optional parameters and bodies, which
/// may be missing but not null. This function removes that type.
pub(super) fn portable(document: &OpenApi) -> Value {
    // Serialization can't fail: the document has only strings, numbers, and maps with string keys.
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

/// Removes `default: null`, which utoipa gives to every `Option`: for fields that can't be null, the default would be invalid.
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

/// Removes null from the types of a schema. If one choice remains, it replaces the schema.
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
    fn without_null_removes_null_and_unwraps_a_single_choice() {
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
