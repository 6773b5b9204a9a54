//! The real program as a process of its own, on two threads: this build, or the build that `KEYRACK_PROGRAM` names.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A running server. Drop kills the process.
pub(crate) struct Program {
    pub(crate) process: Child,
    pub(crate) address: SocketAddr,
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Program {
    /// Starts the program on a data folder and waits until it listens.
    pub(crate) fn start(data: &Path, options: &[&str]) -> Self {
        let program = std::env::var_os("KEYRACK_PROGRAM");
        let program = Command::new(program.unwrap_or_else(|| env!("CARGO_BIN_EXE_keyrack").into()))
            .args(["--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0", "--data"])
            .arg(data)
            .args(options)
            .env("TOKIO_WORKER_THREADS", "2")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let mut process = program.unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines().map(Result::unwrap);
        let listens = |line: String| line.strip_prefix("Listening on http://").map(str::to_owned);
        let address = lines.find_map(listens).unwrap().parse().unwrap();
        // Later output must not fill the pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Self { process, address }
    }
}
