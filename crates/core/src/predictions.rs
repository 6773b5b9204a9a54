//! Predictions: classifies images and detects objects with trained models.

mod convert;
mod error;
mod options;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;

use keyrack_key::{Class, Denial, ModelId, Permission, QuotaResource};
use keyrack_rack::Clock;
use keyrack_store::{Model, ModelStatus, ProjectType, Store};
use keyrack_vision::{self as vision, Backbone, BackboneError, ImageLimits, ModelError, Picture, Threads};
use tokio::time::Instant;

use convert::{classified, detected};
pub use error::PredictionError;
use options::PictureBytes;
pub use options::{
    ClassifyOptions, DetectOptions, DetectedObjects, Detection, ImageClasses, LabelConfidence, Prediction,
    SmallCopy,
};

use super::denials::{DeferredDenials, DenialDetail};
use super::quotas::{QuotaUnit, Quotas};
use super::who::Covered;
use super::{AuthorizedCaller, CallerKind, Invalid, OpError};
use crate::objects::{ObjectError, ObjectPath, Objects};
use crate::predict::engine::PATIENCE;
use crate::predict::fetch::{FetchError, FetchedImage};
use crate::predict::image::ImageSource;
use crate::predict::{Engine, EngineError, FetchImage, Image, MemoryBudget};
use crate::shares::Claimant;

/// The largest stroke width, in pixels.
const MOST_STROKE: u32 = 100;

/// A model that its caller may use for predictions.
#[derive(Clone, Debug)]
pub struct ReadyModel(Covered<Model>);

/// The settings of predictions.
#[derive(Clone, Debug)]
pub struct PredictionSettings {
    /// The file of the backbone; `None` selects the embedded backbone.
    pub backbone: Option<PathBuf>,
    /// The largest image, in bytes of its file.
    pub image_bytes_max: usize,
    /// The largest request with an image, in bytes. Base64 is longer than the file.
    pub request_bytes_max: usize,
    /// Whether publishable keys may send URLs of images.
    pub public_image_urls: bool,
}

/// Makes predictions with the models of all workspaces.
#[derive(Debug)]
pub struct Predictions {
    store: Store,
    objects: Objects,
    engine: Engine,
    fetcher: Box<dyn FetchImage>,
    memory: MemoryBudget,
    response_memory: MemoryBudget,
    quotas: Quotas,
    denials: DeferredDenials,
    public_urls: bool,
    clock: Clock,
}

impl Predictions {
    /// Predictions with the models of `store`, whose files are in `objects`.
    pub fn new(
        settings: PredictionSettings,
        fetcher: Box<dyn FetchImage>,
        store: Store,
        objects: Objects,
        quotas: Quotas,
        denials: DeferredDenials,
        clock: Clock,
    ) -> Self {
        let limits = ImageLimits { bytes: settings.image_bytes_max, ..ImageLimits::default() };
        Self {
            store,
            objects,
            engine: Engine::new(settings.backbone, limits),
            fetcher,
            memory: MemoryBudget::for_pictures_of(settings.request_bytes_max),
            response_memory: MemoryBudget::for_answers_of(limits.bytes),
            quotas,
            denials,
            public_urls: settings.public_image_urls,
            clock,
        }
    }

    /// The memory budget for incoming images. Callers that pass an [`Image`] have gathered its bytes in this budget.
    pub const fn memory(&self) -> &MemoryBudget {
        &self.memory
    }

    /// The memory budget for responses that are not sent yet.
    pub const fn response_memory(&self) -> &MemoryBudget {
        &self.response_memory
    }

    /// How many images wait for their turn.
    pub fn waiting(&self) -> usize {
        self.engine.waiting()
    }

