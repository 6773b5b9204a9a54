//! The default connection to a server: TLS, with the certificates that the operating system trusts.

use std::time::Duration;

use hyper_util::client::legacy::connect::HttpConnector;

/// Connects to `https://` addresses with TLS, and to `http://` addresses without it.
#[cfg(feature = "rustls")]
pub type TlsConnector = hyper_rustls::HttpsConnector<HttpConnector>;

#[cfg(feature = "rustls")]
pub(super) use tls::{default_connector, with_certificates};

/// Creates the connector. Without TLS, there is no error.
#[cfg(not(feature = "rustls"))]
pub(super) fn default_connector() -> (HttpConnector, Option<String>) {
    (tcp(), None)
}

fn tcp() -> HttpConnector {
    let mut connector = HttpConnector::new();
    // The TLS connector around it accepts both schemes.
    connector.enforce_http(cfg!(not(feature = "rustls")));
    connector.set_nodelay(true);
    connector.set_connect_timeout(Some(Duration::from_secs(2)));
    connector
}

#[cfg(feature = "rustls")]
mod tls {
    use std::sync::Arc;

    use hyper_rustls::HttpsConnectorBuilder;
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject as _;
    use rustls::{ClientConfig, RootCertStore};
    use rustls_platform_verifier::Verifier;

    use super::{TlsConnector, tcp};
    use crate::RemoteError;

    /// Creates the connector. Returns an error with it if the operating system has no trusted certificates,
    /// so that a node can still follow a server on this machine without TLS.
    pub(in crate::remote) fn default_connector() -> (TlsConnector, Option<String>) {
        match trusting([]) {
            Ok(config) => (https(config), None),
            Err(error) => (https(trusting_nothing()), Some(error.to_string())),
        }
    }

    /// Creates a connector that also trusts the certificates in `pem`.
    pub(in crate::remote) fn with_certificates(pem: &[u8]) -> Result<TlsConnector, RemoteError> {
        let certificates = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>();
        let certificates = certificates.map_err(|error| RemoteError::Certificates(error.to_string()))?;
        if certificates.is_empty() {
            return Err(RemoteError::Certificates("the text contains no certificate".to_owned()));
        }
        let config = trusting(certificates).map_err(|error| RemoteError::Certificates(error.to_string()))?;
        Ok(https(config))
    }

    fn https(config: ClientConfig) -> TlsConnector {
        HttpsConnectorBuilder::new()
            .with_tls_config(config)
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp())
    }

    /// Trusts the certificates of the operating system, and `extra`.
    fn trusting(
        extra: impl IntoIterator<Item = CertificateDer<'static>>,
    ) -> Result<ClientConfig, rustls::Error> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = Verifier::new_with_extra_roots(extra, Arc::clone(&provider))?;
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        // Despite its name, this verifier checks chains, names, and dates, as the platform does.
        let config = config.dangerous().with_custom_certificate_verifier(Arc::new(verifier));
        Ok(config.with_no_client_auth())
    }

    fn trusting_nothing() -> ClientConfig {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the provider supports TLS 1.2 and 1.3")
            .with_root_certificates(RootCertStore::empty())
            .with_no_client_auth()
    }
}
