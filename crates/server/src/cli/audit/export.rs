//! `keyrack audit export`.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use http::Method;
use keyrack_store::{Actor, AuditAction};

use crate::cli::ask::Ask;
use crate::cli::failure::Failure;
use crate::cli::place::Place;
use crate::cli::told::Told;
use crate::config::Choices;
use crate::history::Format;

#[derive(Args, Debug)]
pub(in crate::cli) struct Export {
    #[command(flatten)]
    place: Place,
    /// jsonl, an object a line, or csv
    #[arg(long, default_value = "jsonl", value_parser = format)]
    format: Format,
    /// File to write; one that is there already is left alone [default: standard output]
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Only what this one did: user:usr_…, key:key_… or operator
    #[arg(long)]
    actor: Option<Actor>,
    /// Only this, such as key_rotated
    #[arg(long, value_parser = action)]
    action: Option<AuditAction>,
    /// Only what was done to the thing with this id
    #[arg(long, value_name = "ID")]
    target: Option<String>,
    /// Not before this time, such as 2027-01-31T00:00:00Z
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Before this time
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
}

impl Export {
    pub(super) async fn run(self, choices: Choices) -> Result<Told, Failure> {
        if self.place.json {
            return Err(Failure::Wrong("an export is no one JSON object: choose with --format".to_owned()));
        }
        let ask = Ask::new(Method::GET, format!("/api/v1/activity/export?{}", self.query()));
        let mut out: Box<dyn Write + Send> = match &self.output {
            Some(path) => Box::new(create(path)?),
            None => Box::new(io::stdout()),
        };
        self.place.with(choices, async |door| door.copy(ask, &mut *out).await).await?;
        out.flush().map_err(|error| Failure::while_trying("cannot write the export", &error))?;
        Ok(Told::default())
    }

    fn query(&self) -> String {
        let actor = self.actor.map(|actor| actor.to_string());
        let fields = [
            ("format", Some(self.format.name())),
            ("actor", actor.as_deref()),
            ("action", self.action.map(AuditAction::name)),
            ("target", self.target.as_deref()),
            ("from", self.from.as_deref()),
            ("until", self.until.as_deref()),
        ];
        let given = fields.into_iter().filter_map(|(name, value)| Some((name, value?)));
        form_urlencoded::Serializer::new(String::new()).extend_pairs(given).finish()
    }
}

/// For its owner alone: who did what is nobody else's business.
fn create(path: &Path) -> Result<BufWriter<File>, Failure> {
    let mut options = File::options();
    options.write(true).create_new(true);
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path);
    let file =
        file.map_err(|error| Failure::while_trying(&format!("cannot make {}", path.display()), &error))?;
    Ok(BufWriter::new(file))
}

fn format(text: &str) -> Result<Format, &'static str> {
    text.parse()
}

fn action(text: &str) -> Result<AuditAction, String> {
    text.parse().map_err(|()| {
        let known: Vec<_> = AuditAction::ALL.iter().map(|action| action.name()).collect();
        format!("expected one of {}", known.join(", "))
    })
}
