//! What every request passes before a room of the server sees it: whose address it has, whether it comes from our own pages, how long it may take.

pub mod address;
pub mod allowance;
pub mod api_path;
pub mod ask_path;
pub mod compression;
pub mod cors;
pub mod encoding;
pub mod entrance;
pub mod error;
pub mod etag;
pub mod exchange;
pub mod host;
pub mod log;
pub mod object_body;
pub mod origin;
pub mod path;
pub mod problem;
pub mod problems;
pub mod progress;
pub mod refusals;
pub mod request_id;
pub mod session;
pub mod spelling;
pub mod unread;
