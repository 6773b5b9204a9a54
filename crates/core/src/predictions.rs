//! What models are asked.

mod asked;
mod error;
mod look;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;

use keyrack_key::{Class, Counted, Denial, ModelId, Permission};
use keyrack_rack::Clock;
use keyrack_store::{Model, ModelStatus, ProjectType, Store};
use keyrack_vision::{self as vision, Backbone, BackboneError, ImageLimits, ModelError, Picture, Threads};
use tokio::time::Instant;

use asked::PictureBytes;
pub use asked::{Asked, Classified, Detected, Detection, Likely, Seen, Small, Wanted};
pub use error::PredictionError;
use look::{classified, detected};

use super::quotas::{Quotas, Spent};
use super::refusals::{DenialDetail, Late};
use super::who::Covered;
use super::{Acting, Invalid, OpError, Who};
use crate::objects::{ObjectError, Objects, Place};
use crate::predict::engine::PATIENCE;
use crate::predict::fetch::{FetchError, FetchedImage};
use crate::predict::image::Source;
use crate::predict::{Engine, EngineError, FetchImage, Image, Room};
use crate::shares::Claimant;

/// More pixels than that no line has.
const MOST_STROKE: u32 = 100;

/// A model that can be asked by whoever found it.
#[derive(Clone, Debug)]
pub struct Askable(Covered<Model>);

/// The settings of predictions.
#[derive(Clone, Debug)]
pub struct PredictionSettings {
    /// The file of the backbone; `None` for the embedded one.
    pub backbone: Option<PathBuf>,
    /// The largest image, in bytes of its file.
    pub image_bytes_max: usize,
    /// The largest request with an image, in bytes: base64 is longer than the file.
    pub request_bytes_max: usize,
    /// Whether publishable keys may send URLs of images.
    pub public_image_urls: bool,
}

/// The models of all workspaces, as those see them who ask them.
#[derive(Debug)]
pub struct Predictions {
    store: Store,
    objects: Objects,
    engine: Engine,
    fetcher: Box<dyn FetchImage>,
    room: Room,
    answers: Room,
    quotas: Quotas,
    late: Late,
    public_urls: bool,
    clock: Clock,
}

impl Predictions {
    /// Predictions of the models of `store`, whose files are `objects`.
    pub fn new(
        settings: PredictionSettings,
        fetcher: Box<dyn FetchImage>,
        store: Store,
        objects: Objects,
        quotas: Quotas,
        late: Late,
        clock: Clock,
    ) -> Self {
        let limits = ImageLimits { bytes: settings.image_bytes_max, ..ImageLimits::default() };
        Self {
            store,
            objects,
            engine: Engine::new(settings.backbone, limits),
            fetcher,
            room: Room::for_pictures_of(settings.request_bytes_max),
            answers: Room::for_answers_of(limits.bytes),
            quotas,
            late,
            public_urls: settings.public_image_urls,
            clock,
        }
    }

    /// The room for pictures that arrive. Who brings an [`Image`] has gathered it there.
    pub const fn room(&self) -> &Room {
        &self.room
    }

    /// The room for answers that were made and are not sent yet.
    pub const fn answers(&self) -> &Room {
        &self.answers
    }

    /// How many pictures wait for their turn.
    pub fn waiting(&self) -> usize {
        self.engine.waiting()
    }

    /// A model of the workspace that the caller may ask, is ready, and does that.
    pub async fn find(&self, by: &Acting, id: ModelId, task: ProjectType) -> Result<Askable, OpError> {
        let model = self.store.model(by.workspace, id).await?.ok_or(OpError::NotFound("model"))?;
        let model = by.covers_model(model)?;
        if model.project_type != task {
            return Err(PredictionError::other_task(&model).into());
        }
        if model.status != ModelStatus::Ready {
            return Err(PredictionError::NotReady(model.status).into());
        }
        Ok(Askable(model))
    }

