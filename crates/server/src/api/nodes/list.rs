//! `GET /nodes`: lists the nodes of the workspace.

use axum::Json;
use axum::extract::State;
use keyrack_core::AuthorizedCaller;
use keyrack_core::nodes::LiveNode;
use keyrack_core::times::rfc3339;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::Shared;

/// The nodes of a workspace.
#[derive(Debug, Serialize, ToSchema)]
pub struct NodeList {
    /// The oldest node comes first.
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
    /// The actor that registered the node, usually `key:key_…`.
    registered_by: String,
    /// How long the node continues to check keys after its lease has ended, in seconds.
    offline_grace_seconds: u64,
    /// When the server last received a request of the node.
    #[schema(format = DateTime)]
    last_seen_at: String,
    /// The number of the last change that the node has acknowledged. Null while the node reads a snapshot.
    applied_revision: Option<u64>,
}

impl From<LiveNode> for NodeBody {
    fn from(LiveNode { node, applied, last_contact_at: heard_at }: LiveNode) -> Self {
        Self {
            id: node.id.to_string(),
            name: node.name,
            registered_at: rfc3339(node.registered_at),
            registered_by: node.registered_by.to_string(),
            offline_grace_seconds: node.offline_grace.as_secs(),
            last_seen_at: rfc3339(heard_at),
            applied_revision: applied.map(|revision| revision.0),
        }
    }
}

/// List nodes
///
/// Returns the services that check keys of the workspace in their own memory.
#[utoipa::path(get, path = "/nodes", tag = "Nodes", operation_id = "listNodes",
    responses((status = 200, description = "The nodes.", body = NodeList)))]
pub async fn list(State(app): State<Shared>, by: AuthorizedCaller) -> Json<NodeList> {
    let items = app.nodes.list(by.workspace).into_iter().map(NodeBody::from).collect();
    Json(NodeList { items })
}
