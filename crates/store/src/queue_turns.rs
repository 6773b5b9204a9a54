//! The order in which actors take turns in the queues of imports and of training runs. The database keeps it, so that
//! it survives restarts.

/// Builds a statement that moves the actor `$2` of the workspace `$1` to the end of a queue. Turns are numbered, so
/// that clocks don't matter.
macro_rules! move_to_end_of {
    ($table:literal) => {
        concat!(
            "INSERT INTO ",
            $table,
            " (workspace_id, actor, turn) VALUES ($1, $2, (SELECT coalesce(max(turn), 0) + 1 FROM ",
            $table,
            ")) ON CONFLICT (workspace_id, actor) DO UPDATE SET turn = excluded.turn"
        )
    };
}
pub(crate) use move_to_end_of;
