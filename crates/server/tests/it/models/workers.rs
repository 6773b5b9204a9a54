//! Workers as processes.

use std::fs;
use std::process::Command;

use serde_json::json;
use tempfile::TempDir;

use super::school::School;
use crate::harness::{Server, keyrack, until};

/// The processes that a server has started.
pub(super) fn workers_of(server: &Server) -> Vec<u32> {
    let is_child =
        |pid: &u32| state(*pid).is_some_and(|(parent, state)| parent == server.pid() && state != 'Z');
    let names = fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().file_name());
    names.filter_map(|name| name.to_str()?.parse().ok()).filter(is_child).collect()
}

pub(super) fn is_alive(pid: u32) -> bool {
    state(pid).is_some_and(|(_, state)| state != 'Z')
}

/// As the kernel does it when memory is short.
pub(super) fn kill(pid: u32) {
    signal(pid, "KILL");
}

fn signal(pid: u32, name: &str) {
    assert!(Command::new("kill").arg(format!("-{name}")).arg(pid.to_string()).status().unwrap().success());
}

/// Parent and state of a process (proc_pid_stat(5)).
fn state(pid: u32) -> Option<(u32, char)> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = stat.rsplit_once(") ")?;
    let mut fields = rest.split(' ');
    let state = fields.next()?.chars().next()?;
    Some((fields.next()?.parse().ok()?, state))
}

#[tokio::test]
async fn a_server_has_as_many_workers_as_it_is_told_and_starts_anew_what_died() {
    let server = Server::with(&["--workers", "2"], &[]).await;
    let both = until("two workers", async || Some(workers_of(&server)).filter(|all| all.len() == 2)).await;
    kill(both[0]);
    let again = async || Some(workers_of(&server)).filter(|all| all.len() == 2 && !all.contains(&both[0]));
    let now = until("another worker", again).await;
    assert!(now.contains(&both[1]), "the other one was left alone");
    let none = Server::with(&["--workers", "0"], &[]).await;
    assert!(workers_of(&none).is_empty());
}

#[tokio::test]
async fn a_worker_by_itself_trains_for_a_server_without_and_stops_when_told() {
    let school = School::without_workers().await;
    let project = school.classes("caps", &[("red", 5), ("blue", 5)]).await;
    let id = school.train(&project, json!({})).await;
    let data = school.desk.server.data();
    let mut worker = Command::new(env!("CARGO_BIN_EXE_keyrack"));
    // Where nobody speaks through standard input, its end means nothing.
    let mut worker = worker
        .args(["worker", "--threads", "1", "--data"])
        .arg(&data)
        .stdin(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let model = school.ended(&id).await;
    assert_eq!(model["status"], "ready", "{model}");
    assert_eq!(worker.try_wait().unwrap(), None, "it waits for the next");
    signal(worker.id(), "TERM");
    let status = until("the worker stops", async || worker.try_wait().unwrap()).await;
    assert_eq!(status.code(), Some(0));
}

#[tokio::test]
async fn a_worker_is_refused_where_there_is_no_keyrack() {
    let folder = TempDir::new().unwrap();
    let ran = keyrack(["worker", "--data"]).arg(folder.path()).run().await;
    ran.failed(1, "there is no Keyrack in");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is made there");
    keyrack(["worker", "--threads", "0"]).run().await.failed(2, "--threads");
}
