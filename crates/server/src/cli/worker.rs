//! `keyrack worker`: trains models, with or without a server.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args;
use keyrack_core::clock;

use super::error::CliError;
use crate::config::Choices;
use crate::telemetry;
use crate::worker::{Worker, WorkerSignals};

#[derive(Args, Debug)]
pub(super) struct WorkerArgs {
    /// Data folder, whether a server runs on it or not [env: KEYRACK_DATA] [default: ./keyrack-data]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Number of threads for training [default: the number of cores minus one, at least one]
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroUsize>,
    /// Backbone to use instead of the built-in one (ONNX); must be the server's [env: KEYRACK_BACKBONE]
    #[arg(long, value_name = "FILE")]
    backbone: Option<PathBuf>,
    /// Largest image, in megabytes [env: KEYRACK_MAX_IMAGE_MB] [default: 10]
    #[arg(long, value_name = "MB")]
    max_image_mb: Option<u32>,
    /// Free disk space in megabytes below which no training run starts; 0 turns this off [env:
    /// KEYRACK_DISK_RESERVE_MB] [default: 5% of the disk, 8 to 256]
    #[arg(long, value_name = "MB")]
    disk_reserve_mb: Option<u32>,
    /// Log level: error, warn, info, debug, or trace [env: KEYRACK_LOG] [default: info]
    #[arg(long, value_name = "LEVEL")]
    log: Option<String>,
    /// Log as JSON Lines [env: KEYRACK_LOG_JSON]
    #[arg(long, num_args = 0..=1, default_missing_value = "true", value_name = "BOOL")]
    log_json: Option<bool>,
    /// The server started this worker and controls it through standard input
    #[arg(long, hide = true)]
    by_server: bool,
}

impl WorkerArgs {
    /// Trains queued models until the worker is stopped.
    pub(super) fn run(self, choices: Choices) -> Result<(), CliError> {
        let (threads, by_server) = (self.threads, self.by_server);
        let config = self.applied_to(choices).complete()?;
        telemetry::start(config.log, config.log_json);
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.map_err(|error| CliError::from_error(&error))?;
        let result = runtime.block_on(async {
            let orders = WorkerSignals::listen(by_server).map_err(|error| CliError::from_error(&error))?;
            let worker = Worker::open(&config, threads, clock::now).await;
            let worker = worker.map_err(|error| CliError::from_error(&error))?;
            worker.work(orders).await.map_err(|error| CliError::from_error(&error))
        });
        // The default shutdown would wait for a training run that cannot be interrupted.
        runtime.shutdown_background();
        result
    }

    fn applied_to(self, choices: Choices) -> Choices {
        Choices {
            data: self.data.or(choices.data),
            backbone: self.backbone.or(choices.backbone),
            max_image_mb: self.max_image_mb.or(choices.max_image_mb),
            disk_reserve_mb: self.disk_reserve_mb.or(choices.disk_reserve_mb),
            log: self.log.or(choices.log),
            log_json: self.log_json.or(choices.log_json),
            ..choices
        }
    }
}
