//! `keyrack key edit`.

use clap::Args;
use http::Method;
use keyrack_key::{KeyId, ModelId, Origin, ProjectId, Scope};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::limits::{Limits, QuotaChoice};
use super::narrow::{Named, Narrow, Network, SizeChoice};
use super::path_of;
use super::rate::Choice;
use super::view::Key;
use crate::cli::answer::Answer;
use crate::cli::ask::Ask;
use crate::cli::door::Door;
use crate::cli::expiry::Expiry;
use crate::cli::failure::Failure;
use crate::cli::place::Place;
use crate::cli::told::Told;
use crate::clock;
use crate::config::Choices;

#[derive(Args, Debug)]
pub(in crate::cli) struct Edit {
    #[command(flatten)]
    place: Place,
    /// The key's id
    id: KeyId,
    #[command(flatten)]
    changes: Changes,
    /// Gives it more although it was seen in a browser or in a URL: whoever saw it there has that too
    #[arg(long)]
    acknowledge_public_use: bool,
}

#[derive(Args, Debug)]
#[group(required = true, multiple = true)]
struct Changes {
    /// Another name
    #[arg(long)]
    name: Option<String>,
    /// All that it opens from now on: project, inference, keys or node (again for more)
    #[arg(long)]
    scope: Vec<Scope>,
    /// When it ends by itself: a span from now such as 90d, a time, or never
    #[arg(long, value_name = "WHEN")]
    expires: Option<Expiry>,
    /// How often it may be used from now on: 100/60s, 5/1h and so on, or none; its other restrictions stay
    #[arg(long, value_name = "RATE")]
    rate: Option<Choice>,
    /// How often each visitor may use it from now on: 10/60s and so on, or none
    #[arg(long, value_name = "RATE")]
    visitor_rate: Option<Choice>,
    /// All its quotas from now on, by day or month (UTC): predictions=1000/day and so on (again for more), or none
    #[arg(long, value_name = "QUOTA")]
    quota: Vec<QuotaChoice>,
    /// The only projects that it opens from now on, by id (again for more), or any
    #[arg(long = "project", value_name = "ID")]
    projects: Vec<Named<ProjectId>>,
    /// The only models that it opens from now on, by id (again for more), or any
    #[arg(long = "model", value_name = "ID")]
    models: Vec<Named<ModelId>>,
    /// From now on, the only networks that it works from: 10.4.0.0/16, 203.0.113.7 and so on (again for more), or any
    #[arg(long = "network", value_name = "NETWORK")]
    networks: Vec<Named<Network>>,
    /// From now on, the only web origins that it works from: https://app.example.org and so on (again for more), or any
    #[arg(long = "origin", value_name = "ORIGIN")]
    origins: Vec<Named<Origin>>,
    /// The largest image that it may send to be predicted from now on: 2MB, 500kB and so on, or none
    #[arg(long, value_name = "SIZE")]
    max_image: Option<SizeChoice>,
    /// Another note; an empty one takes it away
    #[arg(long)]
    note: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Patch<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    scopes: &'a [Scope],
    /// Null: never.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    restrictions: Option<Map<String, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'a str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    acknowledge_public_use: bool,
}

/// What a change of some restrictions begins with.
#[derive(Deserialize)]
struct Before {
    restrictions: Map<String, Value>,
    revision: u64,
}

impl Edit {
    pub(super) async fn run(self, choices: Choices) -> Result<Told, Failure> {
        let answer = self.place.with(choices, async |door| self.change(door).await).await?;
        if self.place.json { answer.as_it_came() } else { Ok(Told::result(answer.read::<Key>()?.card())) }
    }

    async fn change(&self, door: &Door) -> Result<Answer, Failure> {
        let Changes { name, scope, expires, note, .. } = &self.changes;
        let (limits, narrow) = (self.changes.limits(), self.changes.narrow());
        // The API replaces all restrictions: those that stay are sent along, if they still are what they were.
        let (restrictions, revision) = if limits.are_named() || narrow.is_named() {
            let Before { mut restrictions, revision } =
                door.ask(Ask::new(Method::GET, path_of(self.id))).await?.read()?;
            limits.put(&mut restrictions)?;
            narrow.put(&mut restrictions)?;
            (Some(restrictions), Some(revision))
        } else {
            (None, None)
        };
        let patch = Patch {
            name: name.as_deref(),
            scopes: scope,
            expires_at: expires.map(|expiry| expiry.at(clock::now())),
            restrictions,
            note: note.as_deref(),
            acknowledge_public_use: self.acknowledge_public_use,
        };
        let ask = Ask::with(Method::PATCH, path_of(self.id), &patch)?;
        door.ask(Ask { revision, ..ask }).await
    }
}

impl Changes {
    fn limits(&self) -> Limits<'_> {
        Limits { rate: self.rate, visitor_rate: self.visitor_rate, quotas: &self.quota }
    }

    fn narrow(&self) -> Narrow<'_> {
        Narrow {
            projects: &self.projects,
            models: &self.models,
            networks: &self.networks,
            origins: &self.origins,
            max_image: self.max_image,
        }
    }
}
