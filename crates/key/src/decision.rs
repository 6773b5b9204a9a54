//! The answer to one request: allowed, or denied with one reason.

use std::borrow::Borrow;
use std::net::IpAddr;
use std::num::NonZeroU32;

use crate::{
    Counted, Exposure, Malformed, Pause, Period, Permission, Permissions, Quota, Rate, Restrictions,
    Timestamp,
};

/// What a key stands for at one revision: all that a decision needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms<R = Restrictions> {
    /// What it was granted.
    pub permissions: Permissions,
    /// What narrows it; nothing where a newer version wrote restrictions that this one cannot read.
    pub restrictions: Option<R>,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
    /// That somebody paused it, and until when. One that is over is as good as none.
    pub pause: Option<Pause>,
    /// When somebody deleted it.
    pub deleted_at: Option<Timestamp>,
}

/// Where a secret stands in the life of its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretState {
    /// The one that was handed out last.
    Current,
    /// The one before, until this time.
    Retiring(Timestamp),
}

/// What is taken from the rates of a key that has some.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Spend {
    /// One request.
    #[default]
    One,
    /// Nothing: the question is only whether there is one left.
    Nothing,
    /// Nothing, since the request that is asked about again has taken its one before.
    Before,
}

/// What is asked about a key.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// When it is asked.
    pub now: Timestamp,
    /// What the route needs; nothing where the question is only whether the key is alive.
    pub permission: Option<Permission>,
    /// Where the request comes from, if known.
    pub address: Option<IpAddr>,
    /// The `Origin` header, if there is one.
    pub origin: Option<&'a str>,
    /// Where others can read the key.
    pub exposure: Exposure,
    /// What it takes from the key's rates, if it is let through.
    pub spend: Spend,
}

/// The one reason for which a request is denied: the first check that fails, in the order of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denial {
    /// No key came with the request.
    #[error("no API key was sent")]
    Missing,
    /// Two different keys came with the request.
    #[error("two different API keys were sent")]
    Ambiguous,
    /// A key that holds more than Inference stood in a query string.
    #[error("this key must not be sent in a URL")]
    InQuery,
    /// The string is no secret.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// The rack may be behind: nothing can be said about keys now.
    #[error("keys cannot be checked right now")]
    Stale,
    /// There is no such key.
    #[error("there is no such API key")]
    Unknown,
    /// The secret was replaced, and its time is over.
    #[error("this secret was rotated and has ended")]
    Retired(Timestamp),
    /// The key was deleted.
    #[error("this API key was deleted")]
    Deleted(Timestamp),
    /// The key was paused, and that is not over.
    #[error("this API key is paused")]
    Paused(Pause),
    /// The key has expired.
    #[error("this API key has expired")]
    Expired(Timestamp),
    /// A newer version wrote something about this key that this version does not know.
    #[error("this API key was changed by a newer version of the server")]
    NotUnderstood,
    /// Not from this address.
    #[error("this API key may not be used from this network")]
    Network,
    /// Not from this origin.
    #[error("this API key may not be used from this origin")]
    Origin,
    /// A key that holds more than Inference came from a browser, where everybody can read it.
    #[error("this API key must not be used in a browser")]
    InBrowser,
    /// The scopes lack what the route needs.
    #[error("this API key lacks the permission {0}")]
    Permission(Permission),
    /// This visitor used it too often lately, whatever others did.
    #[error("this API key lets each visitor send {rate}, and this one has sent them")]
    VisitorRate {
        /// What each may send.
        rate: Rate,
        /// The seconds until one more is let through, rounded up: at least 1.
        wait: u32,
    },
    /// It was used too often lately.
    #[error("this API key may send {rate}, and has sent them")]
    Rate {
        /// What it may send.
        rate: Rate,
        /// The seconds until one more is let through, rounded up: at least 1.
        wait: u32,
    },
    /// It sent a larger image to be predicted than it may. Like quotas, that is told by whoever takes the work on.
    #[error("this API key may send images of at most {0} bytes")]
    Image(NonZeroU32),
    /// It has done what it may do in a day or a month. What is asked of a key tells that no more than its scopes do: whoever
    /// takes the work on says so.
    #[error("this API key may {}, and has used {used}", Quota::said(.of, .limit, .per))]
    Quota {
        /// What is counted.
        of: Counted,
        /// In how long.
        per: Period,
        /// How many there may be.
        limit: NonZeroU32,
        /// How many there were.
        used: u32,
        /// The seconds until the next day or month begins, rounded up: at least 1.
        wait: u32,
    },
}

// It is handed around with each answer.
const _: () = assert!(size_of::<Denial>() <= 16);

impl Denial {
    /// The stable word for it in answers, logs and counts.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Missing => "missing_key",
            Self::Ambiguous => "ambiguous_key",
            Self::InQuery => "key_in_query",
            Self::Malformed(_) => "malformed_key",
            Self::Stale => "not_ready",
            Self::Unknown => "unknown_key",
            Self::Retired(_) => "retired_secret",
            Self::Deleted(_) => "deleted_key",
            Self::Paused(_) => "paused_key",
            Self::Expired(_) => "expired_key",
            Self::NotUnderstood => "newer_key",
            Self::Network => "network_not_allowed",
            Self::Origin => "origin_not_allowed",
            Self::InBrowser => "key_in_browser",
            Self::Permission(_) => "insufficient_scope",
            Self::VisitorRate { .. } => "visitor_rate_limited",
            Self::Rate { .. } => "rate_limited",
            Self::Image(_) => "image_too_large_for_key",
            Self::Quota { .. } => "quota_exceeded",
        }
    }
}

