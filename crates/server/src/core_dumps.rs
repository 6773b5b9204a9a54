//! Secrets pass through this process's memory, so no picture of it may be left on a disk.

use std::io;

use rustix::process::{Resource, Rlimit, setrlimit};

/// From now on this process leaves no core dump, however it ends.
pub fn forbid() -> io::Result<()> {
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    // A program that takes dumps through a pipe (systemd-coredump) is called in spite of the limit; to it, and to
    // debuggers of the same user, this closes the memory as well (core(5), PR_SET_DUMPABLE(2const)).
    #[cfg(target_os = "linux")]
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)?;
    Ok(())
}
