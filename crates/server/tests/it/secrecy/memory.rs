//! The memory of the server process, which contains secrets for a short time.

use std::fs;
use std::os::unix::fs::MetadataExt;

use crate::harness::Server;

#[tokio::test]
async fn server_process_writes_no_core_dump() {
    let server = Server::start().await;
    let limits = fs::read_to_string(format!("/proc/{}/limits", server.pid())).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    let words: Vec<_> = core.split_whitespace().collect();
    assert_eq!(words[4..6], ["0", "0"], "soft and hard: {core}");
    // The /proc files of a non-dumpable process belong to root. A test that runs as root cannot check this.
    let owner = |file: String| fs::metadata(file).unwrap().uid();
    if owner("/proc/self/stat".into()) != 0 {
        assert_eq!(owner(format!("/proc/{}/stat", server.pid())), 0);
    }
}
