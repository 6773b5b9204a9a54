//! The data and the templates of the pages. A handler fills one of these structs and renders it. This module
//! reads no store and no clock.

mod account;
mod activity;
mod chart;
mod docs;
mod error;
mod field;
mod frame;
mod general;
mod image_forms;
mod key_delete;
mod key_denial;
mod key_edit;
mod key_exposure;
mod key_first_call;
mod key_form;
mod key_life;
mod key_limits;
mod key_list;
mod key_restrictions;
mod key_reveal;
mod key_rotate;
mod key_show;
mod key_usage;
mod model_list;
mod model_show;
mod moment;
mod picture;
mod plot;
mod project_forms;
mod project_list;
mod project_show;
mod scope;
mod setup;
mod sign_in;
mod workspace_form;

pub(crate) use account::{AccountPage, SessionRow};
pub(crate) use activity::{
    ActivityPage, ActivityRow, ActivityVerifyPage, ChangeRow, FactRow, LinkedName, SelectOption,
};
pub(crate) use chart::{Chart, ChartBar, chart, spark};
pub(crate) use docs::{DocsAnswer, DocsField, DocsGroup, DocsOperation, DocsPage};
pub(crate) use error::ErrorPage;
pub(crate) use field::Field;
pub(crate) use frame::{FlashMessage, Frame, NavItem, Shell, Tone, WorkspaceLink};
pub(crate) use general::{EditGeneralPage, GeneralPage, PolicyViolation, PolicyViolations};
pub(crate) use image_forms::{DeleteImagesPage, ImportPage, UploadOutcome, UploadOutcomesPage};
pub(crate) use key_delete::DeleteKeyPage;
pub(crate) use key_denial::{CheckRow, CheckState, DenialPage, FindDenialPage};
pub(crate) use key_edit::{EditKeyPage, PermissionQuestion};
pub(crate) use key_exposure::{ExposureBadge, ExposureNotice, ExposurePlace, ExposureQuestion};
pub(crate) use key_first_call::{FirstCallLine, FirstCallPage, FirstCallState};
pub(crate) use key_form::{ExpiryOption, KeyFields, NewKeyPage, OtherScopes};
pub(crate) use key_life::{DeniedRequestCount, PauseKeyPage, PauseSummary, RetireSecretPage};
pub(crate) use key_limits::{LimitFields, QuotaBar, QuotaInput, QuotaRow, RateInputs};
pub(crate) use key_list::{ExpiringKeyRow, ExpiryHorizon, KeyListPage, KeyListRow, NodeRow, NodeState, Tab};
pub(crate) use key_restrictions::{CheckboxList, CheckboxRow, PublishableFields, RestrictionFields};
pub(crate) use key_reveal::{AlreadyShownPage, RevealSecretPage, Snippet};
pub(crate) use key_rotate::RotateKeyPage;
pub(crate) use key_show::{KeyDetailPage, RestrictionRow};
pub(crate) use key_usage::{CallerSummary, DenialRow, FilterLink, KeyUsage, RecommendationRow, WhatIfPanel};
pub(crate) use model_list::{ModelListPage, ModelRow, ModelStatusBadge};
pub(crate) use model_show::{
    ClassifierMetrics, ConfusionCell, ConfusionRow, DeleteModelPage, DetectorMetrics, ExampleImage, LabelRow,
    ModelDetailPage, PrecisionRow, PredictionForm, PredictionResult, RankedLabel, TrainModelPage,
    TrainingProgress,
};
pub(crate) use moment::{Attribution, DisplayTime, ExpiryStatus, LastUsed};
pub(crate) use picture::{Badge, BoxMark, Overlay, TONES};
pub(crate) use plot::{Plot, plot};
pub(crate) use project_forms::{DeleteProjectPage, NewProjectPage, RenameProjectPage};
pub(crate) use project_list::{ProjectCard, ProjectListPage};
pub(crate) use project_show::{
    BatchOption, ImageDetailPage, ImageTile, ImportRow, LabelLink, ProjectDetailPage, ProjectHead,
    ProjectModelsPage,
};
pub(crate) use scope::ScopeBadge;
pub(crate) use setup::SetupPage;
pub(crate) use sign_in::SignInPage;
pub(crate) use workspace_form::NewWorkspacePage;