    /// Returns a model of the workspace, if the caller may use the model, the model is ready, and
    /// the model fits the task.
    pub async fn find(
        &self,
        by: &AuthorizedCaller,
        id: ModelId,
        task: ProjectType,
    ) -> Result<ReadyModel, OpError> {
        let model = self.store.model(by.workspace, id).await?.ok_or(OpError::NotFound("model"))?;
        let model = by.cover_model(model)?;
        if model.project_type != task {
            return Err(PredictionError::other_task(&model).into());
        }
        if model.status != ModelStatus::Ready {
            return Err(PredictionError::NotReady(model.status).into());
        }
        Ok(ReadyModel(model))
    }

    /// Classifies an image.
    pub async fn classify(
        &self,
        by: &AuthorizedCaller,
        model: ReadyModel,
        image: Image,
        asked: ClassifyOptions,
    ) -> Result<Prediction<ImageClasses>, OpError> {
        check_confidence(asked.confidence)?;
        self.run(by, model, image, move |head, backbone, picture, threads| match head {
            vision::Model::Detector(_) => Ok(None),
            vision::Model::Classifier(model) => {
                Ok(classified(&model.predict(backbone, picture, threads)?, picture, asked))
            }
        })
        .await
    }

    /// Detects the objects in an image.
    pub async fn detect(
        &self,
        by: &AuthorizedCaller,
        model: ReadyModel,
        image: Image,
        wanted: DetectOptions,
    ) -> Result<Prediction<DetectedObjects>, OpError> {
        check_confidence(wanted.confidence)?;
        let stroke = wanted.stroke.map(whole_pixels).transpose()?;
        self.run(by, model, image, move |head, backbone, picture, threads| match head {
            vision::Model::Classifier(_) => Ok(None),
            vision::Model::Detector(model) => {
                let mut result = model.detect(backbone, picture, threads)?;
                result.retain(|one| f64::from(one.confidence) >= wanted.confidence);
                Ok(Some(detected(&result, model.labels(), picture, &wanted, stroke)))
            }
        })
        .await
    }

    async fn run<T: PictureBytes + Send + 'static>(
        &self,
        by: &AuthorizedCaller,
        ReadyModel(model): ReadyModel,
        image: Image,
        look: impl FnOnce(&vision::Model, &Backbone, &Picture, &Threads) -> Result<Option<T>, BackboneError>
        + Send
        + 'static,
    ) -> Result<Prediction<T>, OpError> {
        let until = Instant::now() + PATIENCE;
        self.check_size(by, &image)?;
        let place = ObjectPath::model(model.project, model.id, model.taken);
        let read = self.objects.read(&place);
        // Before the URL is fetched, so that the error of a model without its file reveals no
        // information about the URL.
        let asked = read_head(self.engine.head(by.workspace, model.id, read)).await;
        // The body may have arrived slowly, and the queue may be long: a key that was deleted meanwhile spends no
        // quota, gets no prediction, and gets no information about the model.
        by.verify(&self.store, (self.clock)()).await?;
        let asked = asked?;
        let quota = self.quotas.spend(by, QuotaResource::Predictions).await?;
        let look = move |backbone: &_, picture: &_, threads: &_| look(&asked, backbone, picture, threads);
        let seen = reserve_response(
            &self.response_memory,
            by.claimant(),
            quota,
            self.predict(by, image, until, look).await,
        )?;
        by.verify(&self.store, (self.clock)()).await?;
        Ok(seen)
    }

    /// Checks the image size limit of the caller's key. For a URL, the fetcher applies the limit instead.
    fn check_size(&self, by: &AuthorizedCaller, image: &Image) -> Result<(), OpError> {
        let ImageSource::Bytes(bytes) = &image.source else { return Ok(()) };
        let is_larger = by.max_image_bytes().is_some_and(|most| bytes.len() > most);
        if is_larger { self.deny_size(by).map_or(Ok(()), Err) } else { Ok(()) }
    }

    /// Denies an image that is larger than the caller's key allows, and counts the denial instead of the usage. Returns
    /// `None` if the key has no limit of its own.
    pub fn deny_size(&self, by: &AuthorizedCaller) -> Option<OpError> {
        let CallerKind::Key(caller) = &by.kind else { return None };
        let most = caller.key().max_image_bytes()?;
        let detail = DenialDetail::ImageBytes(most);
        Some(self.denials.deny(caller, Permission::ModelsPredict, Denial::Image(most), detail))
    }

    /// Runs `look` on an image. The inner error means that decoding failed: decoding is work and counts as usage.
    async fn predict<T: Send + 'static>(
        &self,
        by: &AuthorizedCaller,
        image: Image,
        until: Instant,
        look: impl FnOnce(&Backbone, &Picture, &Threads) -> Result<Option<T>, BackboneError> + Send + 'static,
    ) -> Result<Result<T, OpError>, OpError> {
        let (bytes, permit, start) = match image.source {
            ImageSource::Bytes(bytes) => (bytes, image.permit, None),
            ImageSource::Url(_) if !self.public_urls && is_publishable(by) => {
                return Err(PredictionError::UrlNotAllowed.into());
            }
            ImageSource::Url(url) => {
                let FetchedImage { bytes, permit, start } =
                    self.fetcher.fetch(by.claimant(), &url, &self.memory, by.max_image_bytes()).await?;
                (bytes, permit, Some(start))
            }
        };
        let seen = async {
            let opened = self.engine.probe(bytes, permit).await?;
            self.engine.predict(by.claimant(), opened, until, look).await
        };
        let error = match seen.await {
            Ok(Some(answer)) => return Ok(Ok(answer)),
            // `Predictions::find` has checked the task in the row, so the file contradicts the row.
            Ok(None) => return Err(OpError::internal(EngineError::Model(ModelError::Content("task")))),
            Err(error) => error,
        };
        let was_decoded = matches!(error, EngineError::Decode(_));
        let denied = match (error, start) {
            // Callers that cannot open the URL themselves must not get information about its content.
            (EngineError::Picture(_) | EngineError::Decode(_), Some(start)) => {
                start.fail(FetchError::Unreachable).await.into()
            }
            (error, _) => error.into(),
        };
        if was_decoded { Ok(Err(denied)) } else { Err(denied) }
    }
}

