//! Trainings, in processes of their own: a training may eat a core and much memory for minutes, and may die of it,
//! and the server must not notice. The queue, the progress and the result are rows of the store.

mod board;
mod card;
mod course;
mod lesson;
mod orders;
mod queue;
mod training;
mod worker;

pub(crate) mod supervisor;

pub(crate) use orders::Orders;
pub(crate) use worker::Worker;
