//! The role of a member in a workspace.

use crate::text_enum::text_enum;

/// The role of a member. A greater role includes all rights of a lesser one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// May read.
    Viewer,
    /// May edit projects, data, and models, run predictions, and see the keys.
    Member,
    /// May do everything but change owners and delete the workspace.
    Admin,
    /// May do everything.
    Owner,
}

/// The text isn't a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Use owner, admin, member, or viewer.")]
pub struct UnknownRole;

// From the greatest role to the least.
text_enum! { Role, UnknownRole,
    Owner => "owner",
    Admin => "admin",
    Member => "member",
    Viewer => "viewer",
}
