//! Configures and starts a node.

use std::fmt;
use std::time::Duration;

use hyper_util::client::legacy::connect::Connect;

use super::http::{RemoteError, ServerClient};
use super::node::{FollowerTask, Node, time_of_day};
use super::offline_policy::OfflinePolicy;
use super::{DefaultConnector, connector};
use crate::{Clock, OwnOrigins};

/// The configuration of a node.
#[derive(Clone)]
pub struct NodeBuilder<C = DefaultConnector> {
    server: String,
    credential: String,
    name: String,
    offline_policy: OfflinePolicy,
    own_origins: OwnOrigins,
    clock: Clock,
    allow_plain_http: bool,
    connector: C,
    /// Why the default connector has no trusted certificates.
    tls_error: Option<String>,
}

impl NodeBuilder<DefaultConnector> {
    /// Creates a node that follows `server`, such as `https://keys.example.org`, with `credential`, an
    /// API key with the scope Node.
    pub fn new(server: impl Into<String>, credential: impl Into<String>) -> Self {
        let (connector, tls_error) = connector::default_connector();
        Self {
            server: server.into(),
            credential: credential.into(),
            name: "guard".to_owned(),
            offline_policy: OfflinePolicy::default(),
            own_origins: OwnOrigins::none(),
            clock: time_of_day,
            allow_plain_http: false,
            connector,
            tls_error,
        }
    }

    /// Trusts the certificates in `pem` in addition to those that the operating system trusts, for a server
    /// whose certificate comes from a private authority. Replaces the certificates of an earlier call.
    ///
    /// # Errors
    ///
    /// Fails with [`RemoteError::Certificates`] if `pem` contains no certificate, or an invalid one.
    #[cfg(feature = "rustls")]
    pub fn trust_certificates(self, pem: &[u8]) -> Result<Self, RemoteError> {
        let connector = connector::with_certificates(pem)?;
        Ok(Self { connector, tls_error: None, ..self })
    }
}

impl<C: Connect + Clone + Send + Sync + 'static> NodeBuilder<C> {
    /// Sets the name of this service, which people see on the page of keys and in the result of a deletion.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Sets what the node does while it cannot reach the server.
    #[must_use]
    pub const fn offline_policy(mut self, policy: OfflinePolicy) -> Self {
        self.offline_policy = policy;
        self
    }

    /// Sets the origins of the service's own pages, like [`Guard::with_own_origins`](crate::Guard::with_own_origins).
    #[must_use]
    pub fn own_origins(mut self, own_origins: OwnOrigins) -> Self {
        self.own_origins = own_origins;
        self
    }

    /// Allows an `http://` address on another machine, where others on the network can read the credential.
    /// Use it on private networks, or if something else encrypts the connection. Otherwise
    /// [`start`](Self::start) fails with [`RemoteError::PlainHttp`].
    #[must_use]
    pub const fn allow_plain_http(mut self) -> Self {
        self.allow_plain_http = true;
        self
    }

    /// Sets the clock that the guard reads.
    #[must_use]
    pub const fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Sets the connector for the connection to the server, such as one with a client certificate, in place of
    /// [`DefaultConnector`].
    pub fn with_connector<D: Connect + Clone + Send + Sync + 'static>(self, connector: D) -> NodeBuilder<D> {
        let Self { server, credential, name, offline_policy, own_origins, clock, allow_plain_http, .. } =
            self;
        NodeBuilder {
            server,
            credential,
            name,
            offline_policy,
            own_origins,
            clock,
            allow_plain_http,
            connector,
            tls_error: None,
        }
    }

    /// Registers the node and reads all keys of the workspace. A task then follows the server until the
    /// node is stopped or dropped.
    pub async fn start(self) -> Result<Node, RemoteError> {
        if let Some(error) = self.tls_error.filter(|_| self.server.starts_with("https:")) {
            return Err(RemoteError::Certificates(error));
        }
        let client =
            ServerClient::new(self.connector, &self.server, &self.credential, self.allow_plain_http)?;
        let offline_grace = match self.offline_policy {
            OfflinePolicy::Deny => Duration::ZERO,
            // The server counts in whole seconds.
            OfflinePolicy::ServeFor(span) => Duration::from_secs(span.as_secs()),
        };
        let task = FollowerTask::new(client, self.name, offline_grace, self.clock);
        task.start(self.own_origins).await
    }
}

impl<C> fmt::Debug for NodeBuilder<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NodeBuilder")
            .field("server", &self.server)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
