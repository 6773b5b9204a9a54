//! Trainings over the API, with real workers and generated images.

mod cancel;
mod crashes;
mod events;
mod fixture;
mod invalid_requests;
mod quotas;
mod training;
mod workers;
