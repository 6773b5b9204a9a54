-- Services that follow the keys of a workspace to check them in their own memory. A row stands from before a node serves
-- until after it can accept a key for the last time: a deletion waits for each, also after the server was started anew.
CREATE TABLE nodes (
    id TEXT PRIMARY KEY,
    workspace_id TEXT NOT NULL REFERENCES workspaces (id),
    -- What people call it.
    name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    -- Who registered it: the key that it follows with, as a rule.
    registered_by TEXT NOT NULL,
    registered_at INTEGER NOT NULL,
    -- How long it goes on when it is cut off, in microseconds; 0 where it refuses at once.
    serves_for INTEGER NOT NULL CHECK (serves_for >= 0),
    -- The last batch of uses that it told of: one that is sent again is not counted again.
    told INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX nodes_of_workspace ON nodes (workspace_id, id);
