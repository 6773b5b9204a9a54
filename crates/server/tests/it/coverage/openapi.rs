//! Rules for every operation and schema of the OpenAPI document, on which client generators rely.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use keyrack_guard::Guard;
use keyrack_key::{Brands, Timestamp};
use keyrack_rack::Rack;
use serde_json::Value;

const PROBLEM: &str = "#/components/schemas/Problem";

fn document() -> Value {
    let guard = Guard::new(Arc::new(Rack::new()), Brands::default(), || Timestamp::from_micros(0));
    keyrack::api::document(Arc::new(guard))
}

/// Each operation with its method and path.
fn operations(document: &Value) -> Vec<(String, &Value)> {
    let paths = document["paths"].as_object().unwrap();
    let all = paths.iter().flat_map(|(path, methods)| {
        let methods = methods.as_object().unwrap();
        methods.iter().map(move |(method, operation)| (format!("{method} {path}"), operation))
    });
    all.collect()
}

fn names(value: &Value) -> impl Iterator<Item = &String> {
    value.as_object().into_iter().flat_map(|members| members.keys())
}

#[test]
fn openapi_operations_list_their_problem_responses() {
    let document = document();
    for (name, operation) in operations(&document) {
        let responses = operation["responses"].as_object().unwrap();
        let has = |status: &str| responses.contains_key(status);
        assert!(responses.keys().any(|status| status.starts_with('2')), "{name}");
        let mut expected = vec!["400", "500", "503"];
        if operation["security"].is_array() {
            expected.extend(["401", "403", "429"]);
        }
        if operation["requestBody"].is_object() {
            expected.extend(["408", "413", "415", "422"]);
        }
        if name.contains('{') {
            expected.push("404");
        }
        for status in expected {
            assert!(has(status), "{name}: {status}");
        }
        for (status, response) in responses.iter().filter(|(status, _)| status.as_str() >= "400") {
            let content = response["content"].as_object().unwrap_or_else(|| panic!("{name}: {status}"));
            assert_eq!(content.len(), 1, "{name}: {status}");
            assert_eq!(content["application/problem+json"]["schema"]["$ref"], PROBLEM, "{name}: {status}");
            assert!(
                response["description"].as_str().is_some_and(|message| message.len() > 5),
                "{name}: {status}"
            );
        }
    }
}

#[test]
fn openapi_operations_have_id_description_and_documented_tag() {
    let document = document();
    let tags: BTreeMap<_, _> =
        document["tags"].as_array().unwrap().iter().map(|tag| (tag["name"].as_str().unwrap(), tag)).collect();
    assert!(
        tags.values().all(|tag| tag["description"].as_str().is_some_and(|expected| expected.ends_with('.')))
    );
    let mut ids = BTreeSet::new();
    let mut used = BTreeSet::new();
    for (name, operation) in operations(&document) {
        let id = operation["operationId"].as_str().unwrap();
        assert!(id.starts_with(|c: char| c.is_ascii_lowercase()), "{name}");
        assert!(id.chars().all(|c| c.is_ascii_alphabetic()), "{name}");
        assert!(ids.insert(id), "{name}: duplicate ID {id}");
        for text in ["summary", "description"] {
            assert!(operation[text].as_str().is_some_and(|expected| expected.len() > 3), "{name}: {text}");
        }
        let tag = operation["tags"][0].as_str().unwrap();
        assert!(tags.contains_key(tag), "{name}: {tag}");
        used.insert(tag);
    }
    assert_eq!(used, tags.keys().copied().collect());
    assert!(
        document["info"]["contact"]["name"].is_string() && document["info"]["license"]["name"].is_string()
    );
}

