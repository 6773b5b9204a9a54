//! Scopes as badges.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ScopeBadge {
    Project,
    Inference,
    Keys,
    Node,
}

impl ScopeBadge {
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Project => "Project",
            Self::Inference => "Inference",
            Self::Keys => "Keys",
            Self::Node => "Node",
        }
    }

    /// The CSS class of the badge.
    pub(crate) fn slug(self) -> &'static str {
        match self {
            Self::Project => "project",
            Self::Inference => "inference",
            Self::Keys => "keys",
            Self::Node => "node",
        }
    }

    pub(crate) fn permits(self) -> &'static str {
        match self {
            Self::Project => "Manage projects, upload datasets, train models, and make predictions.",
            Self::Inference => {
                "Make predictions on trained models. Can be used for public access to the models."
            }
            Self::Keys => "Create, edit, rotate and delete the API keys of this workspace.",
            Self::Node => "Check the API keys of this workspace in a service of your own, with a guard.",
        }
    }
}
