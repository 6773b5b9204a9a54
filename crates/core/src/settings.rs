//! The name of a workspace and its policy for keys.

use keyrack_key::KeyId;
use keyrack_rack::Clock;
use keyrack_store::{EditWorkspace, Page, Policy, Store, Workspace};

use super::{AuthorizedCaller, CallerKind, Invalid, OpError, invalid};

/// The maximum number of keys to list that do not comply with a policy.
const NAMED: u32 = 10;

/// The newest keys that do not comply with a policy, and whether there are more.
pub type NoncompliantPage = Page<(KeyId, String), KeyId>;

/// The settings of all workspaces.
#[derive(Clone, Debug)]
pub struct Settings {
    store: Store,
    clock: Clock,
}

/// The settings of one workspace.
#[derive(Clone, Debug)]
pub struct WorkspaceSettings {
    pub workspace: Workspace,
    pub policy: Policy,
}

/// Changes to the settings. Fields that are `None` stay as they are. Numbers are in days.
#[derive(Clone, Debug, Default)]
pub struct SettingsPatch {
    pub name: Option<String>,
    pub longest_life: Option<Option<u64>>,
    pub rotation_age: Option<Option<u64>>,
}

/// Active keys that do not comply with a policy. A policy does not change existing keys.
#[derive(Clone, Debug)]
pub struct NoncompliantKeys {
    /// Keys without an expiry, or with an expiry later than the policy allows for a new key.
    pub late_expiry: Option<NoncompliantPage>,
    /// Keys whose secret is older than the rotation age.
    pub old_secret: Option<NoncompliantPage>,
}

impl Settings {
    /// Manages the settings of the workspaces in `store`.
    pub const fn new(store: Store, clock: Clock) -> Self {
        Self { store, clock }
    }

    /// Returns the settings of the caller's workspace.
    pub async fn read(&self, by: &AuthorizedCaller) -> Result<WorkspaceSettings, OpError> {
        let workspace = self.store.workspace(by.workspace).await?.ok_or(OpError::NotFound("workspace"))?;
        Ok(WorkspaceSettings { workspace, policy: self.policy(by).await? })
    }

    /// Returns the policy of the caller's workspace.
    pub async fn policy(&self, by: &AuthorizedCaller) -> Result<Policy, OpError> {
        Ok(self.store.policy(by.workspace).await?)
    }

    /// Returns the keys that do not comply with a policy.
    pub async fn noncompliant_keys(
        &self,
        by: &AuthorizedCaller,
        policy: Policy,
    ) -> Result<NoncompliantKeys, OpError> {
        let now = (self.clock)();
        let late_expiry = match policy.latest_end(now) {
            Some(end) => Some(self.store.keys_expiring_after(by.workspace, end, NAMED).await?),
            None => None,
        };
        let old_secret = match policy.old_before(now) {
            Some(made) => Some(self.store.keys_not_rotated(by.workspace, made, now, NAMED).await?),
            None => None,
        };
        Ok(NoncompliantKeys { late_expiry, old_secret })
    }

    /// Changes the name or the policy. Denied for keys: the policy applies to all keys, so a key that changes the
    /// policy would exceed its own authority.
    pub async fn edit(
        &self,
        by: &AuthorizedCaller,
        patch: SettingsPatch,
    ) -> Result<WorkspaceSettings, OpError> {
        let mut wrong = Invalid::default();
        let name = patch.name.map(|name| wrong.take("name", invalid::name(&name)));
        let longest_life = patch.longest_life.map(|life| wrong.take("maxKeyLifetimeDays", days(life)));
        let rotation_age = patch.rotation_age.map(|age| wrong.take("rotateAfterDays", days(age)));
        if wrong.fields().next().is_some() {
            return Err(wrong.into());
        }
        let changes_something = name.is_some() || longest_life.is_some() || rotation_age.is_some();
        if changes_something && matches!(by.kind, CallerKind::Key(_)) {
            return Err(OpError::KeyNotAccepted);
        }
        let (name, longest_life, rotation_age) =
            (name.flatten(), longest_life.flatten(), rotation_age.flatten());
        let now = (self.clock)();
        let (workspace, policy) = by
            .writes(&self.store, now)
            .edit_workspace(&EditWorkspace {
                workspace: by.workspace,
                name: name.as_deref(),
                longest_life,
                rotation_age,
                actor: by.actor(),
                now,
            })
            .await?;
        Ok(WorkspaceSettings { workspace, policy })
    }
}

/// Validates an optional number of days.
fn days(days: Option<u64>) -> Result<Option<u32>, &'static str> {
    let Some(days) = days else { return Ok(None) };
    let days = u32::try_from(days).ok().filter(|days| (1..=MOST_DAYS).contains(days));
    days.map(Some).ok_or(EXPECTED)
}

/// The longest period that a policy can set: ten years.
const MOST_DAYS: u32 = 3_650;

const EXPECTED: &str = "Enter a number of days from 1 to 3,650.";
