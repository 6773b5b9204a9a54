//! Refusals after the guard: a key was let through, and what it wants shows only now.

use std::sync::Arc;

use keyrack_key::{Denial, Permission};
use keyrack_rack::{Caller, Rack, Refusal};

use super::{DenialDetail, DeniedKey};
use crate::OpError;

/// Refuses keys that the guard has let through.
#[derive(Clone, Debug)]
pub struct Late {
    rack: Arc<Rack>,
}

impl Late {
    /// Denies keys of `rack`.
    pub const fn new(rack: Arc<Rack>) -> Self {
        Self { rack }
    }

    /// The error for a denied caller. Counts the denial in place of the use.
    pub fn refuse(
        &self,
        caller: &Caller,
        permission: Permission,
        denial: Denial,
        detail: DenialDetail,
    ) -> OpError {
        self.rack.note_refused(caller, permission, denial);
        let refusal = Refusal { denial, key: Some(caller.key().clone()) };
        OpError::Denied(Box::new(DeniedKey { refusal, detail }))
    }
}
