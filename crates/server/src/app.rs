//! The state that all routes and background tasks share.

use std::ops::Deref;
use std::sync::Arc;

use http::{HeaderMap, header};
use keyrack_core::activity::Activity;
use keyrack_core::datasets::Datasets;
use keyrack_core::denials::{DeferredDenials, DenialLog};
use keyrack_core::disk::Disk;
use keyrack_core::first_calls::FirstCalls;
use keyrack_core::imports::Imports;
use keyrack_core::keys::Keys;
use keyrack_core::models::Models;
use keyrack_core::nodes::Nodes;
use keyrack_core::objects::Objects;
use keyrack_core::people::People;
use keyrack_core::pictures::Pictures;
use keyrack_core::predict::MemoryBudget;
use keyrack_core::predictions::{PredictionSettings, Predictions};
use keyrack_core::projects::Projects;
use keyrack_core::quotas::Quotas;
use keyrack_core::removals::Removals;
use keyrack_core::settings::Settings;
use keyrack_core::shares::FairQueue;
use keyrack_core::workspaces::Workspaces;
use keyrack_core::{OpError, Random};
use keyrack_guard::{Clock, Guard};
use keyrack_key::Timestamp;
use keyrack_rack::{CallerLog, Follower, Rack, Revision};
use keyrack_store::Store;

use crate::api::list_queue;
use crate::config::Config;
use crate::fetch::ImageFetcher;
use crate::folder::Folder;
use crate::http::allowance;
use crate::metrics::ServerMetrics;

#[derive(Debug)]
pub struct App {
    pub config: Config,
    pub clock: Clock,
    pub disk: Arc<Disk>,
    /// The memory budget for request bodies that are not images and exceed the size of a small body.
    pub lists: MemoryBudget,
    /// The memory budget for responses other than predictions.
    pub responses: MemoryBudget,
    /// Turns to build a list.
    pub list_turns: FairQueue,
    pub store: Store,
    pub objects: Objects,
    pub rack: Arc<Rack>,
    pub follower: Arc<Follower<Store>>,
    pub guard: Arc<Guard>,
    /// Checks keys on behalf of proxies.
    pub guard_of_proxies: Guard,
    pub callers: Arc<CallerLog>,
    pub denials: DenialLog,
    pub keys: Keys,
    pub first_calls: FirstCalls,
    pub nodes: Nodes,
    pub projects: Projects,
    pub quotas: Quotas,
    pub models: Models,
    pub datasets: Datasets,
    pub imports: Imports,
    pub removals: Removals,
    pub predictions: Predictions,
    pub people: People,
    pub workspaces: Workspaces,
    pub activity: Activity,
    pub settings: Settings,
    pub metrics: ServerMetrics,
}

/// A shared handle of the server, and the state of every route. This type belongs to this crate, so that the crate can
/// implement axum's extractor traits for types of other crates.
#[derive(Clone, Debug)]
pub struct Shared(Arc<App>);

impl Deref for Shared {
    type Target = App;

    fn deref(&self) -> &App {
        &self.0
    }
}

impl App {
    /// Opens the store in `folder` and fills the rack from the store.
    pub async fn open(config: Config, folder: &Folder, clock: Clock) -> Result<Shared, OpError> {
        let rack = Arc::new(Rack::new());
        let shared = SharedParts::open(&config, folder, &rack, clock).await?;
        let store = shared.store.clone();
        let follower = Arc::new(Follower::new(store.clone(), Arc::clone(&rack)));
        follower.catch_up_to(Revision::default(), clock()).await?;
        let nodes = Nodes::open(store.clone(), clock, shared.random).await?;
        let callers = Arc::new(CallerLog::new());
        let guard_of_proxies = guard_of_proxies(&config, Arc::clone(&rack), Arc::clone(&callers), clock);
        let datasets = shared.datasets(&config);
        Ok(Shared(Arc::new(Self {
            keys: shared.keys(&config, &follower, &nodes),
            first_calls: FirstCalls::default(),
            nodes,
            models: shared.models(),
            projects: Projects::new(store.clone(), shared.removals.clone(), clock, shared.random),
            imports: shared.imports(&config, &datasets),
            datasets,
            predictions: shared.predictions(&config, &rack),
            people: People::new(store.clone(), clock, shared.random)?,
            workspaces: Workspaces::new(store.clone()),
            activity: Activity::new(store.clone()),
            settings: Settings::new(store.clone(), clock),
            metrics: ServerMetrics::new(),
            denials: DenialLog::new(store.clone()),
            callers,
            guard: Arc::new(guard_of_proxies.clone().with_own_origins(config.home())),
            guard_of_proxies,
            lists: MemoryBudget::for_lists_of(allowance::LIST.bytes),
            responses: MemoryBudget::for_responses(),
            list_turns: list_queue(),
            config,
            clock,
            store,
            disk: shared.disk,
            objects: shared.objects,
            removals: shared.removals,
            quotas: shared.quotas,
            rack,
            follower,
        })))
    }

