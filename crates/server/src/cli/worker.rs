//! `keyrack worker`: trains models, beside a server or without one.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args;

use super::failure::Failure;
use crate::clock;
use crate::config::Choices;
use crate::jobs::{Orders, Worker};
use crate::telemetry;

#[derive(Args, Debug)]
pub(super) struct WorkerArgs {
    /// Data folder, with or without a server on it [env: KEYRACK_DATA] [default: ./keyrack-data]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Threads to train on [default: one less than there are cores, at least one]
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroUsize>,
    /// Another backbone than the one inside (ONNX); the server's [env: KEYRACK_BACKBONE]
    #[arg(long, value_name = "FILE")]
    backbone: Option<PathBuf>,
    /// The most that an image may hold, in megabytes [env: KEYRACK_MAX_IMAGE_MB] [default: 10]
    #[arg(long, value_name = "MB")]
    max_image_mb: Option<u32>,
    /// Free disk space below which no training begins, in megabytes; 0 turns this off [env: KEYRACK_DISK_RESERVE_MB] [default: 256, or 5 % of the disk if that is less]
    #[arg(long, value_name = "MB")]
    disk_reserve_mb: Option<u32>,
    /// What is logged: error, warn, info, debug or trace [env: KEYRACK_LOG] [default: info]
    #[arg(long, value_name = "LEVEL")]
    log: Option<String>,
    /// Log as JSON Lines [env: KEYRACK_LOG_JSON]
    #[arg(long, num_args = 0..=1, default_missing_value = "true", value_name = "BOOL")]
    log_json: Option<bool>,
    /// A server started it, and speaks to it through standard input
    #[arg(long, hide = true)]
    by_server: bool,
}

impl WorkerArgs {
    /// Works until it is told to stop.
    pub(super) fn run(self, choices: Choices) -> Result<(), Failure> {
        let (threads, by_server) = (self.threads, self.by_server);
        let config = self.over(choices).complete()?;
        telemetry::start(config.log, config.log_json);
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.map_err(|error| Failure::of(&error))?;
        let ended = runtime.block_on(async {
            let orders = Orders::listen(by_server).map_err(|error| Failure::of(&error))?;
            let worker = Worker::open(&config, threads, clock::now).await;
            let worker = worker.map_err(|error| Failure::of(&error))?;
            worker.work(orders).await.map_err(|error| Failure::of(&error))
        });
        // A training that could not be stopped would be waited for.
        runtime.shutdown_background();
        ended
    }

    fn over(self, choices: Choices) -> Choices {
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
