//! The frame of every page: header, navigation, and notice.

use super::Theme;

/// The data of the frame.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    pub(crate) product: String,
    pub(crate) css_url: String,
    pub(crate) font_url: &'static str,
    pub(crate) js_url: String,
    /// The script for pages with images and models.
    pub(crate) pictures_js_url: String,
    pub(crate) icon_url: String,
    /// The icon for the home screen of a phone.
    pub(crate) touch_icon_url: &'static str,
    pub(crate) theme: Theme,
    /// The target of the **Get help** link: a URL or a `mailto:` URL. `None` without `--support`. The frame then
    /// has no such link.
    pub(crate) support_url: Option<String>,
    pub(crate) notice: Option<FlashMessage>,
    /// The navigation. `None` without a session.
    pub(crate) shell: Option<Shell>,
}

/// The navigation of a signed-in user.
#[derive(Clone, Debug)]
pub(crate) struct Shell {
    pub(crate) workspaces: Vec<WorkspaceLink>,
    /// The workspace of the page. Pages outside of workspaces, such as Account, show the user's first workspace.
    pub(crate) workspace: Option<WorkspaceLink>,
    pub(crate) here: NavItem,
    /// Whether the user may open the audit log page.
    pub(crate) can_view_audit_log: bool,
    /// Whether the user sees a warning that the disk of the server is nearly full.
    pub(crate) shows_disk_warning: bool,
    pub(crate) user_name: String,
    pub(crate) user_email: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WorkspaceLink {
    pub(crate) name: String,
    pub(crate) slug: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NavItem {
    Projects,
    Models,
    General,
    ApiKeys,
    AuditLog,
    Account,
    Docs,
    /// A page that is not in the navigation.
    Elsewhere,
}

/// A message that is shown once.
#[derive(Clone, Debug)]
pub(crate) struct FlashMessage {
    pub(crate) tone: Tone,
    /// The message, such as "line-3-camera was deleted."
    pub(crate) text: String,
    /// A second sentence. May be empty.
    pub(crate) detail: String,
    /// The path of the form that undoes the change.
    pub(crate) undo: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    Good,
    Warning,
}

impl Shell {
    pub(crate) fn at_projects(&self) -> bool {
        self.here == NavItem::Projects
    }

    pub(crate) fn at_models(&self) -> bool {
        self.here == NavItem::Models
    }

    pub(crate) fn at_general(&self) -> bool {
        self.here == NavItem::General
    }

    pub(crate) fn at_audit_log(&self) -> bool {
        self.here == NavItem::AuditLog
    }

    pub(crate) fn at_keys(&self) -> bool {
        self.here == NavItem::ApiKeys
    }

    pub(crate) fn at_docs(&self) -> bool {
        self.here == NavItem::Docs
    }

    pub(crate) fn at_account(&self) -> bool {
        self.here == NavItem::Account
    }

    pub(crate) fn is_open(&self, workspace: &WorkspaceLink) -> bool {
        self.workspace.as_ref() == Some(workspace)
    }
}

impl WorkspaceLink {
    /// The letter in the badge of the workspace.
    pub(crate) fn initial(&self) -> String {
        self.name.chars().next().map(|first| first.to_uppercase().collect()).unwrap_or_default()
    }
}

impl FlashMessage {
    /// A message about success.
    pub(crate) fn good(text: impl Into<String>) -> Self {
        Self { tone: Tone::Good, text: text.into(), detail: String::new(), undo: None }
    }

    /// A message about a problem.
    pub(crate) fn warning(text: impl Into<String>) -> Self {
        Self { tone: Tone::Warning, text: text.into(), detail: String::new(), undo: None }
    }

    /// Adds a second sentence.
    #[must_use]
    pub(crate) fn with_detail(self, detail: impl Into<String>) -> Self {
        Self { detail: detail.into(), ..self }
    }

    /// Offers to undo the change with an empty form that is sent to `path`.
    #[must_use]
    pub(crate) fn with_undo(self, path: String) -> Self {
        Self { undo: Some(path), ..self }
    }

    pub(crate) fn is_warning(&self) -> bool {
        self.tone == Tone::Warning
    }
}
