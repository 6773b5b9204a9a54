//! Nodes that follow a real server: once a deletion is answered, they deny the key, regardless of network failures.

mod feed_proxy;
mod invalid_feed;
mod invalid_requests;
mod offline;
mod pause;
mod propagation;
mod suspended_process;
mod usage_reports;

use http::{Request, StatusCode};
use keyrack_guard::{GuardLayer, Node, NodeBuilder, OfflinePolicy, Permission};
use tower::{Layer, ServiceExt, service_fn};

use crate::api::{Api, CreatedKey};
use crate::harness::wait_until;
use feed_proxy::FeedProxy;

/// A server, a node, and a proxy between them.
struct ServerAndNode {
    api: Api,
    proxy: FeedProxy,
    node: Node,
    /// The node's credential.
    credential: CreatedKey,
}

impl ServerAndNode {
    async fn start(offline_policy: OfflinePolicy) -> Self {
        let api = Api::start().await;
        let credential = node_key(&api).await;
        let proxy = FeedProxy::to(&api.server.url).await;
        let node = start(&proxy.url, &credential.secret, offline_policy).await;
        Self { api, proxy, node, credential }
    }

    /// The node's response to a request with this key.
    async fn check_key(&self, key: &CreatedKey) -> StatusCode {
        check_secret(&self.node, &key.secret).await
    }

    /// Deletes a key and returns its propagation.
    async fn delete(&self, key: &CreatedKey) -> serde_json::Value {
        self.api.delete(&key.path()).await.ok().json()["propagation"].take()
    }

    /// Waits until the node is ready and has no error.
    async fn wait_until_synced(&self) {
        wait_until("the node is synced", async || {
            (self.node.is_ready() && self.node.last_error().is_none()).then_some(())
        })
        .await;
    }
}

/// Creates a key with the scope Node, with the command line.
async fn node_key(api: &Api) -> CreatedKey {
    CreatedKey::of(api.server.create_key(&["node"], &[]).await)
}

async fn start(url: &str, credential: &str, offline_policy: OfflinePolicy) -> Node {
    let node = NodeBuilder::new(url, credential).name("of a test").offline_policy(offline_policy);
    node.start().await.unwrap()
}

async fn check_secret(node: &Node, secret: &str) -> StatusCode {
    let service = service_fn(|_: Request<()>| async {
        Ok::<_, std::convert::Infallible>(http::Response::new(String::new()))
    });
    let guarded = GuardLayer::new(node.guard().clone(), Permission::ModelsPredict).layer(service);
    let request = Request::get("/").header("x-api-key", secret).header("user-agent", "of a test").body(());
    guarded.oneshot(request.unwrap()).await.unwrap().status()
}