impl<R: Borrow<Restrictions>> Terms<R> {
    /// Decides about a request with a secret of this key. The order is fixed: the life of the secret and the key,
    /// the network, the origin, the permission, and whether what it holds may be seen where it is seen. The rates come
    /// after all of that, from whoever keeps the meters ([`Rate::take`]): what is refused here takes nothing from them.
    /// Quotas come last, where the work is taken on.
    pub fn decide(&self, secret: SecretState, question: &Question<'_>) -> Result<(), Denial> {
        self.is_alive(secret, question.now)?;
        let restrictions: &Restrictions = self.restrictions.as_ref().ok_or(Denial::NotUnderstood)?.borrow();
        if !self.permissions.is_known() {
            return Err(Denial::NotUnderstood);
        }
        if !restrictions.allow_address(question.address) {
            return Err(Denial::Network);
        }
        if !restrictions.allow_origin(question.origin) {
            return Err(Denial::Origin);
        }
        if let Some(needed) = question.permission.filter(|needed| !self.permissions.contains(*needed)) {
            return Err(Denial::Permission(needed));
        }
        match question.exposure {
            exposure if exposure.suits(self.permissions) => Ok(()),
            Exposure::None => Ok(()),
            Exposure::Url => Err(Denial::InQuery),
            Exposure::Browser => Err(Denial::InBrowser),
        }
    }

    fn is_alive(&self, secret: SecretState, now: Timestamp) -> Result<(), Denial> {
        if let Some(at) = self.deleted_at {
            return Err(Denial::Deleted(at));
        }
        if let Some(pause) = self.pause.filter(|pause| pause.holds(now)) {
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
mod tests {
    use super::*;
    use crate::{Only, Scope};
    use proptest::prelude::*;

    const NOW: Timestamp = Timestamp::from_micros(1_000);

    fn terms() -> Terms {
        Terms {
            permissions: Scope::Inference.permissions(),
            restrictions: Some(Restrictions::default()),
            expires_at: None,
            pause: None,
            deleted_at: None,
        }
    }

    fn ask(permission: Permission) -> Question<'static> {
        Question {
            now: NOW,
            permission: Some(permission),
            address: None,
            origin: None,
            exposure: Exposure::None,
            spend: Spend::One,
        }
    }

    #[test]
    fn a_scope_opens_what_it_holds_and_names_what_it_lacks() {
        let terms = terms();
        assert_eq!(terms.decide(SecretState::Current, &ask(Permission::ModelsPredict)), Ok(()));
        assert_eq!(
            terms.decide(SecretState::Current, &ask(Permission::ModelsTrain)),
            Err(Denial::Permission(Permission::ModelsTrain))
        );
    }

    #[test]
    fn the_first_check_that_fails_is_the_reason() {
        let mut worst = Terms {
            permissions: Permissions::from_bits(1 << 30),
            restrictions: Some(Restrictions {
                networks: Only::These([].into()),
                origins: Only::These([].into()),
                ..Restrictions::default()
            }),
            expires_at: Some(NOW),
            pause: Some(Pause::UNTIL_RESUMED),
            deleted_at: Some(NOW),
        };
        let secret = SecretState::Retiring(NOW);
        let ask = ask(Permission::ModelsTrain);
        assert_eq!(worst.decide(secret, &ask), Err(Denial::Deleted(NOW)));
        worst.deleted_at = None;
        assert_eq!(worst.decide(secret, &ask), Err(Denial::Paused(Pause::UNTIL_RESUMED)));
        worst.pause = Some(Pause::until(Some(NOW)));
        assert_eq!(worst.decide(secret, &ask), Err(Denial::Expired(NOW)));
        worst.expires_at = None;
        assert_eq!(worst.decide(secret, &ask), Err(Denial::Retired(NOW)));
        assert_eq!(worst.decide(SecretState::Current, &ask), Err(Denial::NotUnderstood));
        worst.permissions = Permissions::NONE;
        assert_eq!(worst.decide(SecretState::Current, &ask), Err(Denial::Network));
        worst.restrictions.as_mut().unwrap().networks = Only::Any;
        assert_eq!(worst.decide(SecretState::Current, &ask), Err(Denial::Origin));
        worst.restrictions.as_mut().unwrap().origins = Only::Any;
        assert_eq!(
            worst.decide(SecretState::Current, &ask),
            Err(Denial::Permission(Permission::ModelsTrain))
        );
    }

    #[test]
    fn restrictions_that_cannot_be_read_deny() {
        let unread = Terms { restrictions: None, ..terms() };
        assert_eq!(
            unread.decide(SecretState::Current, &ask(Permission::ModelsPredict)),
            Err(Denial::NotUnderstood)
        );
    }

    proptest! {
        #[test]
        fn a_deleted_or_expired_key_opens_nothing(bits: u32, now: i64, ended: i64, expires: bool) {
            let now = Timestamp::from_micros(now);
            let ended = Timestamp::from_micros(ended.min(now.micros()));
            let terms = Terms {
                permissions: Permissions::from_bits(bits),
                expires_at: expires.then_some(ended),
                deleted_at: (!expires).then_some(ended),
                ..terms()
            };
            let question = Question { now, ..ask(Permission::ModelsTrain) };
            let question = Question { permission: None, ..question };
            prop_assert!(terms.decide(SecretState::Current, &question).is_err());
        }

        #[test]
        fn what_is_allowed_is_held(bits in 0_u32..128, which in 0_usize..6) {
            let permission = Permission::ALL[which];
            let terms = Terms { permissions: Permissions::from_bits(bits), ..terms() };
            let allowed = terms.decide(SecretState::Current, &ask(permission)).is_ok();
            prop_assert_eq!(allowed, bits < 64 && bits & (1 << which) != 0);
        }
    }
}
