//! `keyrack key rotate`.

use clap::Args;
use http::Method;
use keyrack_key::KeyId;
use serde_json::json;

use super::path_of;
use super::view::Handed;
use crate::cli::ask::Ask;
use crate::cli::failure::Failure;
use crate::cli::place::Place;
use crate::cli::told::{Told, moment};
use crate::config::Choices;
use crate::times::span;

#[derive(Args, Debug)]
pub(in crate::cli) struct Rotate {
    #[command(flatten)]
    place: Place,
    /// The key's id
    id: KeyId,
    /// How long the old secret works on: 24h, 7d and so on, 0s to end it now
    #[arg(long, value_name = "SPAN", value_parser = checked)]
    overlap: String,
}

/// The server wants it in words; that they are understood is known before it is asked.
fn checked(text: &str) -> Result<String, &'static str> {
    span(text).map(|_| text.to_owned())
}

impl Rotate {
    pub(super) async fn run(self, choices: Choices) -> Result<Told, Failure> {
        let ask = Ask::with(
            Method::POST,
            format!("{}/rotate", path_of(self.id)),
            &json!({ "overlap": self.overlap }),
        )?;
        let ends_now = span(&self.overlap).is_ok_and(|overlap| overlap.is_zero());
        let tell = |handed: Handed| {
            let old = match handed.retires_at.as_deref().filter(|_| !ends_now) {
                Some(at) => format!("the old secret works until {}", moment(at)),
                None => "the old secret works no longer".to_owned(),
            };
            handed.tell("gave a new secret to").remark(old)
        };
        self.place.ask(choices, ask, tell).await
    }
}
