-- Archives of images on their way into a project. The row is there before the archive's first byte arrives, so that a
-- server that stops in between goes on with it, or says how it ended. The archive is an object of the project.

CREATE TABLE imports (
    id TEXT PRIMARY KEY,
    project_id TEXT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    -- What the archive is called.
    name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 255),
    -- The batch of its images, by name.
    batch TEXT NOT NULL CHECK (length(batch) BETWEEN 1 AND 100),
    -- Who sent it. Before each image it is looked up whether they may still add some.
    actor TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('arriving', 'queued', 'running', 'ended', 'failed')),
    created_at INTEGER NOT NULL,
    ended_at INTEGER,
    -- Why it failed, for people.
    reason TEXT,
    -- How often a server has begun with the entry that comes next.
    attempt INTEGER NOT NULL DEFAULT 0 CHECK (attempt >= 0),
    -- Entries of the archive that are done with, and the bytes that came out of them.
    next_entry INTEGER NOT NULL DEFAULT 0 CHECK (next_entry >= 0),
    unpacked INTEGER NOT NULL DEFAULT 0 CHECK (unpacked >= 0),
    -- The upload of the entry that comes next, once begun: whether it became a record decides how to go on with it.
    upload_id TEXT,
    done INTEGER NOT NULL DEFAULT 0 CHECK (done >= 0),
    added INTEGER NOT NULL DEFAULT 0 CHECK (added BETWEEN 0 AND done),
    skipped INTEGER NOT NULL DEFAULT 0 CHECK (skipped >= 0),
    CONSTRAINT ended_imports_have_an_end CHECK ((status IN ('ended', 'failed')) = (ended_at IS NOT NULL)),
    CONSTRAINT failed_imports_have_a_reason CHECK ((status = 'failed') = (reason IS NOT NULL))
) STRICT;
CREATE INDEX imports_of_project ON imports (project_id, created_at);
CREATE INDEX imports_under_way ON imports (status) WHERE status IN ('arriving', 'queued', 'running');
CREATE INDEX imports_ended ON imports (ended_at) WHERE ended_at IS NOT NULL;

-- What an import left out, the first of it by name.
CREATE TABLE import_skips (
    import_id TEXT NOT NULL REFERENCES imports (id) ON DELETE CASCADE,
    number INTEGER NOT NULL CHECK (number >= 0),
    name TEXT NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (import_id, number)
) STRICT, WITHOUT ROWID;

-- An import that has ended stays as it ended.
CREATE TRIGGER imports_stay_ended BEFORE UPDATE ON imports
WHEN OLD.ended_at IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'an import that has ended stays as it ended'); END;
