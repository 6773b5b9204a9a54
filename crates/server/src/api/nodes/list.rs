//! `GET /nodes`: who follows the keys of the workspace.

use axum::Json;
use axum::extract::State;
use keyrack_core::Acting;
use keyrack_core::nodes::Stand;
use keyrack_core::times::rfc3339;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::Shared;

/// The nodes of the workspace.
#[derive(Debug, Serialize, ToSchema)]
pub struct NodeList {
    /// The oldest first.
    items: Vec<NodeBody>,
}

/// A service that checks keys in its own memory.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Node)]
pub struct NodeBody {
    #[schema(value_type = crate::api::schema::NodeId)]
    id: String,
    #[schema(example = "counter-3")]
    name: String,
    #[schema(format = DateTime)]
    registered_at: String,
    /// Who registered it: `key:key_…`, as a rule.
    registered_by: String,
    /// How many seconds it goes on when it is cut off.
    serves_for: u64,
    /// When it was heard of last.
    #[schema(format = DateTime)]
    heard_at: String,
    /// The last change that it is known to have applied; null while it reads everything.
    applied: Option<u64>,
}

impl From<Stand> for NodeBody {
    fn from(Stand { node, applied, heard_at }: Stand) -> Self {
        Self {
            id: node.id.to_string(),
            name: node.name,
            registered_at: rfc3339(node.registered_at),
            registered_by: node.registered_by.to_string(),
            serves_for: node.serves_for.as_secs(),
            heard_at: rfc3339(heard_at),
            applied: applied.map(|revision| revision.0),
        }
    }
}

/// List nodes
///
/// Services that follow the keys of the workspace and may decide about them.
#[utoipa::path(get, path = "/nodes", tag = "Nodes", operation_id = "listNodes",
    responses((status = 200, description = "The nodes", body = NodeList)))]
pub async fn list(State(app): State<Shared>, by: Acting) -> Json<NodeList> {
    let items = app.nodes.list(by.workspace).into_iter().map(NodeBody::from).collect();
    Json(NodeList { items })
}
