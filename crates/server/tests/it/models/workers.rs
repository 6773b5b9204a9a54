//! Workers as processes.

use std::fs;
use std::process::Command;

use serde_json::json;
use tempfile::TempDir;

use super::fixture::TrainingFixture;
use crate::harness::{Server, keyrack, wait_until};

/// The running child processes of a server.
pub(super) fn workers_of(server: &Server) -> Vec<u32> {
    let is_child =
        |pid: &u32| state(*pid).is_some_and(|(parent, state)| parent == server.pid() && state != 'Z');
    let names = fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().file_name());
    names.filter_map(|name| name.to_str()?.parse().ok()).filter(is_child).collect()
}

pub(super) fn is_alive(pid: u32) -> bool {
    state(pid).is_some_and(|(_, state)| state != 'Z')
}

/// Kills a process, as the kernel does when memory is short.
pub(super) fn kill(pid: u32) {
    signal(pid, "KILL");
}

fn signal(pid: u32, name: &str) {
    assert!(Command::new("kill").arg(format!("-{name}")).arg(pid.to_string()).status().unwrap().success());
}

/// The parent and state of a process (proc_pid_stat(5)).
fn state(pid: u32) -> Option<(u32, char)> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = stat.rsplit_once(") ")?;
    let mut fields = rest.split(' ');
    let state = fields.next()?.chars().next()?;
    Some((fields.next()?.parse().ok()?, state))
}

#[tokio::test]
async fn server_restarts_dead_workers_up_to_configured_count() {
    let server = Server::start_with(&["--workers", "2"], &[]).await;
    let both =
        wait_until("two workers", async || Some(workers_of(&server)).filter(|all| all.len() == 2)).await;
    kill(both[0]);
    let again = async || Some(workers_of(&server)).filter(|all| all.len() == 2 && !all.contains(&both[0]));
    let now = wait_until("another worker", again).await;
    assert!(now.contains(&both[1]), "the other worker still runs");
    let none = Server::start_with(&["--workers", "0"], &[]).await;
    assert!(workers_of(&none).is_empty());
}

#[tokio::test]
async fn standalone_worker_trains_and_stops_on_sigterm() {
    let training = TrainingFixture::without_workers().await;
    let project = training.classification_project("caps", &[("red", 5), ("blue", 5)]).await;
    let id = training.train(&project, json!({})).await;
    let data = training.api.server.data();
    let mut worker = Command::new(env!("CARGO_BIN_EXE_keyrack"));
    // The worker ignores the end of its standard input, since no server uses it.
    let mut worker = worker
        .args(["worker", "--threads", "1", "--data"])
        .arg(&data)
        .stdin(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let model = training.wait_until_ended(&id).await;
    assert_eq!(model["status"], "ready", "{model}");
    assert_eq!(worker.try_wait().unwrap(), None, "the worker waits for the next training");
    signal(worker.id(), "TERM");
    let status = wait_until("the worker stops", async || worker.try_wait().unwrap()).await;
    assert_eq!(status.code(), Some(0));
}

#[tokio::test]
async fn worker_without_data_folder_fails() {
    let folder = TempDir::new().unwrap();
    let ran = keyrack(["worker", "--data"]).arg(folder.path()).run().await;
    ran.assert_failed(1, "No Keyrack data found in");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "the folder stays empty");
    keyrack(["worker", "--threads", "0"]).run().await.assert_failed(2, "--threads");
}
