//! Supervises the training workers from the server: starts them, wakes them for queued work, and restarts
//! workers that exit.

use std::io;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::app::App;

/// The delay before a worker is restarted. The delay doubles, up to `AT_MOST`, each time the worker
/// exits within `SOON`.
const AT_FIRST: Duration = Duration::from_millis(500);
const AT_MOST: Duration = Duration::from_mins(1);
const SOON: Duration = Duration::from_secs(30);
/// A worker that has not stopped after this time is killed. Workers normally stop within two seconds.
const STOPPING: Duration = Duration::from_secs(5);

/// The running workers. Stop them with [`stop`](Self::stop).
#[derive(Debug)]
pub(crate) struct Supervisor {
    tasks: JoinSet<()>,
    stop: watch::Sender<bool>,
}

/// Starts the configured number of workers.
pub(crate) fn start(app: &App) -> Supervisor {
    let (stop, mut tasks) = (watch::Sender::new(false), JoinSet::new());
    for _ in 0..app.config.workers {
        let post =
            WorkerSlot { app: WorkerSettings::of(app), queued: app.models.queued(), stop: stop.subscribe() };
        tasks.spawn(post.keep());
    }
    Supervisor { tasks, stop }
}

impl Supervisor {
    /// Stops the workers and waits until their training runs are back in the queue.
    pub(crate) async fn stop(self) {
        self.stop.send_replace(true);
        self.tasks.join_all().await;
    }
}

/// The settings that a worker gets on its command line.
#[derive(Clone, Debug)]
struct WorkerSettings {
    data: PathBuf,
    backbone: Option<PathBuf>,
    max_image: usize,
    disk_reserve: u64,
    log: tracing::Level,
    log_json: bool,
}

impl WorkerSettings {
    fn of(app: &App) -> Self {
        let config = &app.config;
        Self {
            data: config.data.clone(),
            backbone: config.backbone.clone(),
            max_image: config.max_image,
            disk_reserve: app.disk.reserve(),
            log: config.log,
            log_json: config.log_json,
        }
    }

    fn command(&self) -> io::Result<Command> {
        let mut command = Command::new(program()?);
        command.arg("worker").arg("--by-server").arg("--data").arg(&self.data);
        command.arg("--max-image-mb").arg((self.max_image / 1_000_000).max(1).to_string());
        command.arg("--disk-reserve-mb").arg((self.disk_reserve / 1_000_000).to_string());
        command.arg("--log").arg(self.log.as_str().to_lowercase());
        command.arg(format!("--log-json={}", self.log_json));
        if let Some(backbone) = &self.backbone {
            command.arg("--backbone").arg(backbone);
        }
        // A separate process group: an interrupt from the keyboard goes to the server only, which then
        // stops its workers.
        command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::null());
        Ok(command)
    }
}

/// The running program, even if another version has replaced its file on the disk.
fn program() -> io::Result<PathBuf> {
    let running = PathBuf::from("/proc/self/exe");
    if running.exists() { Ok(running) } else { std::env::current_exe() }
}

/// Keeps one worker running.
struct WorkerSlot {
    app: WorkerSettings,
    queued: watch::Receiver<()>,
    stop: watch::Receiver<bool>,
}

impl WorkerSlot {
    async fn keep(mut self) {
        let mut pause = AT_FIRST;
        while !*self.stop.borrow() {
            let started = Instant::now();
            match self.app.command().and_then(|mut command| command.spawn()) {
                Ok(worker) => {
                    let Some(ended) = self.watch(worker).await else { return };
                    tracing::warn!(?ended, "a training worker exited; starting another one");
                }
                Err(error) => tracing::error!(%error, "a training worker can't be started"),
            }
            pause = if started.elapsed() < SOON { pause } else { AT_FIRST };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = stopped(&mut self.stop) => return,
            }
            pause = (pause * 2).min(AT_MOST);
        }
    }

    /// Waits until the worker exits. Returns `None` if the supervisor stopped the worker.
    async fn watch(&mut self, mut worker: Child) -> Option<io::Result<ExitStatus>> {
        let mut pipe = worker.stdin.take();
        loop {
            tokio::select! {
                ended = worker.wait() => return Some(ended),
                // The sender lives as long as the server.
                Ok(()) = self.queued.changed() => wake(&mut pipe).await,
                () = stopped(&mut self.stop) => {
                    // The end of standard input stops the worker.
                    drop(pipe);
                    end(worker).await;
                    return None;
                }
            }
        }
    }
}

async fn stopped(stop: &mut watch::Receiver<bool>) {
    // The sender outlives this task.
    let _ = stop.wait_for(|stop| *stop).await;
}

async fn wake(pipe: &mut Option<ChildStdin>) {
    let Some(pipe) = pipe else { return };
    // A worker that does not read has died or is about to exit. Workers also poll for work.
    let _ = tokio::time::timeout(Duration::from_millis(100), pipe.write_all(b"\n")).await;
}

async fn end(mut worker: Child) {
    if tokio::time::timeout(STOPPING, worker.wait()).await.is_err() {
        tracing::warn!("a training worker did not stop; killing it");
        if let Err(error) = worker.kill().await {
            tracing::warn!(%error, "a training worker could not be killed");
        }
    }
}
