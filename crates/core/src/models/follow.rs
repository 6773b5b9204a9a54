//! Streams a model's changes.

use std::time::Duration;

use futures_util::{Stream, stream};
use keyrack_key::ModelId;
use keyrack_store::{Model, with_tenant};
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::Models;
use crate::shares::Share;
use crate::{AuthorizedCaller, OpError};

const LOOK: Duration = Duration::from_millis(500);
/// How often the stream checks that its caller may still read the model.
const DECIDE: Duration = Duration::from_secs(1);

impl Models {
    /// A stream of the model: its current state, and its new state after each change, until the training run ends or
    /// the model is deleted. Each second, `decide` returns the caller's current authority, or `None` to end the stream.
    pub async fn follow<D, F>(
        &self,
        by: AuthorizedCaller,
        id: ModelId,
        decide: D,
    ) -> Result<impl Stream<Item = Model> + Send + use<D, F>, OpError>
    where
        D: Fn() -> F + Send + 'static,
        F: Future<Output = Option<AuthorizedCaller>> + Send,
    {
        let share = self.streams.take(by.claimant(), 1)?;
        let first = self.read(&by, id).await?.into_inner();
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let following = ModelStream {
            models: self.clone(),
            by,
            decided: Instant::now(),
            decide,
            looks,
            closing: self.closing.subscribe(),
            last: None,
            next: Some(first),
            _share: share,
        };
        Ok(stream::unfold(following, async |mut following| {
            let workspace = following.by.workspace;
            let model = with_tenant(Some(workspace), following.next()).await?;
            Some((model, following))
        }))
    }
}

struct ModelStream<D> {
    models: Models,
    by: AuthorizedCaller,
    decided: Instant,
    decide: D,
    looks: tokio::time::Interval,
    closing: watch::Receiver<bool>,
    last: Option<Model>,
    next: Option<Model>,
    _share: Share,
}

impl<F: Future<Output = Option<AuthorizedCaller>>, D: Fn() -> F> ModelStream<D> {
    async fn next(&mut self) -> Option<Model> {
        if let Some(last) = self.last.take() {
            self.next = Some(self.change_of(last).await?);
        }
        let model = self.next.take()?;
        // A model whose training run has ended is the last item of the stream.
        self.last = Some(model.clone()).filter(|model| !model.status.has_ended());
        Some(model)
    }

    /// Waits until the model differs from `last`. Returns `None` if the caller may no longer read the model, the model
    /// is deleted, or the server stops.
    async fn change_of(&mut self, last: Model) -> Option<Model> {
        loop {
            tokio::select! {
                _ = self.looks.tick() => {}
                _ = self.closing.wait_for(|closing| *closing) => return None,
            }
            if self.decided.elapsed() >= DECIDE {
                self.by = (self.decide)().await?;
                self.decided = Instant::now();
            }
            let model = self.models.read(&self.by, last.id).await.ok()?.into_inner();
            if model != last {
                return Some(model);
            }
        }
    }
}