    /// What a picture shows.
    pub async fn classify(
        &self,
        by: &Acting,
        model: Askable,
        image: Image,
        asked: Asked,
    ) -> Result<Seen<Classified>, OpError> {
        check_confidence(asked.confidence)?;
        self.ask(by, model, image, move |head, backbone, picture, threads| match head {
            vision::Model::Detector(_) => Ok(None),
            vision::Model::Classifier(model) => {
                Ok(classified(&model.predict(backbone, picture, threads)?, picture, asked))
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
    ) -> Result<Seen<Detected>, OpError> {
        check_confidence(wanted.confidence)?;
        let stroke = wanted.stroke.map(whole_pixels).transpose()?;
        self.ask(by, model, image, move |head, backbone, picture, threads| match head {
            vision::Model::Classifier(_) => Ok(None),
            vision::Model::Detector(model) => {
                let mut found = model.detect(backbone, picture, threads)?;
                found.retain(|one| f64::from(one.confidence) >= wanted.confidence);
                Ok(Some(detected(&found, model.labels(), picture, &wanted, stroke)))
            }
        })
        .await
    }

    async fn ask<T: PictureBytes + Send + 'static>(
        &self,
        by: &Acting,
        Askable(model): Askable,
        image: Image,
        look: impl FnOnce(&vision::Model, &Backbone, &Picture, &Threads) -> Result<Option<T>, BackboneError>
        + Send
        + 'static,
    ) -> Result<Seen<T>, OpError> {
        let until = Instant::now() + PATIENCE;
        self.check_size(by, &image)?;
        let place = Place::model(model.project, model.id, model.taken);
        let read = self.objects.read(&place);
        // Before the door: that a model has lost its file tells nothing of what lies behind a URL.
        let asked = read_head(self.engine.head(by.workspace, model.id, read)).await;
        // The body may have been held back, and the queue may be long: a key that was deleted meanwhile spends nothing, gets no
        // prediction, and learns nothing of the model.
        by.verify(&self.store, (self.clock)()).await?;
        let asked = asked?;
        let spent = self.quotas.take(by, Counted::Predictions).await?;
        let look = move |backbone: &_, picture: &_, threads: &_| look(&asked, backbone, picture, threads);
        let seen = hold_answer(&self.answers, by.claimant(), spent, self.see(by, image, until, look).await)?;
        by.verify(&self.store, (self.clock)()).await?;
        Ok(seen)
    }

    /// A key may be restricted to images of some size. What lies behind a URL is fetched no further than that.
    fn check_size(&self, by: &Acting, image: &Image) -> Result<(), OpError> {
        let Source::Bytes(bytes) = &image.source else { return Ok(()) };
        let is_larger = by.max_image_bytes().is_some_and(|most| bytes.len() > most);
        if is_larger { self.refuse_size(by).map_or(Ok(()), Err) } else { Ok(()) }
    }

    /// The refusal of an image that is larger than the caller's key may send, counted in place of the use. `None` where the
    /// key has no limit of its own.
    pub fn refuse_size(&self, by: &Acting) -> Option<OpError> {
        let Who::Key(caller) = &by.who else { return None };
        let most = caller.key().max_image_bytes()?;
        let detail = DenialDetail::ImageBytes(most);
        Some(self.late.refuse(caller, Permission::ModelsPredict, Denial::Image(most), detail))
    }

    /// What an image shows. The inner error is one of an image that failed while it was decoded: that is work, and counts.
    async fn see<T: Send + 'static>(
        &self,
        by: &Acting,
        image: Image,
        until: Instant,
        look: impl FnOnce(&Backbone, &Picture, &Threads) -> Result<Option<T>, BackboneError> + Send + 'static,
    ) -> Result<Result<T, OpError>, OpError> {
        let (bytes, held, start) = match image.source {
            Source::Bytes(bytes) => (bytes, image.held, None),
            Source::Url(_) if !self.public_urls && is_publishable(by) => {
                return Err(PredictionError::UrlNotAllowed.into());
            }
            Source::Url(url) => {
                let FetchedImage { bytes, held, start } =
                    self.fetcher.fetch(by.claimant(), &url, &self.room, by.max_image_bytes()).await?;
                (bytes, held, Some(start))
            }
        };
        let seen = async {
            let opened = self.engine.open(bytes, held).await?;
            self.engine.show(by.claimant(), opened, until, look).await
        };
        let error = match seen.await {
            Ok(Some(answer)) => return Ok(Ok(answer)),
            // The row says otherwise, and was looked at.
            Ok(None) => return Err(OpError::internal(EngineError::Model(ModelError::Content("task")))),
            Err(error) => error,
        };
        let was_decoded = matches!(error, EngineError::Decode(_));
        let denied = match (error, start) {
            // What lies behind a URL is nobody's business who cannot open it himself.
            (EngineError::Picture(_) | EngineError::Decode(_), Some(start)) => {
                start.fail(FetchError::Unreachable).await.into()
            }
            (error, _) => error.into(),
        };
        if was_decoded { Ok(Err(denied)) } else { Err(denied) }
    }
}

/// Takes the memory for the images of an answer. A prediction counts once its work has begun, also if its image fails while
/// it is decoded, or no memory is left for the answer: a client could otherwise use the cores without using its quota.
fn hold_answer<T: PictureBytes>(
    answers: &Room,
    claimant: Claimant,
    spent: Spent,
    found: Result<Result<T, OpError>, OpError>,
) -> Result<Seen<T>, OpError> {
    let (found, spent) = spent.settle(found)?;
    let found = found?;
    let held = answers.hold(claimant, found.picture_bytes())?;
    Ok(Seen { found, held, spent })
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

/// A line's width in whole pixels: clients send any number.
fn whole_pixels(width: f64) -> Result<u32, Invalid> {
    let wrong = || Invalid::field("stroke_width", format!("expected 0 to {MOST_STROKE} pixels"));
    let is_within = (0.0..=f64::from(MOST_STROKE)).contains(&width);
    let rounded = (0..=MOST_STROKE).find(|pixels| width < f64::from(*pixels) + 0.5);
    rounded.filter(|_| is_within).ok_or_else(wrong)
}

fn check_confidence(confidence: f64) -> Result<(), Invalid> {
    let within = (0.0..=1.0).contains(&confidence);
    if within { Ok(()) } else { Err(Invalid::field("confidence", "expected a number from 0 to 1")) }
}

fn is_publishable(by: &Acting) -> bool {
    matches!(&by.who, Who::Key(caller) if caller.key().class == Class::Publishable)
}
