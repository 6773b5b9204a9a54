//! Hostile and broken input: the server rejects it with a clear problem. It never returns a server error, never hangs, and
//! never stores partial data.

mod bodies;
mod connections;
mod cross_origin;
mod forms;
mod headers;
mod http2;
mod image_forms;
mod lengths;
mod memory_shares;
mod metrics;
mod operations;
mod paths;
mod queries;
mod selected_keys;
mod shares;
mod sign_in;
mod slow_clients;
mod texts;
mod unreadable_requests;
