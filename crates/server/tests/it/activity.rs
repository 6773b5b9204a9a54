//! What happened, over the API: found, taken along, verified; and what is not told.

mod export;
mod list;
mod tampered;
