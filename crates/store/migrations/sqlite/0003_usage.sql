-- How checks of keys ended, by the hour. A table of its own: what is written late must not undo a change of a key.
CREATE TABLE key_usage (
    key_id TEXT NOT NULL REFERENCES keys (id),
    -- When the hour began.
    hour INTEGER NOT NULL CHECK (hour % 3600000000 = 0),
    -- What was asked for; empty where the question was only whether the key is alive.
    permission TEXT NOT NULL,
    -- 'allowed', or the code of the refusal.
    outcome TEXT NOT NULL CHECK (outcome <> ''),
    checks INTEGER NOT NULL CHECK (checks > 0),
    PRIMARY KEY (key_id, hour, permission, outcome)
) STRICT, WITHOUT ROWID;
CREATE INDEX key_usage_by_hour ON key_usage (hour);
