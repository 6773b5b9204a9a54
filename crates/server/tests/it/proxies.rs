//! The proxies that people have, with the examples as they stand: only their addresses are replaced.

mod asked;
mod echo;
mod front;
mod in_front;
