//! The memory of the process, in which secrets are for a moment.

use std::fs;
use std::os::unix::fs::MetadataExt;

use crate::harness::Server;

#[tokio::test]
async fn no_core_dump_is_ever_left_behind() {
    let server = Server::start().await;
    let limits = fs::read_to_string(format!("/proc/{}/limits", server.pid())).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    let words: Vec<_> = core.split_whitespace().collect();
    assert_eq!(words[4..6], ["0", "0"], "soft and hard: {core}");
    // Of a process whose memory is closed, the files below /proc belong to root; to root itself that cannot be seen.
    let owner = |file: String| fs::metadata(file).unwrap().uid();
    if owner("/proc/self/stat".into()) != 0 {
        assert_eq!(owner(format!("/proc/{}/stat", server.pid())), 0);
    }
}
