-- Whose import was taken when, as a number that only grows: workspaces take turns, and the people of each. Apart from the
-- imports, so that somebody who deletes a project does not get ahead.
CREATE TABLE import_turns (
    workspace_id TEXT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    actor TEXT NOT NULL,
    turn INTEGER NOT NULL CHECK (turn > 0),
    PRIMARY KEY (workspace_id, actor)
) STRICT, WITHOUT ROWID;
CREATE INDEX import_turns_in_order ON import_turns (turn);
