//! File descriptors: every connection takes one, and so does every file.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// More than that no server of ours has a use for.
const ENOUGH: u64 = 1 << 16;
/// Left to the database, objects, workers, and what the server itself connects to.
const FILES: u64 = 128;

/// Raises the soft limit of open files to the hard limit, as far as that is useful: many systems start programs with 1,024,
/// for the sake of old ones that cannot have more (`select`). Leaves it as it is where the system does not allow that.
pub fn raise_descriptor_limit() {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let wanted = maximum.unwrap_or(ENOUGH).min(ENOUGH);
    if current.is_some_and(|current| current < wanted)
        && let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum })
    {
        tracing::debug!(%error, "the limit of open files stays as it is");
    }
}

/// How many file descriptors connections may have.
pub fn spare_descriptors() -> usize {
    let all = getrlimit(Resource::Nofile).current.unwrap_or(ENOUGH);
    let files = FILES.max(all / 8);
    usize::try_from(all.saturating_sub(files)).unwrap_or(usize::MAX).max(16)
}
