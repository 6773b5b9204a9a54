//! The audit log over the API: it is listed, exported, and verified, and it contains no secret.

mod export;
mod list;
mod tampering;