#[test]
fn openapi_byte_and_stream_bodies_have_typed_schemas() {
    let document = document();
    let mut seen = BTreeSet::new();
    for (name, operation) in operations(&document) {
        let answers = operation["responses"].as_object().unwrap().values().map(|one| &one["content"]);
        for content in answers.chain([&operation["requestBody"]["content"]]) {
            for (kind, content) in content.as_object().into_iter().flatten() {
                let schema = &content["schema"];
                let is_bytes = kind.starts_with("image/") || kind == "application/octet-stream";
                if is_bytes {
                    assert_eq!(
                        (&schema["type"], &schema["format"]),
                        (&"string".into(), &"binary".into()),
                        "{name}: {kind}"
                    );
                }
                if ["text/event-stream", "application/jsonl"].contains(&kind.as_str()) {
                    assert_eq!(schema["contentMediaType"], *kind, "{name}");
                    let piece = schema["contentSchema"]["$ref"].as_str().unwrap_or_else(|| panic!("{name}"));
                    assert!(document.pointer(&piece[1..]).is_some(), "{name}: {piece}");
                }
                seen.insert(kind.clone());
            }
        }
    }
    for kind in ["image/png", "application/octet-stream", "text/event-stream", "application/jsonl"] {
        assert!(seen.contains(kind), "{kind}");
    }
}

/// Generators would let users send `null`, which the server rejects.
#[test]
fn openapi_bodies_and_parameters_are_not_nullable() {
    let document = document();
    for (name, operation) in operations(&document) {
        let parameters = operation["parameters"].as_array().into_iter().flatten().map(|one| &one["schema"]);
        let contents = operation["requestBody"]["content"].as_object().into_iter().flatten();
        for schema in parameters.chain(contents.map(|(_, content)| &content["schema"])) {
            assert!(!schema.to_string().contains("\"null\""), "{name}: {schema}");
        }
    }
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        assert!(!schema.to_string().contains("\"default\":null"), "{name}");
    }
}

#[test]
fn openapi_schema_names_stay_unique_in_generated_clients() {
    let document = document();
    let operations = operations(&document);
    let ids =
        operations.iter().map(|(_, operation)| operation["operationId"].as_str().unwrap().to_lowercase());
    // The type names that generators derive from operation IDs.
    let created: BTreeSet<_> = ids
        .flat_map(|id| ["response", "params", "jsonbody", "jsonrequestbody"].map(|end| format!("{id}{end}")))
        .collect();
    let mut seen = BTreeMap::new();
    for name in names(&document["components"]["schemas"]) {
        let lower = name.to_lowercase();
        assert!(!created.contains(&lower), "{name} is also a generated type of an operation");
        let bare = lower.strip_prefix("new").unwrap_or(&lower);
        let bare = ["body", "dto", "request", "response"]
            .iter()
            .find_map(|end| bare.strip_suffix(end))
            .unwrap_or(bare);
        assert!(!bare.is_empty(), "{name}");
        if let Some(other) = seen.insert(bare.to_owned(), name.clone()) {
            panic!("{name} and {other} get the same name from a generator");
        }
        let quaint = [
            "Applied",
            "At",
            "Called",
            "Changes",
            "Count",
            "Farewell",
            "HandedBody",
            "Last",
            "Line",
            "Query",
            "Question",
            "Register",
            "Uses",
            "Verdict",
        ];
        assert!(!quaint.contains(&name.as_str()), "{name} is unclear to users of a generated client");
        assert!(!name.ends_with("Body") && !name.starts_with("New"), "{name}");
        assert!(
            document["components"]["schemas"][name]["description"].is_string(),
            "{name} has no description"
        );
    }
}

#[test]
fn openapi_references_resolve_and_all_schemas_are_used() {
    let document = document();
    let text = document.to_string();
    let referred: BTreeSet<_> =
        text.split("\"$ref\":\"#").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()).collect();
    for reference in &referred {
        assert!(document.pointer(reference).is_some(), "{reference}");
    }
    for name in names(&document["components"]["schemas"]) {
        assert!(referred.contains(&format!("/components/schemas/{name}")), "{name} is not used");
    }
}

#[test]
fn openapi_enums_share_no_value() {
    let document = document();
    let mut enums = BTreeMap::new();
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        for word in schema["enum"].as_array().into_iter().flatten() {
            let other = enums.insert(word.as_str().unwrap().to_uppercase(), name);
            assert_eq!(
                other, None,
                "{name} and another enum have {word}: the Go client of openapi-generator can't"
            );
        }
    }
    assert!(enums.contains_key("ACTIVE") && enums.contains_key("FAILED"), "{enums:?}");
}
