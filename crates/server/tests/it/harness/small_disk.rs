//! A disk of a few megabytes under a server's data folder, so that a test can fill it.
//!
//! It is a tmpfs in a mount namespace of its own: nothing is left of it after the test, however that ends.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// The namespace that a process without root's rights may make needs a namespace of users around it.
const OF_ROOT: &[&str] = &["--mount"];
const OF_ANYONE: &[&str] = &["--user", "--map-root-user", "--mount"];

/// Set to 1, tests that need a namespace are skipped where the system allows none.
const NO_NAMESPACES: &str = "KEYRACK_NO_NAMESPACES";

pub(crate) struct SmallDisk {
    /// Keeps the namespace alive.
    holder: Child,
    is_of_root: bool,
    /// As processes in the namespace see it.
    folder: PathBuf,
}

impl SmallDisk {
    /// A disk of so many megabytes, seen at `folder` by the processes that [`Self::run_on`] starts. `None` where the system
    /// allows no such namespace and the environment accepts that.
    pub(super) fn mount(folder: &Path, megabytes: u32) -> Option<Self> {
        let disk = Self::try_mount(folder, megabytes);
        if disk.is_none() {
            skip(std::env::var_os(NO_NAMESPACES));
        }
        disk
    }

    fn try_mount(folder: &Path, megabytes: u32) -> Option<Self> {
        fs::create_dir_all(folder).unwrap();
        let script = format!(
            "mount -t tmpfs -o size={megabytes}m keyrack {} && echo mounted && exec sleep infinity",
            folder.display()
        );
        for (flags, is_of_root) in [(OF_ROOT, true), (OF_ANYONE, false)] {
            let mut command = Command::new("unshare");
            let command = command.args(flags).args(["sh", "-c", &script]);
            let Ok(mut holder) = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn() else {
                continue;
            };
            let mut said = String::new();
            let _ = BufReader::new(holder.stdout.take().unwrap()).read_line(&mut said);
            if said == "mounted\n" {
                return Some(Self { holder, is_of_root, folder: folder.to_owned() });
            }
            let _ = holder.wait();
        }
        None
    }

    /// The same command in the namespace.
    pub(super) fn run_on(&self, command: &Command) -> Command {
        let mut inside = Command::new("nsenter");
        inside.args(["--mount", "--target", &self.holder.id().to_string()]);
        if !self.is_of_root {
            inside.args(["--user", "--preserve-credentials"]);
        }
        inside.arg("--").arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => inside.env(name, value),
                None => inside.env_remove(name),
            };
        }
        inside
    }

    /// The disk as this process sees it.
    pub(crate) fn path(&self) -> PathBuf {
        let root = PathBuf::from(format!("/proc/{}/root", self.holder.id()));
        root.join(self.folder.strip_prefix("/").unwrap())
    }

    /// Fills the disk to its last byte, as a program beside the server would. Says how much that took.
    pub(crate) fn fill(&self) -> u64 {
        let mut filler = File::options().create(true).append(true).open(self.path().join("filler")).unwrap();
        let mut len = 0;
        for chunk in [vec![1; 1 << 16], vec![1; 1]] {
            loop {
                match filler.write(&chunk) {
                    Ok(written) => len += written as u64,
                    Err(error) if error.kind() == ErrorKind::StorageFull => break,
                    Err(error) => panic!("{error}"),
                }
            }
        }
        len
    }

    /// Takes away what [`Self::fill`] wrote.
    pub(crate) fn clear(&self) {
        fs::remove_file(self.path().join("filler")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

/// Fails the test that calls it, unless the environment accepts that it is skipped.
#[expect(clippy::print_stderr, reason = "a test that was skipped must say so")]
fn skip(accepted: Option<OsString>) {
    assert!(
        accepted.is_some_and(|value| value == "1"),
        "this system allows no mount namespace, so no disk can be filled: run the tests as root, allow user \
         namespaces, or set {NO_NAMESPACES}=1 to skip the tests that need one"
    );
    eprintln!("SKIPPED: this system allows no mount namespace, so no disk can be filled");
}

#[test]
fn a_test_of_a_full_disk_is_skipped_only_where_that_is_accepted() {
    skip(Some("1".into()));
    for accepted in [None, Some("0"), Some("")] {
        let accepted = accepted.map(OsString::from);
        assert!(std::panic::catch_unwind(|| skip(accepted)).is_err());
    }
}
