//! Who did something: a person, a key, or whoever sits at the data folder.

use std::fmt;
use std::str::FromStr;

use keyrack_key::{KeyId, UserId};

/// Who did something. In the store: `user:usr_…`, `key:key_…`, `operator`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Actor {
    /// A person in a browser.
    User(UserId),
    /// A program with a key.
    Key(KeyId),
    /// The command line on the data folder.
    Operator,
}

/// A text that names no actor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected user:usr_…, key:key_… or operator")]
pub struct UnknownActor;

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(id) => write!(f, "user:{id}"),
            Self::Key(id) => write!(f, "key:{id}"),
            Self::Operator => f.write_str("operator"),
        }
    }
}

impl FromStr for Actor {
    type Err = UnknownActor;

    fn from_str(text: &str) -> Result<Self, UnknownActor> {
        match text.split_once(':') {
            Some(("user", id)) => id.parse().map(Self::User).map_err(|_| UnknownActor),
            Some(("key", id)) => id.parse().map(Self::Key).map_err(|_| UnknownActor),
            None if text == "operator" => Ok(Self::Operator),
            _ => Err(UnknownActor),
        }
    }
}

/// Who did something, as a page shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct By {
    /// Who.
    pub actor: Actor,
    /// What a person is called today; nothing for keys and operators.
    pub name: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actors_survive_their_text_and_nothing_else_is_one() {
        let hex = "0198c2f4a1b27c3d8e4f5a6b7c8d9e0f";
        for text in [format!("user:usr_{hex}"), format!("key:key_{hex}"), "operator".into()] {
            assert_eq!(text.parse::<Actor>().unwrap().to_string(), text);
        }
        for text in ["", "user:", &format!("user:key_{hex}"), &format!("usr_{hex}"), "operator:", "Operator"]
        {
            assert_eq!(text.parse::<Actor>(), Err(UnknownActor), "{text}");
        }
    }
}
