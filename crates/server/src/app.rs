//! What all rooms of the server share.

use std::sync::Arc;

use keyrack_guard::{Clock, Guard};
use keyrack_key::Timestamp;
use keyrack_rack::{Follower, Rack, Refusal, Revision};
use keyrack_store::Store;

use crate::config::Config;
use crate::folder::Folder;
use crate::metrics::Metrics;
use crate::objects::Objects;
use crate::ops::OpError;
use crate::ops::keys::Keys;
use crate::ops::people::People;
use crate::ops::predictions::Predictions;
use crate::ops::projects::Projects;
use crate::ops::workspaces::Workspaces;

/// The server, as its rooms see it.
#[derive(Debug)]
pub struct App {
    pub config: Config,
    pub clock: Clock,
    pub store: Store,
    pub objects: Objects,
    pub rack: Arc<Rack>,
    pub follower: Arc<Follower<Store>>,
    pub guard: Arc<Guard>,
    pub keys: Keys,
    pub projects: Projects,
    pub predictions: Predictions,
    pub people: People,
    pub workspaces: Workspaces,
    pub metrics: Metrics,
}

/// How rooms hold it.
pub type Shared = Arc<App>;

impl App {
    /// Opens the store in `folder` and fills the rack from it.
    pub async fn open(config: Config, folder: &Folder, clock: Clock) -> Result<Shared, OpError> {
        let rng = rand_core::UnwrapErr(getrandom::SysRng);
        let store = Store::open(&folder.database(), rng).await?;
        let objects = Objects::in_folder(&Folder::objects(folder.path())).map_err(OpError::internal)?;
        let rack = Arc::new(Rack::new());
        let follower = Arc::new(Follower::new(store.clone(), Arc::clone(&rack)));
        follower.reach(Revision::default(), clock()).await?;
        let guard = Guard::new(Arc::clone(&rack), config.brands.clone(), clock);
        let guard = guard.at_home(&config.base_url()).manage_at(format!("{}/keys/", config.base_url()));
        let guard = Arc::new(guard);
        Ok(Arc::new(Self {
            keys: Keys::new(store.clone(), Arc::clone(&follower), config.brands.clone(), clock),
            projects: Projects::new(store.clone(), clock),
            predictions: Predictions::new(&config, store.clone(), objects.clone()),
            people: People::new(store.clone(), clock)?,
            workspaces: Workspaces::new(store.clone()),
            metrics: Metrics::new(),
            config,
            clock,
            store,
            objects,
            rack,
            follower,
            guard,
        }))
    }

    /// Now.
    pub fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// The error for a key that was asked about and refused.
    pub fn refused(&self, refusal: &Refusal) -> OpError {
        self.metrics.refused(refusal.denial);
        self.guard.problem(refusal).into()
    }
}
