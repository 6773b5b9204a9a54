//! The header of the pages of a project.

/// The header of the pages of a project.
pub(crate) struct ProjectHead {
    /// `/w/{slug}/projects`.
    pub(crate) projects_url: String,
    /// `/w/{slug}/projects/{id}`.
    pub(crate) url: String,
    pub(crate) name: String,
    /// The type, such as "Classification" or "Object detection".
    pub(crate) kind: String,
    pub(crate) description: String,
    pub(crate) can_manage: bool,
    pub(crate) images: u64,
    pub(crate) models: u64,
    pub(crate) at_models: bool,
}
