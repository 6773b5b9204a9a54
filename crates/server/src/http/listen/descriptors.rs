//! File descriptors: each connection takes one, and so does each file.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The server has no use for more descriptors.
const ENOUGH: u64 = 1 << 16;
/// Descriptors for the database, objects, workers, and outgoing connections.
const FILES: u64 = 128;

/// Raises the soft limit of open files to the hard limit, up to 65,536. Many systems start programs with a limit of 1,024,
/// because `select` supports no more. Keeps the limit if the system denies the change.
pub fn raise_descriptor_limit() {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let limit = maximum.unwrap_or(ENOUGH).min(ENOUGH);
    if current.is_some_and(|current| current < limit)
        && let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: Some(limit), maximum })
    {
        tracing::debug!(%error, "the limit of open files can't be raised");
    }
}

/// Returns how many file descriptors connections may take.
pub fn spare_descriptors() -> usize {
    let all = getrlimit(Resource::Nofile).current.unwrap_or(ENOUGH);
    let files = FILES.max(all / 8);
    usize::try_from(all.saturating_sub(files)).unwrap_or(usize::MAX).max(16)
}
