//! Services elsewhere that follow a real server: when a deletion has been answered they refuse the key, whatever happens
//! on the way between them.

mod cut_off;
mod following;
mod mischief;
mod paused;
mod refused;
mod stopped;
mod told;
mod wire;

use http::{Request, StatusCode};
use keyrack_guard::{GuardLayer, Node, NodeBuilder, OfflinePolicy, Permission};
use tower::{Layer, ServiceExt, service_fn};

use crate::desk::{Desk, Made};
use crate::harness::until;
use wire::Wire;

/// A server, a wire to it, and a node at the other end.
struct Pair {
    desk: Desk,
    wire: Wire,
    node: Node,
    /// The node's credential.
    credential: Made,
}

impl Pair {
    async fn following(offline_policy: OfflinePolicy) -> Self {
        let desk = Desk::open().await;
        let credential = node_key(&desk).await;
        let wire = Wire::to(&desk.server.url).await;
        let node = start(&wire.url, &credential.secret, offline_policy).await;
        Self { desk, wire, node, credential }
    }

    /// What the node answers to a request with this key.
    async fn ask(&self, key: &Made) -> StatusCode {
        ask(&self.node, &key.secret).await
    }

    /// Deletes a key, and says what was answered about where that has arrived.
    async fn delete(&self, key: &Made) -> serde_json::Value {
        self.desk.delete(&key.path()).await.ok().json()["propagation"].take()
    }

    /// Waits until the node has heard from its server again and follows without trouble.
    async fn is_whole(&self) {
        until("the node follows", async || {
            (self.node.is_ready() && self.node.last_error().is_none()).then_some(())
        })
        .await;
    }
}

/// A key that a node follows with; only the data folder's owner hands those out here.
async fn node_key(desk: &Desk) -> Made {
    Made::of(desk.server.make_key(&["node"], &[]).await)
}

async fn start(url: &str, credential: &str, offline_policy: OfflinePolicy) -> Node {
    let node = NodeBuilder::new(url, credential).name("of a test").offline_policy(offline_policy);
    node.start().await.unwrap()
}

async fn ask(node: &Node, secret: &str) -> StatusCode {
    let inside = service_fn(|_: Request<()>| async {
        Ok::<_, std::convert::Infallible>(http::Response::new(String::new()))
    });
    let guarded = GuardLayer::new(node.guard().clone(), Permission::ModelsPredict).layer(inside);
    let request = Request::get("/").header("x-api-key", secret).header("user-agent", "of a test").body(());
    guarded.oneshot(request.unwrap()).await.unwrap().status()
}
