//! A guard in front of a service, with a real rack: which requests are allowed, and what denied clients get.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod allowed;
mod denials;
mod exposures;
mod rates;
#[cfg(feature = "rustls")]
mod tls;

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::{HeaderMap, Request, Response, StatusCode};
use keyrack_guard::{Caller, ClientAddress, Guard, GuardLayer};
use keyrack_key::{
    Brands, Class, Grant, KeyId, KeyState, Permission, Restrictions, Scope, Secret, SecretState, Timestamp,
    WorkspaceId,
};
use keyrack_rack::{Freshness, KeyRecord, Position, Rack, Revision, Snapshot};
use rand_core::UnwrapErr;
use serde_json::Value;
use tower::{Layer, ServiceExt, service_fn};

const NOW: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);
const BEFORE: Timestamp = Timestamp::from_micros(1_799_000_000_000_000);
const AFTER: Timestamp = Timestamp::from_micros(1_801_000_000_000_000);

/// A rack and a guard.
struct Fixture {
    rack: Arc<Rack>,
    guard: Arc<Guard>,
    records: Vec<KeyRecord>,
    /// The number of requests that reached the inner service.
    reached: AtomicUsize,
}

/// The response to a request.
#[derive(Debug)]
struct Reply {
    status: StatusCode,
    challenge: Option<String>,
    headers: HeaderMap,
    body: Value,
}

const fn rng() -> UnwrapErr<getrandom::SysRng> {
    UnwrapErr(getrandom::SysRng)
}

/// Generates a secret that is in no rack.
fn secret(class: Class) -> Secret {
    Secret::generate(Brands::default().current(), class, &mut rng())
}

impl Fixture {
    fn new() -> Self {
        let rack = Arc::new(Rack::new());
        let guard = Guard::new(Arc::clone(&rack), Brands::default(), || NOW);
        let guard = Arc::new(guard.with_manage_url("https://keys.example.org/keys/".to_owned()));
        Self { rack, guard, records: Vec::new(), reached: AtomicUsize::new(0) }
    }

    /// Adds a key with these scopes, after `change` edited it. Returns its secret.
    fn key(&mut self, scopes: &[Scope], change: impl FnOnce(&mut KeyRecord)) -> String {
        let secret = secret(Class::Secret);
        let grant = Grant::new(Class::Secret, scopes.iter().copied().collect()).unwrap();
        let mut record = KeyRecord {
            key: KeyId::new(NOW, &mut rng()),
            revision: Revision(1),
            workspace: WorkspaceId::new(NOW, &mut rng()),
            name: "of a test".into(),
            class: Class::Secret,
            scopes: grant.scopes(),
            terms: KeyState {
                permissions: grant.permissions(),
                restrictions: Some(Restrictions::default()),
                expires_at: None,
                pause: None,
                deleted_at: None,
            },
            secrets: vec![(secret.digest(), SecretState::Current)],
        };
        change(&mut record);
        self.records.push(record);
        self.rack.load(Snapshot { position: Position::default(), records: self.records.clone() });
        self.rack.set_freshness(Freshness::Fresh);
        secret.expose().to_owned()
    }

    /// Returns the id of the key that was added last.
    fn last(&self) -> String {
        self.records.last().unwrap().key.to_string()
    }

    /// Sends a request for a prediction with these headers.
    async fn send(&self, uri: &str, headers: &[(&str, &str)]) -> Reply {
        self.send_through(GuardLayer::new(Arc::clone(&self.guard), Permission::ModelsPredict), uri, headers)
            .await
    }

    async fn send_through(&self, layer: GuardLayer, uri: &str, headers: &[(&str, &str)]) -> Reply {
        let inside = service_fn(async |request: Request<()>| {
            self.reached.fetch_add(1, Ordering::Relaxed);
            let caller = request.extensions().get::<Caller>().map(|caller| caller.key().key.to_string());
            Ok::<_, Infallible>(Response::new(serde_json::json!({ "caller": caller }).to_string()))
        });
        let mut request = Request::get(uri).extension(ClientAddress::Known([203, 0, 113, 9].into()));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = layer.layer(inside).oneshot(request.body(()).unwrap()).await.unwrap();
        let challenge =
            response.headers().get("www-authenticate").map(|value| value.to_str().unwrap().to_owned());
        let (parts, text) = response.into_parts();
        let body = serde_json::from_str(&text).unwrap();
        Reply { status: parts.status, challenge, headers: parts.headers, body }
    }

    fn reached(&self) -> usize {
        self.reached.load(Ordering::Relaxed)
    }
}
