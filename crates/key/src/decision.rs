//! The decision about one request: allowed, or denied for one reason.

use std::borrow::Borrow;
use std::net::IpAddr;
use std::num::NonZeroU32;

use crate::numbers::grouped;
use crate::{
    DenialReason, Exposure, MalformedSecret, Pause, Period, Permission, Permissions, Quota, QuotaResource,
    Rate, Restrictions, Timestamp,
};

/// The state of a key at one revision: everything that a decision depends on.
///
/// # Examples
///
/// ```
/// use keyrack_key::{
///     AccessRequest, Denial, Exposure, KeyState, Permission, RateUse, Restrictions, Scope, SecretState, Timestamp,
/// };
///
/// let key = KeyState {
///     permissions: Scope::Inference.permissions(),
///     restrictions: Some(Restrictions::NONE),
///     expires_at: None,
///     pause: None,
///     deleted_at: None,
/// };
/// let request = AccessRequest {
///     now: Timestamp::from_micros(0),
///     permission: Some(Permission::ModelsTrain),
///     address: None,
///     origin: None,
///     exposure: Exposure::None,
///     spend: RateUse::Take,
/// };
/// let denial = key.decide(SecretState::Current, &request).unwrap_err();
/// assert_eq!(denial, Denial::Permission(Permission::ModelsTrain));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyState<R = Restrictions> {
    /// The permissions that the key was granted.
    pub permissions: Permissions,
    /// The restrictions; `None` if a newer version wrote some that this version cannot
    /// read. Such a key is denied.
    pub restrictions: Option<R>,
    /// When the key expires; `None` if it never does.
    pub expires_at: Option<Timestamp>,
    /// The pause, if the key was paused. A pause that is over has no effect.
    pub pause: Option<Pause>,
    /// When the key was deleted; `None` if it was not.
    pub deleted_at: Option<Timestamp>,
}

/// Whether a secret is the current one of its key, or was replaced by a rotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretState {
    /// The secret that the key got last.
    Current,
    /// A secret that a rotation replaced. It is valid until this time.
    Retiring(Timestamp),
}

/// How a decision uses the rate limits of a key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RateUse {
    /// Takes one request from each rate limit.
    #[default]
    Take,
    /// Only checks that a request is left, and takes none.
    Peek,
    /// Ignores the rate limits, because an earlier decision about this request has
    /// already taken one from them.
    Skip,
}

/// A request that a key is checked for.
#[derive(Clone, Copy, Debug)]
pub struct AccessRequest<'a> {
    /// The time of the request.
    pub now: Timestamp,
    /// The permission that the route requires; `None` if any valid key will do.
    pub permission: Option<Permission>,
    /// The address of the client; `None` if it is unknown.
    pub address: Option<IpAddr>,
    /// The `Origin` header; `None` if the request has none.
    pub origin: Option<&'a str>,
    /// Where others can read the secret of this request.
    pub exposure: Exposure,
    /// How the decision uses the key's rate limits.
    pub spend: RateUse,
}

/// The reason for which a request is denied: the first check that fails, in the order of [`KeyState::decide`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denial {
    /// The request has no key.
    #[error("No API key provided.")]
    Missing,
    /// The request has two different keys.
    #[error("Two different API keys were sent.")]
    Ambiguous,
    /// The key is in the query string, and it has more permissions than the scope Inference.
    #[error("Secret keys can't be sent in a URL.")]
    InQuery,
    /// The text does not have the form of a secret.
    #[error(transparent)]
    Malformed(#[from] MalformedSecret),
    /// The keys in memory may be out of date, so that no decision is possible.
    #[error("API keys can't be verified right now.")]
    Stale,
    /// No key has this secret.
    #[error("Invalid API key.")]
    Unknown,
    /// A rotation replaced the secret, which stopped working at this time.
    #[error("This secret key was rotated and has expired.")]
    Retired(Timestamp),
    /// The key was deleted at this time.
    #[error("This API key was deleted.")]
    Deleted(Timestamp),
    /// The key is paused.
    #[error("This API key is paused.")]
    Paused(Pause),
    /// The key expired at this time.
    #[error("This API key has expired.")]
    Expired(Timestamp),
    /// A newer version wrote permissions or restrictions that this version cannot read.
    #[error("This API key requires a newer Keyrack version.")]
    NotUnderstood,
    /// The key is restricted to networks, and the client's address is in none.
    #[error("This API key isn't allowed from this IP address.")]
    Network,
    /// The key is restricted to origins, and the request has another one or none.
    #[error("This API key isn't allowed from this origin.")]
    Origin,
    /// A page in a browser sent the key, which has more permissions than the scope Inference. Anyone who
    /// opens the page can read the key.
    #[error("Secret keys can't be used in a browser.")]
    InBrowser,
    /// The key lacks this permission, which the route requires.
    #[error("This API key doesn't have the {0} permission.")]
    Permission(Permission),
    /// This visitor has used up the rate limit that the key has for each visitor.
    /// Other visitors do not count.
    #[error("Visitor rate limit exceeded ({rate}).")]
    VisitorRate {
        /// The rate limit for each visitor.
        rate: Rate,
        /// Seconds until the next request is allowed, rounded up: at least 1.
        wait: u32,
    },
    /// The key has used up its rate limit.
    #[error("Rate limit exceeded ({rate}).")]
    Rate {
        /// The rate limit of the key.
        rate: Rate,
        /// Seconds until the next request is allowed, rounded up: at least 1.
        wait: u32,
    },
    /// The image is larger than the key may send for a prediction, in bytes. [`KeyState::decide`] does not know
    /// the image: the code that reads the request body returns this.
    #[error("Image too large. This API key accepts images up to {} bytes.", grouped(.0.get()))]
    Image(NonZeroU32),
    /// The key has used up a quota. [`KeyState::decide`] does not count predictions, images, or training runs:
    /// the code that starts the work returns this.
    #[error("Quota exceeded ({}).", Quota::from_parts(.of, .limit, .per))]
    Quota {
        /// The resource that the quota limits.
        of: QuotaResource,
        /// The period after which the quota resets.
        per: Period,
        /// The size of the quota.
        limit: NonZeroU32,
        /// How much of the quota is used.
        used: u32,
        /// Seconds until the next day or month, rounded up: at least 1.
        wait: u32,
    },
}

