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
mod key_edit;
mod key_first_call;
mod key_form;
mod key_life;
mod key_limits;
mod key_list;
mod key_narrow;
mod key_refusal;
mod key_reveal;
mod key_rotate;
mod key_seen;
mod key_show;
mod key_use;
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

pub(crate) use account::{Account, SessionRow};
pub(crate) use activity::{Activity, Change, Entry, Fact, Picked, Thing, VerifyActivity};
pub(crate) use chart::{Bar, Chart, chart, spark};
pub(crate) use docs::{Docs, DocsAnswer, DocsField, DocsGroup, DocsOperation};
pub(crate) use error::ErrorPage;
pub(crate) use field::Field;
pub(crate) use frame::{Frame, Here, Notice, Shell, Tone, Workspace};
pub(crate) use general::{EditGeneral, General, Stray, StrayList};
pub(crate) use image_forms::{DeleteImages, ImportPage, Outcome, Outcomes};
pub(crate) use key_delete::DeleteKey;
pub(crate) use key_edit::{EditKey, Widening};
pub(crate) use key_first_call::{FirstCall, FirstCallPage, FirstCallStand};
pub(crate) use key_form::{Besides, ExpiryChoice, KeyFields, NewKey};
pub(crate) use key_life::{PauseKey, Paused, RefusedCalls, RetireSecret};
pub(crate) use key_limits::{LimitFields, QuotaBar, QuotaFields, QuotaRow, RateFields};
pub(crate) use key_list::{Ahead, Ending, KeyList, KeyRow, NodeRow, NodeStand, Tab};
pub(crate) use key_narrow::{NarrowFields, PublicFields, TickRow, Ticks};
pub(crate) use key_refusal::{FindRefusal, RefusalPage, StepLine, StepState};
pub(crate) use key_reveal::{AlreadyShown, Reveal, Snippet};
pub(crate) use key_rotate::RotateKey;
pub(crate) use key_seen::{PublicUseQuestion, SeenBadge, SeenInPublic, SeenPlace};
pub(crate) use key_show::{KeyPage, Limit};
pub(crate) use key_use::{AdviceLine, CallerLine, Choice, RefusalLine, Seen, WhatIf};
pub(crate) use model_list::{ModelList, ModelRow, Status};
pub(crate) use model_show::{
    Answer, Classified, ConfusionCell, ConfusionRow, DeleteModel, Detected, Example, Going, LabelRow,
    ModelPage, PrecisionRow, Ranked, TrainModel, TryIt,
};
pub(crate) use moment::{By, Expires, LastUse, Moment};
pub(crate) use picture::{Badge, BoxMark, Overlay, TONES};
pub(crate) use plot::{Plot, plot};
pub(crate) use project_forms::{DeleteProject, NewProject, RenameProject};
pub(crate) use project_list::{ProjectCard, ProjectList};
pub(crate) use project_show::{
    BatchOption, ImagePage, ImportLine, LabelLink, ProjectHead, ProjectModels, ProjectPage, Tile,
};
pub(crate) use scope::Scope;
pub(crate) use setup::Setup;
pub(crate) use sign_in::SignIn;
pub(crate) use workspace_form::NewWorkspace;
