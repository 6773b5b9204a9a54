//! Signals to a worker: check the queue, or stop. They arrive as process signals and from the server through a pipe.

use std::io::{self, Read};
use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{Notify, watch};

/// How often a worker polls the queue without a message from a server.
const LOOK: Duration = Duration::from_secs(1);

/// Receives the signals to a worker.
#[derive(Debug)]
pub(crate) struct WorkerSignals {
    stop: watch::Receiver<bool>,
    look: Arc<Notify>,
}

impl WorkerSignals {
    /// Listens for termination signals and, if a server started this process, to standard input: each byte means that
    /// there may be work, and the end of the input means that the server has exited for any reason.
    pub(crate) fn listen(by_server: bool) -> io::Result<Self> {
        let (stop, look) = (watch::Sender::new(false), Arc::new(Notify::new()));
        let orders = Self { stop: stop.subscribe(), look: Arc::clone(&look) };
        tokio::spawn(on_signal(
            [signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?],
            stop.clone(),
        ));
        if by_server {
            // A thread instead of a task: a blocking read that never ends would delay the shutdown of the runtime.
            std::thread::Builder::new().name("orders".into()).spawn(move || hear(&stop, &look))?;
        }
        Ok(orders)
    }

    pub(super) fn must_stop(&self) -> bool {
        *self.stop.borrow()
    }

    /// Returns when this worker has to stop.
    pub(super) async fn stopped(&mut self) {
        // An error means that the senders are gone, which only happens when the process exits.
        let _ = self.stop.wait_for(|stop| *stop).await;
    }

    /// Returns when there may be work, or when this worker has to stop.
    pub(super) async fn something(&mut self) {
        let look = Arc::clone(&self.look);
        tokio::select! {
            () = look.notified() => {}
            () = tokio::time::sleep(LOOK) => {}
            () = self.stopped() => {}
        }
    }
}

async fn on_signal([mut terminate, mut interrupt]: [Signal; 2], stop: watch::Sender<bool>) {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    stop.send_replace(true);
    // Keep catching signals, so that a second signal does not interrupt the shutdown.
    stop.closed().await;
}

fn hear(stop: &watch::Sender<bool>, look: &Notify) {
    let mut bytes = [0; 64];
    loop {
        match io::stdin().lock().read(&mut bytes) {
            Ok(0) => break,
            Ok(_) => look.notify_one(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => break,
        }
    }
    stop.send_replace(true);
}
