//! The example bodies of requests. A test sends each one to a real server.

use serde_json::{Map, Value, json};

const IMAGE: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGNgYPgPAAEDAQAIicLsAAAAAElFTkSuQmCC";

/// Adds the example of each operation with a JSON body to the document.
pub(super) fn add(document: &mut Value) {
    let paths = document["paths"].as_object_mut().into_iter().flat_map(Map::values_mut);
    for operation in paths.filter_map(Value::as_object_mut).flat_map(Map::values_mut) {
        let id = operation["operationId"].as_str().unwrap_or_default();
        let Some(example) = of(id) else { continue };
        if let Some(content) = operation.pointer_mut("/requestBody/content/application~1json") {
            content["example"] = example;
        }
    }
}

/// The example of the operation `id`. `None` for an operation without a JSON body.
fn of(id: &str) -> Option<Value> {
    let label = "lbl_0198c2f4a1b27c3d8e4f5a6b7c8d9e0f";
    let example = match id {
        "createKey" => {
            json!({ "name": "Line 3 camera", "scopes": ["inference"], "expiresAt": "2036-01-31T12:00:00Z" })
        }
        "updateKey" => json!({ "name": "Line 3 camera", "restrictions": { "networks": ["10.4.0.0/16"] } }),
        "deleteKey" => json!({ "reason": "The camera was replaced." }),
        "pauseKey" => json!({ "duration": "24h" }),
        "rotateKey" => json!({ "gracePeriod": "24h" }),
        "previewKeyChange" => json!({ "scopes": ["inference"] }),
        "verifyKey" => json!({ "workspace": "northfield-vision", "permission": "models:predict" }),
        "updateWorkspace" => json!({ "name": "Northfield Vision", "rotateAfterDays": 90 }),
        "createProject" => json!({ "name": "Bottle caps", "projectType": "object_detection" }),
        "updateProject" => json!({ "description": "Caps on line 3" }),
        "createBatch" => json!({ "name": "Line 3, Monday" }),
        "createLabels" => json!([{ "name": "crown cap" }, { "name": "screw cap" }]),
        "createUpload" => json!({ "name": "cap-0001.jpg" }),
        "createRecord" => {
            json!({ "name": "cap-0001.jpg", "source": "keyrack:upl_0198c2f4a1b27c3d8e4f5a6b7c8d9e0f" })
        }
        "createAnnotations" => json!({
            "dataset_record_id": "rec_0198c2f4a1b27c3d8e4f5a6b7c8d9e0f",
            "annotations": [{ "label_id": label, "annotation": { "category": "bounding_box", "left": 0.1, "top": 0.2, "width": 0.3, "height": 0.4 } }],
        }),
        "trainModel" => json!({ "name": "Model 3" }),
        "classify" | "detect" => json!({ "image": IMAGE, "confidence": 0.7 }),
        "registerNode" => json!({ "name": "counter-3", "offlineGraceSeconds": 60 }),
        "getNodeChanges" => {
            json!({ "applied": { "revision": 812, "change": "b0Vu8mW2QkCqNTc1n0cTXw==" }, "waitMillis": 1000 })
        }
        "reportNodeUsage" => json!({ "batch": 1, "keys": [], "callers": [] }),
        _ => return None,
    };
    Some(example)
}
