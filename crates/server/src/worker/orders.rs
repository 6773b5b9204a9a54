//! What a worker is told: to look for work now, or to stop. By signals, and by the server through a pipe.

use std::io::{self, Read};
use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{Notify, watch};

/// Where there is no word from a server, a worker looks for work as often as that.
const LOOK: Duration = Duration::from_secs(1);

/// What a worker is told.
#[derive(Debug)]
pub(crate) struct Orders {
    stop: watch::Receiver<bool>,
    look: Arc<Notify>,
}

impl Orders {
    /// Listens for the signals that ask a process to stop, and, if a server started this one, to standard input:
    /// each byte means that there may be work, and its end that the server is no more, however it ended.
    pub(crate) fn listen(by_server: bool) -> io::Result<Self> {
        let (stop, look) = (watch::Sender::new(false), Arc::new(Notify::new()));
        let orders = Self { stop: stop.subscribe(), look: Arc::clone(&look) };
        tokio::spawn(on_signal(
            [signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?],
            stop.clone(),
        ));
        if by_server {
            // A thread, not a task: a read that nobody ends would hold up the end of the runtime.
            std::thread::Builder::new().name("orders".into()).spawn(move || hear(&stop, &look))?;
        }
        Ok(orders)
    }

    pub(super) fn must_stop(&self) -> bool {
        *self.stop.borrow()
    }

    /// Comes back when this worker has to stop.
    pub(super) async fn stopped(&mut self) {
        // Those who could say so are gone: only a process that ends is without them.
        let _ = self.stop.wait_for(|stop| *stop).await;
    }

    /// Comes back when there may be work, or this worker has to stop.
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
    // What is told to stop twice is still stopping.
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
