#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod brand;
mod class;
mod decision;
mod digest;
mod exposure;
mod grant;
mod id;
mod network;
mod numbers;
mod origin;
mod pause;
mod permission;
mod publishable_key;
mod quota;
mod rate;
mod reason;
mod restriction;
mod scope;
mod secret;
mod time;

pub use brand::{Brand, BrandError, Brands};
pub use class::Class;
pub use decision::{AccessRequest, Denial, KeyState, RateUse, SecretState};
pub use digest::Digest;
pub use exposure::{Exposure, UnknownExposure};
pub use grant::{Grant, GrantError};
pub use id::{
    AnnotationId, BatchId, Id, IdError, ImportId, KeyId, Kind, LabelId, ModelId, NodeId, ProjectId, RecordId,
    SessionId, UploadId, UserId, WorkspaceId,
};
pub use network::{NetworkError, parse_network};
pub use origin::{Origin, OriginError};
pub use pause::Pause;
pub use permission::{Permission, Permissions, UnknownPermission};
pub use publishable_key::PublishableKey;
pub use quota::{
    DuplicateQuota, LimitError, Period, Quota, QuotaResource, QuotaState, Quotas, UnknownQuota, Window,
};
pub use rate::{Rate, RateError, RateStatus};
pub use reason::{DenialReason, UnknownReason};
pub use restriction::{Allowlist, Restrictions};
pub use scope::{Scope, Scopes, UnknownScope};
pub use secret::{Hint, MalformedSecret, Presented, Secret, find_secret};
pub use time::Timestamp;