// Every check copies it into its result.
const _: () = assert!(size_of::<Denial>() <= 16);

impl Denial {
    /// Returns the reason without its data.
    pub const fn reason(self) -> DenialReason {
        match self {
            Self::Missing => DenialReason::Missing,
            Self::Ambiguous => DenialReason::Ambiguous,
            Self::InQuery => DenialReason::InQuery,
            Self::Malformed(_) => DenialReason::Malformed,
            Self::Stale => DenialReason::Stale,
            Self::Unknown => DenialReason::Unknown,
            Self::Retired(_) => DenialReason::Retired,
            Self::Deleted(_) => DenialReason::Deleted,
            Self::Paused(_) => DenialReason::Paused,
            Self::Expired(_) => DenialReason::Expired,
            Self::NotUnderstood => DenialReason::NotUnderstood,
            Self::Network => DenialReason::Network,
            Self::Origin => DenialReason::Origin,
            Self::InBrowser => DenialReason::InBrowser,
            Self::Permission(_) => DenialReason::Permission,
            Self::VisitorRate { .. } => DenialReason::VisitorRate,
            Self::Rate { .. } => DenialReason::Rate,
            Self::Image(_) => DenialReason::Image,
            Self::Quota { .. } => DenialReason::Quota,
        }
    }

    /// Returns the stable code for API answers, logs, and metrics.
    pub const fn code(self) -> &'static str {
        self.reason().code()
    }
}

impl<R: Borrow<Restrictions>> KeyState<R> {
    /// Decides about a request that was sent with a secret of this key. The order of the checks
    /// is fixed: deletion, pause, and expiry of the key; retirement of the secret; network;
    /// origin; permission; exposure.
    ///
    /// Rate limits come after these checks, so that a request that is denied here takes nothing from them
    /// ([`Rate::take`]). Quotas come last, when the work starts.
    pub fn decide(&self, secret: SecretState, request: &AccessRequest<'_>) -> Result<(), Denial> {
        self.is_alive(secret, request.now)?;
        let restrictions: &Restrictions = self.restrictions.as_ref().ok_or(Denial::NotUnderstood)?.borrow();
        if !self.permissions.is_known() {
            return Err(Denial::NotUnderstood);
        }
        if !restrictions.allow_address(request.address) {
            return Err(Denial::Network);
        }
        if !restrictions.allow_origin(request.origin) {
            return Err(Denial::Origin);
        }
        if let Some(needed) = request.permission.filter(|needed| !self.permissions.contains(*needed)) {
            return Err(Denial::Permission(needed));
        }
        match request.exposure {
            exposure if exposure.permits(self.permissions) => Ok(()),
            Exposure::None => Ok(()),
            Exposure::Url => Err(Denial::InQuery),
            Exposure::Browser => Err(Denial::InBrowser),
        }
    }

    fn is_alive(&self, secret: SecretState, now: Timestamp) -> Result<(), Denial> {
        if let Some(at) = self.deleted_at {
            return Err(Denial::Deleted(at));
        }
        if let Some(pause) = self.pause.filter(|pause| pause.is_active(now)) {
            return Err(Denial::Paused(pause));
        }
        if let Some(at) = self.expires_at.filter(|at| *at <= now) {
            return Err(Denial::Expired(at));
        }
        match secret {
            SecretState::Retiring(until) if until <= now => Err(Denial::Retired(until)),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
