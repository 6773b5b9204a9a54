//! A small disk under a server's data folder, which a test can fill.
//!
//! The disk is a tmpfs in its own mount namespace, so nothing is left of it after the test.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A process without root rights needs a user namespace around the mount namespace.
const OF_ROOT: &[&str] = &["--mount"];
const OF_ANYONE: &[&str] = &["--user", "--map-root-user", "--mount"];

/// If this variable is 1, tests that need a namespace are skipped on systems that allow none.
const NO_NAMESPACES: &str = "KEYRACK_NO_NAMESPACES";

pub(crate) struct SmallDisk {
    /// A process that keeps the namespace alive.
    holder: Child,
    is_of_root: bool,
    /// The folder as processes in the namespace see it.
    folder: PathBuf,
}

impl SmallDisk {
    /// Mounts a disk of `megabytes`, which processes started by [`Self::run_on`] see at `folder`. `None` if the system
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
            let mut line = String::new();
            let _ = BufReader::new(holder.stdout.take().unwrap()).read_line(&mut line);
            if line == "mounted\n" {
                return Some(Self { holder, is_of_root, folder: folder.to_owned() });
            }
            let _ = holder.wait();
        }
        None
    }

    /// The command that runs `command` in the namespace.
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

    /// The folder as this process sees it.
    pub(crate) fn path(&self) -> PathBuf {
        let root = PathBuf::from(format!("/proc/{}/root", self.holder.id()));
        root.join(self.folder.strip_prefix("/").unwrap())
    }

    /// Fills the disk to the last byte, like another program would, and returns the number of bytes.
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

    /// Removes what [`Self::fill`] wrote.
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

/// Panics unless the environment accepts that the calling test is skipped.
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
fn disk_test_is_skipped_only_if_accepted() {
    skip(Some("1".into()));
    for accepted in [None, Some("0"), Some("")] {
        let accepted = accepted.map(OsString::from);
        assert!(std::panic::catch_unwind(|| skip(accepted)).is_err());
    }
}