/// Reserves the memory for the images of a response. A prediction counts once its work has started, even if
/// decoding the image fails or no memory is left for the response: otherwise a client could use the cores without
/// using its quota.
fn reserve_response<T: PictureBytes>(
    response_memory: &MemoryBudget,
    claimant: Claimant,
    quota: QuotaUnit,
    result: Result<Result<T, OpError>, OpError>,
) -> Result<Prediction<T>, OpError> {
    let (result, quota) = quota.settle(result)?;
    let result = result?;
    let permit = response_memory.take(claimant, result.picture_bytes())?;
    Ok(Prediction { result, permit, quota })
}

/// A model that was deleted meanwhile has no file anymore.
async fn read_head(
    head: impl Future<Output = Result<Arc<vision::Model>, EngineError>>,
) -> Result<Arc<vision::Model>, OpError> {
    head.await.map_err(|error| match error {
        EngineError::Object(ObjectError::NotFound) => OpError::NotFound("model"),
        other => other.into(),
    })
}

/// Rounds a stroke width to whole pixels, because clients send any number.
fn whole_pixels(width: f64) -> Result<u32, Invalid> {
    let wrong = || Invalid::field("stroke_width", format!("Use 0 to {MOST_STROKE} pixels."));
    let is_within = (0.0..=f64::from(MOST_STROKE)).contains(&width);
    let rounded = (0..=MOST_STROKE).find(|pixels| width < f64::from(*pixels) + 0.5);
    rounded.filter(|_| is_within).ok_or_else(wrong)
}

fn check_confidence(confidence: f64) -> Result<(), Invalid> {
    let within = (0.0..=1.0).contains(&confidence);
    if within { Ok(()) } else { Err(Invalid::field("confidence", "Use a number from 0 to 1.")) }
}

fn is_publishable(by: &AuthorizedCaller) -> bool {
    matches!(&by.kind, CallerKind::Key(caller) if caller.key().class == Class::Publishable)
}
