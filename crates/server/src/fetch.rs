//! Fetches images by URL. Clients choose the URLs, so an attacker could try to reach the server's own network (SSRF).
//!
//! Only public addresses are allowed. The resolver enforces this: it returns no other addresses, so the client connects to
//! exactly the addresses that were checked. This module follows redirects itself and checks each one. All denied and failed
//! URLs return the same error after a full number of seconds, so that neither the message nor the time reveals what is on the
//! server's network. Three facts cannot be hidden: that a public image was fetched, that a budget was used up, and, to within a
//! second, how long a public server took to fail.

mod addresses;
mod allowed_hosts;

#[cfg(test)]
mod tests;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use http::{StatusCode, header};
use keyrack_core::predict::fetch::{FetchError, FetchFuture, FetchImage, FetchStart, FetchedImage};
use keyrack_core::predict::memory::{MemoryBudget, MemoryDenial, MemoryPermit};
use keyrack_core::shares::{Budget, Claimant};
use reqwest::{Client, Response, redirect};
use tokio::time::timeout;
use url::Url;

use allowed_hosts::AllowedHosts;

/// The longest time for a fetch, including redirects.
const PATIENCE: Duration = Duration::from_secs(5);
/// The most redirects that a fetch follows.
const REDIRECTS: usize = 3;
/// Concurrent fetches: at most half of them for one key, and three quarters for one workspace.
const AT_ONCE: usize = 32;
/// The longest URL, in bytes.
const LONGEST: usize = 2048;

#[derive(Debug)]
pub struct ImageFetcher {
    most: usize,
    opened: AllowedHosts,
    client: OnceLock<Option<Client>>,
    at_once: Budget,
}

impl ImageFetcher {
    /// Creates a fetcher of images of at most `most` bytes, from public addresses and from the hosts in `opened`, whose
    /// addresses may be private.
    pub fn new(most: usize, opened: &[String]) -> Self {
        let (client, at_once) = (OnceLock::new(), Budget::new("downloads of image URLs", AT_ONCE));
        Self { most, opened: AllowedHosts::of(opened), client, at_once }
    }

    async fn fetch_bytes(
        &self,
        claimant: Claimant,
        url: &str,
        budget: &MemoryBudget,
        bytes_max: Option<usize>,
    ) -> Result<FetchedImage, FetchError> {
        let most = bytes_max.map_or(self.most, |most| most.min(self.most));
        let one = self.at_once.take(claimant, 1).map_err(FetchError::Exhausted)?;
        let start = FetchStart::now();
        let fetched = timeout(PATIENCE, self.follow(claimant, url, budget, most)).await;
        drop(one);
        match fetched.unwrap_or(Err(FetchError::Unreachable)) {
            Ok((bytes, permit)) => Ok(FetchedImage { bytes, permit, start }),
            Err(error) => Err(start.fail(error).await),
        }
    }

    async fn follow(
        &self,
        claimant: Claimant,
        url: &str,
        budget: &MemoryBudget,
        most: usize,
    ) -> Result<(Bytes, MemoryPermit), FetchError> {
        let response = self.last(url).await.ok_or(FetchError::Unreachable)?;
        self.read(response, claimant, budget, most).await
    }

    /// Returns the response after all redirects. Returns `None` if a URL is denied or a request fails.
    async fn last(&self, url: &str) -> Option<Response> {
        if url.len() > LONGEST {
            return None;
        }
        let mut url = Url::parse(url).ok()?;
        for _ in 0..=REDIRECTS {
            let response = self.request(&url).await?;
            if !response.status().is_redirection() {
                return Some(response);
            }
            let next = response.headers().get(header::LOCATION)?.to_str().ok()?;
            url = url.join(next).ok()?;
        }
        None
    }

    async fn request(&self, url: &Url) -> Option<Response> {
        self.opened.may_ask(url).then_some(())?;
        let client = self.client.get_or_init(|| client(self.opened.clone())).as_ref()?;
        let request = client.get(url.clone()).header(header::ACCEPT, "image/jpeg, image/png, image/webp");
        request.header(header::ACCEPT_ENCODING, "identity").send().await.ok()
    }

    /// Reads the body and counts its bytes as they arrive. Encoded bodies are denied, because a few compressed bytes can
    /// expand to very many.
    async fn read(
        &self,
        mut response: Response,
        claimant: Claimant,
        budget: &MemoryBudget,
        most: usize,
    ) -> Result<(Bytes, MemoryPermit), FetchError> {
        let is_plain =
            response.headers().get_all(header::CONTENT_ENCODING).iter().all(|one| one == "identity");
        let announced = response.content_length();
        let fits = announced.is_none_or(|length| length <= most as u64);
        if response.status() != StatusCode::OK || !is_plain || !fits {
            return Err(FetchError::Unreachable);
        }
        let mut buffer = budget.collect(claimant, most, announced);
        while let Some(next) = response.chunk().await.map_err(|_| FetchError::Unreachable)? {
            buffer.push(&next).map_err(|no| match no {
                MemoryDenial::TooLarge => FetchError::Unreachable,
                MemoryDenial::Exhausted(exhausted) => FetchError::Exhausted(exhausted),
            })?;
        }
        Ok(buffer.finish())
    }
}

impl FetchImage for ImageFetcher {
    fn fetch<'a>(
        &'a self,
        claimant: Claimant,
        url: &'a str,
        budget: &'a MemoryBudget,
        bytes_max: Option<usize>,
    ) -> FetchFuture<'a> {
        Box::pin(self.fetch_bytes(claimant, url, budget, bytes_max))
    }
}

/// Returns `None`, and logs an error, if the client cannot be built, for example without trusted certificates.
fn client(resolver: AllowedHosts) -> Option<Client> {
    // Fails only if a provider is already installed.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let built = Client::builder()
        .user_agent(concat!("keyrack/", env!("CARGO_PKG_VERSION")))
        .no_proxy()
        .dns_resolver(Arc::new(resolver))
        .redirect(redirect::Policy::none())
        // A reused connection would skip the check of its address.
        .pool_max_idle_per_host(0)
        .referer(false)
        .timeout(PATIENCE)
        .build();
    built.map_err(|error| tracing::error!(%error, "images can't be fetched by URL")).ok()
}
