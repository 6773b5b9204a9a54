//! HTTP: listeners and connections, the router, the middleware of every request (its id, the client's address, the origin,
//! limits of size and time), and the conversion of errors to responses.

pub mod address;
pub mod allowance;
pub mod api_path;
pub mod ask_path;
pub mod compression;
pub mod control;
pub mod cors;
pub mod denials;
pub mod encoding;
pub mod entrance;
pub mod error;
pub mod etag;
pub mod exchange;
pub mod front;
pub mod host;
pub mod listen;
pub mod log;
pub mod object_body;
pub mod operations;
pub mod origin;
pub mod path;
pub mod problem;
pub mod problems;
pub mod progress;
pub mod request_id;
pub mod response_budget;
pub mod router;
pub mod session;
pub mod spelling;
pub mod unread;
