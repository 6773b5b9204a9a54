//! Denials after the guard: the guard allowed the key, and the operation denies the key later.

use std::sync::Arc;

use keyrack_key::{Denial, Permission};
use keyrack_rack::{Caller, DeniedCheck, Rack};

use super::{DenialDetail, DeniedKey};
use crate::OpError;

/// Denies keys that the guard has allowed.
#[derive(Clone, Debug)]
pub struct DeferredDenials {
    rack: Arc<Rack>,
}

impl DeferredDenials {
    /// Denies keys of `rack`.
    pub const fn new(rack: Arc<Rack>) -> Self {
        Self { rack }
    }

    /// Returns the error for a denied caller. Counts the request as denied in place of allowed.
    pub fn deny(
        &self,
        caller: &Caller,
        permission: Permission,
        denial: Denial,
        detail: DenialDetail,
    ) -> OpError {
        self.rack.record_denial(caller, permission, denial);
        let check = DeniedCheck { denial, key: Some(caller.key().clone()) };
        OpError::Denied(Box::new(DeniedKey { check, detail }))
    }
}
