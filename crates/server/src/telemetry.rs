//! Logs without secrets: other crates log frames and headers at debug and trace, so their logs are limited to info
//! at any `--log`.

use std::io;

use tracing::Level;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Starts logging to standard error.
pub fn start(level: Level, json: bool) {
    let ours = Targets::new()
        .with_default(LevelFilter::from_level(level.min(Level::INFO)))
        // Its warnings are about clients, which could fill the log with them.
        .with_target("h2", LevelFilter::ERROR)
        .with_target("keyrack", level)
        .with_target("keyrack_core", level)
        .with_target("keyrack_store", level);
    let format = tracing_subscriber::fmt::layer().with_writer(io::stderr);
    let layer = if json { format.json().boxed() } else { format.with_ansi(is_terminal()).boxed() };
    // Fails only if logging has already started.
    let _ = tracing_subscriber::registry().with(layer.with_filter(ours)).try_init();
}

fn is_terminal() -> bool {
    io::IsTerminal::is_terminal(&io::stderr())
}
