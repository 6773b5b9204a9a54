//! Input of people who mean harm, and of programs that are broken: a clear refusal, never an error of ours, never a
//! hang, and nothing half-written.

mod bodies;
mod connections;
mod cross_origin;
mod forms;
mod headers;
mod http2;
mod lengths;
mod metrics;
mod operation;
mod paths;
mod pictures;
mod queries;
mod room;
mod shares;
mod sign_in;
mod slow;
mod text;
mod unread;
