//! Predictions: what models answer, what they are not asked, and what stays possible meanwhile.

mod answers;
mod browsers;
pub(crate) mod crowd;
mod door;
mod forms;
mod held;
mod narrow;
pub(crate) mod paint;
mod quotas;
mod readers;
mod refusals;
mod server_of_pictures;
pub(crate) mod studio;
mod try_it;
