//! Exposures of secrets, and the check that protects exposed keys from gaining more access.

use keyrack_key::{Exposure, KeyId, Origin, Permission, Permissions, Timestamp};
use keyrack_store::{ExposureRecord, KeyRow};

use super::Keys;
use super::preview::loosened;
use crate::who::GrantedAuthority;
use crate::{AuthorizedCaller, OpError};

/// The access that a change would give to people who have an exposed secret of the key.
#[derive(Clone, Debug)]
pub struct ExposedAccess {
    /// The latest exposure.
    pub exposure: ExposureRecord,
    /// The permissions that the change adds.
    pub added_permissions: Permissions,
    /// The names of the restrictions that the change loosens, expiry included.
    pub loosened_restrictions: Vec<&'static str>,
}

impl ExposedAccess {
    /// A line that lists all added access. A caller confirms exactly this line.
    pub fn token(&self) -> String {
        let added_permissions = self.added_permissions.iter().map(Permission::name);
        added_permissions.chain(self.loosened_restrictions.iter().copied()).collect::<Vec<_>>().join(" ")
    }
}

impl std::fmt::Display for ExposedAccess {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "This key was exposed {}. ", place(&self.exposure))?;
        let added_permissions: Vec<_> = self.added_permissions.iter().map(Permission::phrase).collect();
        if !added_permissions.is_empty() {
            write!(f, "This change would let anyone who copied it {}. ", added_permissions.join(", "))?;
        }
        if !self.loosened_restrictions.is_empty() {
            write!(f, "It would loosen these restrictions: {}. ", self.loosened_restrictions.join(", "))?;
        }
        f.write_str("Rotate the key first, or confirm the change with acknowledgePublicUse: true.")
    }
}

/// Describes where a secret was exposed: `on a page of https://shop.example`, `in a URL`.
pub fn place(exposure: &ExposureRecord) -> String {
    match (exposure.exposure, exposure.origin.as_str()) {
        (Exposure::Url, "") => "in a URL".to_owned(),
        (Exposure::Url, origin) => format!("in a URL on {origin}"),
        // Files and sandboxed frames send the origin `null`.
        (_, "" | "null") => "on a page without an origin".to_owned(),
        (_, origin) => format!("on {origin}"),
    }
}

/// Returns the origin of the page if a key can be restricted to that origin. Programs can send any text as an origin:
/// browsers never send a wildcard, so a wildcard yields `None`.
pub fn origin_of(exposure: &ExposureRecord) -> Option<Origin> {
    let origin = exposure.origin.as_str();
    if origin.contains('*') { None } else { origin.parse().ok() }
}

impl Keys {
    /// Returns a key and the exposures of its working secrets, latest first.
    pub async fn exposures(
        &self,
        by: &AuthorizedCaller,
        id: KeyId,
    ) -> Result<(KeyRow, Vec<ExposureRecord>), OpError> {
        let key = self.read(by, id).await?;
        let exposure = self.store.exposures(by.workspace, &[id], (self.clock)()).await?;
        Ok((key, exposure))
    }

    /// Denies a change that gives more access to a key with an exposed secret. Only recorded exposures count: the
    /// server records its own within a second, and exposures on nodes when the nodes report them.
    pub(super) async fn check_exposure(
        &self,
        by: &AuthorizedCaller,
        id: KeyId,
        (before, after): (&GrantedAuthority, &GrantedAuthority),
        now: Timestamp,
    ) -> Result<(), OpError> {
        let added_permissions = after.permissions.without(before.permissions);
        let mut loosened_restrictions = loosened(&after.restrictions, &before.restrictions);
        if before.expires_at.is_some_and(|ends| after.expires_at.is_none_or(|later| later > ends)) {
            loosened_restrictions.push("expiresAt");
        }
        if added_permissions.is_empty() && loosened_restrictions.is_empty() {
            return Ok(());
        }
        match self.store.exposures(by.workspace, &[id], now).await?.first() {
            Some(exposure) => Err(OpError::Exposed(Box::new(ExposedAccess {
                exposure: *exposure,
                added_permissions,
                loosened_restrictions,
            }))),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use keyrack_key::Hint;
    use keyrack_rack::SanitizedText;

    use super::*;

    fn record(exposure: Exposure, origin: &str) -> ExposureRecord {
        ExposureRecord {
            key: "key_0198c2f4a1b27c3d8e4f5a6b7c8d9e0f".parse().unwrap(),
            hint: Hint::parse("9fQ2").unwrap(),
            exposure,
            origin: SanitizedText::new(origin.as_bytes()),
            first: Timestamp::from_micros(0),
            last: Timestamp::from_micros(0),
        }
    }

    #[test]
    fn exposure_place_includes_its_known_origin() {
        let description = |exposure, origin| place(&record(exposure, origin));
        assert_eq!(description(Exposure::Browser, "https://shop.example"), "on https://shop.example");
        assert_eq!(description(Exposure::Browser, "null"), "on a page without an origin");
        assert_eq!(description(Exposure::Url, ""), "in a URL");
        assert_eq!(description(Exposure::Url, "https://a.example"), "in a URL on https://a.example");
    }

    #[test]
    fn exposure_origin_is_offered_only_if_exact() {
        let origin = |text| origin_of(&record(Exposure::Browser, text)).map(|origin| origin.to_string());
        assert_eq!(origin("http://Shop.test:8080").as_deref(), Some("http://shop.test:8080"));
        for text in ["", "null", "https://*.example.org", "chrome-extension://abc", "https://a.example/path"]
        {
            assert_eq!(origin(text), None, "{text}");
        }
    }

    #[test]
    fn exposed_access_lists_permissions_and_restrictions() {
        let added_permissions = Permissions::of(&[Permission::ModelsTrain, Permission::DatasetsUpload]);
        let access = ExposedAccess {
            exposure: record(Exposure::Browser, "https://shop.example"),
            added_permissions,
            loosened_restrictions: vec!["origins", "rate"],
        };
        assert_eq!(access.token(), "datasets:upload models:train origins rate");
        let description = access.to_string();
        for part in ["on https://shop.example", "upload datasets, train models", "origins, rate"] {
            assert!(description.contains(part), "{description}");
        }
    }
}
