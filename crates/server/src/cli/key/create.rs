//! `keyrack key create`.

use clap::Args;
use http::Method;
use keyrack_key::{Class, ModelId, Origin, ProjectId, Scope};
use serde::Serialize;
use serde_json::{Map, Value};

use super::KEYS;
use super::limits::{Limits, QuotaChoice};
use super::narrow::{Named, Narrow, Network, SizeChoice};
use super::rate::Choice;
use super::view::Handed;
use crate::cli::ask::Ask;
use crate::cli::expiry::Expiry;
use crate::cli::failure::Failure;
use crate::cli::place::Place;
use crate::cli::told::Told;
use crate::clock;
use crate::config::Choices;

#[derive(Args, Debug)]
pub(in crate::cli) struct Create {
    #[command(flatten)]
    place: Place,
    /// What the key is called: where it will be used
    #[arg(long)]
    name: String,
    /// What it opens: project, inference, keys or node (again for more)
    #[arg(long, required = true)]
    scope: Vec<Scope>,
    /// secret, or publishable: meant to be public [default: secret]
    #[arg(long)]
    class: Option<Class>,
    /// When it ends by itself: a span such as 90d, a time, or never [default: never]
    #[arg(long, value_name = "WHEN")]
    expires: Option<Expiry>,
    /// How often it may be used: 100/60s, 5/1h and so on, or none [default: none]
    #[arg(long, value_name = "RATE")]
    rate: Option<Choice>,
    /// How often each visitor may use it, for keys on public pages: 10/60s and so on, or none [default: none]
    #[arg(long, value_name = "RATE")]
    visitor_rate: Option<Choice>,
    /// How much it may do in a day or a month (UTC): predictions=1000/day, images=500/month, trainings=2/day (again for more),
    /// or none [default: none]
    #[arg(long, value_name = "QUOTA")]
    quota: Vec<QuotaChoice>,
    /// The only projects that it opens, by id (again for more), or any [default: any]
    #[arg(long = "project", value_name = "ID")]
    projects: Vec<Named<ProjectId>>,
    /// The only models that it opens, by id (again for more), or any [default: any]
    #[arg(long = "model", value_name = "ID")]
    models: Vec<Named<ModelId>>,
    /// The only networks that it works from: 10.4.0.0/16, 203.0.113.7 and so on (again for more), or any [default: any]
    #[arg(long = "network", value_name = "NETWORK")]
    networks: Vec<Named<Network>>,
    /// The only web origins that it works from: https://app.example.org and so on (again for more), or any [default: any]
    #[arg(long = "origin", value_name = "ORIGIN")]
    origins: Vec<Named<Origin>>,
    /// The largest image that it may send to be predicted: 2MB, 500kB and so on, or none [default: none]
    #[arg(long, value_name = "SIZE")]
    max_image: Option<SizeChoice>,
    /// Anything worth knowing
    #[arg(long)]
    note: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NewKey<'a> {
    name: &'a str,
    scopes: &'a [Scope],
    #[serde(skip_serializing_if = "Option::is_none")]
    class: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    restrictions: Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'a str>,
}

impl Create {
    pub(super) async fn run(self, choices: Choices) -> Result<Told, Failure> {
        let mut restrictions = Map::new();
        let limits = Limits { rate: self.rate, visitor_rate: self.visitor_rate, quotas: &self.quota };
        limits.put(&mut restrictions)?;
        let narrow = Narrow {
            projects: &self.projects,
            models: &self.models,
            networks: &self.networks,
            origins: &self.origins,
            max_image: self.max_image,
        };
        narrow.put(&mut restrictions)?;
        let key = NewKey {
            name: &self.name,
            scopes: &self.scope,
            class: self.class.map(Class::name),
            expires_at: self.expires.and_then(|expiry| expiry.at(clock::now())),
            restrictions,
            note: self.note.as_deref(),
        };
        let ask = Ask::with(Method::POST, KEYS, &key)?;
        self.place.ask(choices, ask, |handed: Handed| handed.tell("made the key")).await
    }
}
