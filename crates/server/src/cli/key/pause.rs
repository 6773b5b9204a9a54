//! `keyrack key pause` and `keyrack key resume`.

use clap::Args;
use http::Method;
use keyrack_key::KeyId;
use serde::Deserialize;
use serde_json::json;

use super::path_of;
use super::propagation::Propagation;
use super::view::Key;
use crate::cli::ask::Ask;
use crate::cli::failure::Failure;
use crate::cli::place::Place;
use crate::cli::told::Told;
use crate::config::Choices;
use crate::times::span;

#[derive(Args, Debug)]
pub(in crate::cli) struct Pause {
    #[command(flatten)]
    place: Place,
    /// The key's id
    id: KeyId,
    /// For how long: 10m, 24h and so on, at most 30d; it works again by itself then [default: until it is resumed]
    #[arg(long, value_name = "SPAN", value_parser = checked)]
    r#for: Option<String>,
}

#[derive(Args, Debug)]
pub(in crate::cli) struct Resume {
    #[command(flatten)]
    place: Place,
    /// The key's id
    id: KeyId,
}

/// A key as it is after a change, and where that has arrived.
#[derive(Deserialize)]
pub(super) struct Changed {
    #[serde(flatten)]
    pub(super) key: Key,
    pub(super) propagation: Propagation,
}

/// The server wants it in words; that they are understood is known before it is asked.
fn checked(text: &str) -> Result<String, &'static str> {
    span(text).map(|_| text.to_owned())
}

impl Pause {
    pub(super) async fn run(self, choices: Choices) -> Result<Told, Failure> {
        let path = format!("{}/pause", path_of(self.id));
        let ask = match &self.r#for {
            Some(span) => Ask::with(Method::POST, path, &json!({ "for": span }))?,
            None => Ask::new(Method::POST, path),
        };
        let tell = |Changed { key, propagation }: Changed| {
            let paused = format!("paused {} {}", key.named(), key.paused().unwrap_or_default());
            Told::default().remark(propagation.tell(&paused, "no server accepts it meanwhile"))
        };
        self.place.ask(choices, ask, tell).await
    }
}

impl Resume {
    pub(super) async fn run(self, choices: Choices) -> Result<Told, Failure> {
        let ask = Ask::new(Method::POST, format!("{}/resume", path_of(self.id)));
        let tell = |Changed { key, propagation }: Changed| {
            let done = format!("resumed {}", key.named());
            Told::default().remark(propagation.tell(&done, "it works again as it did before"))
        };
        self.place.ask(choices, ask, tell).await
    }
}
