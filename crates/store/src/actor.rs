//! The author of a change: a person, a key, or the operator.

use std::fmt;
use std::str::FromStr;

use keyrack_key::{KeyId, UserId};

/// The author of a change. The database stores `user:usr_…`, `key:key_…`, or `operator`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Actor {
    /// A person who is signed in.
    User(UserId),
    /// A key.
    Key(KeyId),
    /// The operator, on the command line of the data folder's machine.
    Operator,
}

/// The text isn't an actor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Use user:usr_…, key:key_…, or operator.")]
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

/// An actor with its current name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedActor {
    pub actor: Actor,
    /// The current name of a person. `None` for keys and operators.
    pub name: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actors_round_trip_as_text_and_other_texts_fail() {
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
