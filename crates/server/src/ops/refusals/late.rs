//! Refusals after the guard: a key was let through, and what it wants shows only now.

use std::sync::Arc;

use keyrack_guard::{Caller, Guard, Problem, Refusal};
use keyrack_key::{Denial, Permission};
use keyrack_rack::Rack;

use super::Refused;
use crate::ops::OpError;

/// Refuses keys that the guard has let through.
#[derive(Clone, Debug)]
pub struct Late {
    rack: Arc<Rack>,
    guard: Arc<Guard>,
}

impl Late {
    /// Refuses keys of `rack` in the words of `guard`.
    pub const fn new(rack: Arc<Rack>, guard: Arc<Guard>) -> Self {
        Self { rack, guard }
    }

    /// The refusal, counted in place of the use; `tell` says more about it.
    pub fn refuse(
        &self,
        caller: &Caller,
        permission: Permission,
        denial: Denial,
        tell: impl FnOnce(Problem) -> Problem,
    ) -> OpError {
        self.rack.note_refused(caller, permission, denial);
        let refusal = Refusal { denial, key: Some(caller.key().clone()) };
        let problem = tell(self.guard.problem(&refusal));
        OpError::Refused(Box::new(Refused { refusal, problem, saw: None }))
    }
}
