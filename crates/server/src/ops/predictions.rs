//! What models are asked.

mod look;
mod problems;

use std::sync::Arc;

use keyrack_key::{Class, ModelId};
use keyrack_store::{Model, ModelStatus, ProjectType, Store};
use keyrack_vision::{self as vision, Backbone, BackboneError, Limits, ModelError, Picture, Threads};
use tokio::time::Instant;

use look::{classified, detected};
use problems::{not_ready, other_task, urls_closed};

use super::{Acting, Invalid, OpError, Who};
use crate::config::Config;
use crate::edge::allowance;
use crate::objects::{ObjectError, Objects, Place};
use crate::predict::door::DoorError;
use crate::predict::engine::PATIENCE;
use crate::predict::image::Source;
use crate::predict::{Door, Engine, EngineError, Image, Room};

/// More pixels than that no line has.
const MOST_STROKE: u32 = 100;

/// What a picture shows.
#[derive(Clone, Debug)]
pub struct Classified {
    /// The likeliest, however likely.
    pub best: Likely,
    /// It, and all others that are as likely as was asked for; the likeliest first.
    pub all: Vec<Likely>,
}

/// A label, and how likely it is: 0 to 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Likely {
    pub label: String,
    pub confidence: f32,
}

/// What is to be found, and whether it is drawn.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// Only what is at least that sure, 0 to 1.
    pub confidence: f64,
    /// Whether the picture comes back with boxes on it.
    pub annotate: bool,
    /// Whether the confidences stand beside the labels.
    pub show_confidence: bool,
    /// Pixels of a box's line; by the picture's size where left out.
    pub stroke: Option<u32>,
}

/// What was found in a picture.
#[derive(Clone, Debug)]
pub struct Detected {
    /// The surest first.
    pub objects: Vec<Detection>,
    /// The picture with boxes, as a JPEG in base64.
    pub annotated: Option<String>,
}

/// One object, in pixels of the picture as it is shown.
#[derive(Clone, Debug, PartialEq)]
pub struct Detection {
    pub label: String,
    pub confidence: f32,
    pub left: f32,
    pub top: f32,
    pub width: f32,
    pub height: f32,
}

/// A model that can be asked by whoever found it.
#[derive(Clone, Debug)]
pub struct Askable(Model);

/// The models of all workspaces, as those see them who ask them.
#[derive(Debug)]
pub struct Predictions {
    store: Store,
    objects: Objects,
    engine: Engine,
    door: Door,
    room: Room,
    public_urls: bool,
}

impl Predictions {
    /// What models of `store` say, whose files are `objects`.
    pub fn new(config: &Config, store: Store, objects: Objects) -> Self {
        let limits = Limits { bytes: config.max_image, ..Limits::default() };
        Self {
            store,
            objects,
            engine: Engine::new(config.backbone.clone(), limits),
            door: Door::new(limits.bytes, &config.allowed_image_hosts),
            room: Room::for_pictures_of(allowance::picture(limits.bytes).bytes),
            public_urls: config.public_image_urls,
        }
    }

    /// The room for pictures that arrive. Who brings an [`Image`] has gathered it there.
    pub const fn room(&self) -> &Room {
        &self.room
    }

    /// How many pictures wait for their turn.
    pub fn waiting(&self) -> usize {
        self.engine.waiting()
    }

    /// A model of the workspace that the caller may ask, is ready, and does that.
    pub async fn find(&self, by: &Acting, id: ModelId, task: ProjectType) -> Result<Askable, OpError> {
        let nothing = OpError::NotFound("model");
        let Some(model) = self.store.model(by.workspace, id).await? else { return Err(nothing) };
        let project = self.store.project(by.workspace, model.project).await?.ok_or(nothing)?;
        by.covers(project)?;
        if model.project_type != task {
            return Err(other_task(&model).into());
        }
        if model.status != ModelStatus::Ready {
            return Err(not_ready(&model).into());
        }
        Ok(Askable(model))
    }

