//! What stands around every page: the head, the navigation of whoever is signed in, and the notice of what just happened.

/// Every page has one.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    pub(crate) product: String,
    pub(crate) css_url: String,
    pub(crate) js_url: String,
    /// For pages of images and models.
    pub(crate) pictures_js_url: String,
    pub(crate) icon_url: String,
    /// Where **Get help** leads: a URL, a `mailto:`, or the built-in docs.
    pub(crate) help_url: String,
    pub(crate) notice: Option<Notice>,
    /// `None` when nobody is signed in.
    pub(crate) shell: Option<Shell>,
}

/// The navigation of a signed-in person.
#[derive(Clone, Debug)]
pub(crate) struct Shell {
    pub(crate) workspaces: Vec<Workspace>,
    /// The workspace this page belongs to; pages beside all workspaces (Account) may name the last one.
    pub(crate) workspace: Option<Workspace>,
    pub(crate) here: Here,
    /// Whether this person may look at what everybody did.
    pub(crate) sees_activity: bool,
    /// Whether to warn this person that the server's disk is nearly full.
    pub(crate) warns_of_disk: bool,
    pub(crate) user_name: String,
    pub(crate) user_email: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Workspace {
    pub(crate) name: String,
    pub(crate) slug: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Here {
    Projects,
    Models,
    General,
    ApiKeys,
    Activity,
    Account,
    /// A page that the navigation does not list.
    Elsewhere,
}

/// What just happened, said once.
#[derive(Clone, Debug)]
pub(crate) struct Notice {
    pub(crate) tone: Tone,
    /// "line-3-camera was deleted."
    pub(crate) text: String,
    /// The sentence after it; may be empty.
    pub(crate) detail: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    Good,
    Warning,
}

impl Shell {
    pub(crate) fn at_projects(&self) -> bool {
        self.here == Here::Projects
    }

    pub(crate) fn at_models(&self) -> bool {
        self.here == Here::Models
    }

    pub(crate) fn at_general(&self) -> bool {
        self.here == Here::General
    }

    pub(crate) fn at_activity(&self) -> bool {
        self.here == Here::Activity
    }

    pub(crate) fn at_keys(&self) -> bool {
        self.here == Here::ApiKeys
    }

    pub(crate) fn at_account(&self) -> bool {
        self.here == Here::Account
    }

    pub(crate) fn is_open(&self, workspace: &Workspace) -> bool {
        self.workspace.as_ref() == Some(workspace)
    }
}

impl Workspace {
    /// The letter of its badge.
    pub(crate) fn initial(&self) -> String {
        self.name.chars().next().map(|first| first.to_uppercase().collect()).unwrap_or_default()
    }
}

impl Notice {
    pub(crate) fn is_warning(&self) -> bool {
        self.tone == Tone::Warning
    }
}
