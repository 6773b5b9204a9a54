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
use keyrack_core::workspaces::Workspaces;
use keyrack_core::{OpError, Random};
use keyrack_guard::{Clock, Guard};
use keyrack_key::Timestamp;
use keyrack_rack::{CallerLog, Follower, Rack, Revision};
use keyrack_store::Store;

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
        let random = Random::SYSTEM;
        let disk = Arc::new(Disk::with_reserve_file(folder.path(), config.disk_reserve));
        let store = Store::open_with_reserve(&folder.database(), random, Arc::<Disk>::clone(&disk)).await?;
        let objects = Objects::in_folder(&Folder::objects(folder.path()), Arc::clone(&disk));
        let objects = objects.map_err(OpError::internal)?;
        let rack = Arc::new(Rack::new());
        let follower = Arc::new(Follower::new(store.clone(), Arc::clone(&rack)));
        follower.catch_up_to(Revision::default(), clock()).await?;
        let nodes = Nodes::open(store.clone(), clock, random).await?;
        let callers = Arc::new(CallerLog::new());
        let guard_of_proxies = guard_of_proxies(&config, Arc::clone(&rack), Arc::clone(&callers), clock);
        let guard = Arc::new(guard_of_proxies.clone().with_own_origins(config.home()));
        let deferred_denials = DeferredDenials::new(Arc::clone(&rack));
        let quotas = Quotas::new(store.clone(), Arc::clone(&rack), clock);
        let removals = Removals::new(store.clone(), objects.clone(), clock);
        let pictures = Pictures::new(config.max_image);
        let datasets = Datasets::new(
            store.clone(),
            objects.clone(),
            pictures,
            removals.clone(),
            quotas.clone(),
            clock,
            random,
        );
        let imports = Imports::new(
            store.clone(),
            objects.clone(),
            datasets.clone(),
            removals.clone(),
            Arc::clone(&disk),
            config.max_image,
            clock,
        );
        Ok(Shared(Arc::new(Self {
            keys: Keys::new(
                store.clone(),
                Arc::clone(&follower),
                nodes.clone(),
                config.brands.clone(),
                config.max_image,
                clock,
                random,
            ),
            first_calls: FirstCalls::default(),
            nodes,
            models: Models::new(
                store.clone(),
                removals.clone(),
                quotas.clone(),
                Arc::clone(&disk),
                clock,
                random,
            ),
            projects: Projects::new(store.clone(), removals.clone(), clock, random),
            imports,
            datasets,
            removals,
            predictions: Predictions::new(
                prediction_settings(&config),
                Box::new(ImageFetcher::new(config.max_image, &config.allowed_image_hosts)),
                store.clone(),
                objects.clone(),
                quotas.clone(),
                deferred_denials,
                clock,
            ),
            people: People::new(store.clone(), clock, random)?,
            workspaces: Workspaces::new(store.clone()),
            activity: Activity::new(store.clone()),
            settings: Settings::new(store.clone(), clock),
            quotas,
            metrics: ServerMetrics::new(),
            denials: DenialLog::new(store.clone()),
            callers,
            config,
            clock,
            disk,
            lists: MemoryBudget::for_lists_of(allowance::LIST.bytes),
            responses: MemoryBudget::for_responses(),
            store,
            objects,
            rack,
            follower,
            guard,
            guard_of_proxies,
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
