-- Whose training was taken when, as a number that only grows: workspaces take turns, and the keys and people of each. Apart
-- from the models, so that somebody who deletes a model does not get ahead.
CREATE TABLE training_turns (
    workspace_id TEXT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    actor TEXT NOT NULL,
    turn INTEGER NOT NULL CHECK (turn > 0),
    PRIMARY KEY (workspace_id, actor)
) STRICT, WITHOUT ROWID;
CREATE INDEX training_turns_in_order ON training_turns (turn);
