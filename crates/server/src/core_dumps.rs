//! Prevents core dumps, because the memory of this process contains secrets.

use std::io;

use rustix::process::{Resource, Rlimit, setrlimit};

/// Disables core dumps for the rest of this process's life.
pub fn forbid() -> io::Result<()> {
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    // The kernel ignores the limit for a program that receives dumps through a pipe (systemd-coredump). This call closes
    // the memory to such programs, and to debuggers of the same user (core(5), PR_SET_DUMPABLE(2const)).
    #[cfg(target_os = "linux")]
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)?;
    Ok(())
}