    /// What a picture shows. Of the labels, those at least as likely as `confidence`, and the best in any case.
    pub async fn classify(
        &self,
        by: &Acting,
        model: Askable,
        image: Image,
        confidence: f64,
    ) -> Result<Classified, OpError> {
        let confidence = check_confidence(confidence)?;
        self.ask(by, model, image, move |head, backbone, picture, threads| match head {
            vision::Model::Detector(_) => Ok(None),
            vision::Model::Classifier(model) => {
                Ok(classified(&model.predict(backbone, picture, threads)?, confidence))
            }
        })
        .await
    }

    /// What is where in a picture.
    pub async fn detect(
        &self,
        by: &Acting,
        model: Askable,
        image: Image,
        wanted: Wanted,
    ) -> Result<Detected, OpError> {
        check_confidence(wanted.confidence)?;
        if wanted.stroke.is_some_and(|stroke| stroke > MOST_STROKE) {
            return Err(Invalid::field("stroke_width", format!("expected 0 to {MOST_STROKE} pixels")).into());
        }
        self.ask(by, model, image, move |head, backbone, picture, threads| match head {
            vision::Model::Classifier(_) => Ok(None),
            vision::Model::Detector(model) => {
                let mut found = model.detect(backbone, picture, threads)?;
                found.retain(|one| f64::from(one.confidence) >= wanted.confidence);
                Ok(Some(detected(&found, model.labels(), picture, &wanted)))
            }
        })
        .await
    }

    /// The picture itself, where it was a URL until now.
    pub async fn fetched(&self, by: &Acting, image: Image) -> Result<Image, OpError> {
        match image.source {
            Source::Url(_) if !self.public_urls && is_publishable(by) => Err(urls_closed().into()),
            Source::Url(url) => {
                let (bytes, held) = self.door.fetch(&url, &self.room).await?;
                Ok(Image::file(bytes, held))
            }
            Source::Bytes(_) => Ok(image),
        }
    }

    async fn ask<T: Send + 'static>(
        &self,
        by: &Acting,
        Askable(model): Askable,
        image: Image,
        look: impl FnOnce(&vision::Model, &Backbone, &Picture, &Threads) -> Result<Option<T>, BackboneError>
        + Send
        + 'static,
    ) -> Result<T, OpError> {
        let until = Instant::now() + PATIENCE;
        let fetched = image.is_url();
        let (bytes, room) = match image.source {
            Source::Bytes(bytes) => (bytes, image.held),
            Source::Url(_) if !self.public_urls && is_publishable(by) => return Err(urls_closed().into()),
            Source::Url(url) => self.door.fetch(&url, &self.room).await?,
        };
        let place = Place::model(model.project, model.id);
        let read = self.objects.read(&place);
        let asked = read_head(self.engine.head(model.id, read)).await?;
        let seen = async {
            let opened = self.engine.open(bytes, room).await?;
            self.engine
                .show(opened, until, move |backbone, picture, threads| {
                    look(&asked, backbone, picture, threads)
                })
                .await
        };
        match seen.await {
            Ok(Some(answer)) => Ok(answer),
            // The row says otherwise, and was looked at.
            Ok(None) => Err(OpError::internal(EngineError::Model(ModelError::Content("task")))),
            // What lies behind a URL is nobody's business who cannot open it himself.
            Err(EngineError::Picture(_)) if fetched => Err(DoorError::Unreachable.into()),
            Err(error) => Err(error.into()),
        }
    }
}

/// A model that was deleted meanwhile has no file any more.
async fn read_head(
    head: impl Future<Output = Result<Arc<vision::Model>, EngineError>>,
) -> Result<Arc<vision::Model>, OpError> {
    head.await.map_err(|error| match error {
        EngineError::Object(ObjectError::NotFound) => OpError::NotFound("model"),
        other => other.into(),
    })
}

fn check_confidence(confidence: f64) -> Result<f64, Invalid> {
    let within = (0.0..=1.0).contains(&confidence);
    if within { Ok(confidence) } else { Err(Invalid::field("confidence", "expected a number from 0 to 1")) }
}

fn is_publishable(by: &Acting) -> bool {
    matches!(&by.who, Who::Key(caller) if caller.key().class == Class::Publishable)
}