    pub fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// Returns the URL of this server: the public URL, or else the one that the client of these headers used.
    pub fn address(&self, headers: &HeaderMap) -> String {
        if self.config.public_url.is_some() {
            return self.config.base_url();
        }
        let scheme = if self.config.tls.is_some() { "https" } else { "http" };
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("127.0.0.1:8080");
        format!("{scheme}://{host}")
    }

    /// Returns how many days of usage the pages show: 30, or fewer if usage is kept for a shorter time.
    pub fn window(&self) -> u32 {
        self.config.usage_days.min(30)
    }
}

/// The parts of the server that several subjects of the core share.
struct SharedParts {
    store: Store,
    objects: Objects,
    disk: Arc<Disk>,
    removals: Removals,
    quotas: Quotas,
    clock: Clock,
    random: Random,
}

impl SharedParts {
    async fn open(config: &Config, folder: &Folder, rack: &Arc<Rack>, clock: Clock) -> Result<Self, OpError> {
        let random = Random::SYSTEM;
        let disk = Arc::new(Disk::with_reserve_file(folder.path(), config.disk_reserve));
        let store = Store::open_with_reserve(&folder.database(), random, Arc::<Disk>::clone(&disk)).await?;
        let objects = crate::objects::open(&Folder::objects(folder.path()), Arc::clone(&disk));
        let objects = objects.map_err(OpError::internal)?;
        let removals = Removals::new(store.clone(), objects.clone(), clock);
        let quotas = Quotas::new(store.clone(), Arc::clone(rack), clock);
        Ok(Self { store, objects, disk, removals, quotas, clock, random })
    }

    fn keys(&self, config: &Config, follower: &Arc<Follower<Store>>, nodes: &Nodes) -> Keys {
        let (brands, follower) = (config.brands.clone(), Arc::clone(follower));
        let (store, nodes) = (self.store.clone(), nodes.clone());
        Keys::new(store, follower, nodes, brands, config.max_image, self.clock, self.random)
    }

    fn datasets(&self, config: &Config) -> Datasets {
        let (store, objects) = (self.store.clone(), self.objects.clone());
        let (removals, quotas) = (self.removals.clone(), self.quotas.clone());
        let pictures = Pictures::new(config.max_image);
        Datasets::new(store, objects, pictures, removals, quotas, self.clock, self.random)
    }

    fn imports(&self, config: &Config, datasets: &Datasets) -> Imports {
        let (store, objects) = (self.store.clone(), self.objects.clone());
        let (removals, disk) = (self.removals.clone(), Arc::clone(&self.disk));
        Imports::new(store, objects, datasets.clone(), removals, disk, config.max_image, self.clock)
    }

    fn models(&self) -> Models {
        let (store, removals) = (self.store.clone(), self.removals.clone());
        Models::new(store, removals, self.quotas.clone(), Arc::clone(&self.disk), self.clock, self.random)
    }

    fn predictions(&self, config: &Config, rack: &Arc<Rack>) -> Predictions {
        let fetcher = Box::new(ImageFetcher::new(config.max_image, &config.allowed_image_hosts));
        let (store, objects, quotas) = (self.store.clone(), self.objects.clone(), self.quotas.clone());
        let deferred_denials = DeferredDenials::new(Arc::clone(rack));
        let settings = prediction_settings(config);
        Predictions::new(settings, fetcher, store, objects, quotas, deferred_denials, self.clock)
    }
}

/// Returns a guard without pages of its own: a proxy guards another application.
fn guard_of_proxies(config: &Config, rack: Arc<Rack>, callers: Arc<CallerLog>, clock: Clock) -> Guard {
    Guard::new(rack, config.brands.clone(), clock)
        .with_caller_log(callers)
        .with_manage_url(config.manage_url())
}

fn prediction_settings(config: &Config) -> PredictionSettings {
    PredictionSettings {
        backbone: config.backbone.clone(),
        image_bytes_max: config.max_image,
        request_bytes_max: allowance::picture(config.max_image).bytes,
        public_image_urls: config.public_image_urls,
    }
}
