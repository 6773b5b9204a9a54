-- What projects hold: pictures and what is in them, models and their trainings. The pictures themselves are objects
-- beside the database, and each has a row here for as long as it exists: an upload, or a removal.

CREATE TABLE batches (
    id TEXT PRIMARY KEY,
    project_id TEXT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    created_at INTEGER NOT NULL,
    -- Clients name a batch each time, and mean the same one.
    UNIQUE (project_id, name)
) STRICT;

CREATE TABLE labels (
    id TEXT PRIMARY KEY,
    project_id TEXT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    -- Byte for byte: clients look labels up by the name that they sent.
    name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    created_at INTEGER NOT NULL,
    UNIQUE (project_id, name)
) STRICT;

-- A place for one picture, promised to whoever holds the token. The row stays as the source of the record that was made
-- from it; one that nobody made a record from is removed with its object when its time is over.
CREATE TABLE uploads (
    id TEXT PRIMARY KEY,
    project_id TEXT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    actor TEXT NOT NULL,
    -- Of the token in the URL. Whoever reads the file cannot upload with what it holds.
    digest BLOB NOT NULL CHECK (length(digest) = 32),
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL CHECK (expires_at > created_at),
    -- Whether a record was made from it.
    used INTEGER NOT NULL DEFAULT 0 CHECK (used IN (0, 1))
) STRICT;
CREATE INDEX uploads_of_project ON uploads (project_id);
CREATE INDEX uploads_unused ON uploads (expires_at) WHERE used = 0;

CREATE TABLE records (
    id TEXT PRIMARY KEY,
    project_id TEXT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    batch_id TEXT REFERENCES batches (id),
    -- One record for one upload: a request that is repeated finds it.
    upload_id TEXT NOT NULL UNIQUE REFERENCES uploads (id) ON DELETE CASCADE,
    name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 255),
    -- As the picture is shown, and as its bytes say.
    width INTEGER NOT NULL CHECK (width > 0),
    height INTEGER NOT NULL CHECK (height > 0),
    content_type TEXT NOT NULL CHECK (content_type IN ('image/jpeg', 'image/png', 'image/webp')),
    size INTEGER NOT NULL CHECK (size > 0),
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL
) STRICT;
CREATE INDEX records_of_project ON records (project_id, id);
CREATE INDEX records_of_batch ON records (batch_id, id);

CREATE TABLE annotations (
    id TEXT PRIMARY KEY,
    record_id TEXT NOT NULL REFERENCES records (id) ON DELETE CASCADE,
    label_id TEXT NOT NULL REFERENCES labels (id) ON DELETE CASCADE,
    category TEXT NOT NULL CHECK (category IN ('category', 'bounding_box')),
    -- Pixels of the upright picture.
    "left" REAL,
    top REAL,
    width REAL,
    height REAL,
    metadata TEXT,
    created_at INTEGER NOT NULL,
    CONSTRAINT boxes_have_a_place CHECK (
        (category = 'category' AND "left" IS NULL AND top IS NULL AND width IS NULL AND height IS NULL)
        -- Null would pass for a comparison that holds.
        OR (category = 'bounding_box' AND "left" IS NOT NULL AND top IS NOT NULL AND width IS NOT NULL AND height IS NOT NULL
            AND "left" >= 0 AND top >= 0 AND width > 0 AND height > 0))
) STRICT;
CREATE INDEX annotations_of_record ON annotations (record_id, id);
CREATE INDEX annotations_of_label ON annotations (label_id, record_id);
-- A picture is of one class.
CREATE UNIQUE INDEX one_category ON annotations (record_id) WHERE category = 'category';
-- A client that repeats a request means the same box.
CREATE UNIQUE INDEX one_box ON annotations (record_id, label_id, "left", top, width, height) WHERE category = 'bounding_box';

CREATE TABLE models (
    id TEXT PRIMARY KEY,
    workspace_id TEXT NOT NULL REFERENCES workspaces (id),
    project_id TEXT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    folded TEXT NOT NULL,
    settings TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('queued', 'running', 'ready', 'failed', 'cancelled')),
    -- Why it failed, for people.
    reason TEXT,
    -- The last report of the training, and what is to be known about the model when it is ready: JSON.
    progress TEXT,
    card TEXT,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    started_at INTEGER,
    ended_at INTEGER,
    -- How often it was begun, but for tries that were put back.
    attempt INTEGER NOT NULL DEFAULT 0,
    -- How often it was taken. Only ever grows: a worker that was given up cannot write into a later try.
    taken INTEGER NOT NULL DEFAULT 0,
    -- Until when the worker is believed to live. It renews this as long as it does.
    lease_until INTEGER,
    cancel INTEGER NOT NULL DEFAULT 0 CHECK (cancel IN (0, 1)),
    UNIQUE (project_id, folded),
    CONSTRAINT running_is_leased CHECK ((status = 'running') = (lease_until IS NOT NULL)),
    CONSTRAINT ready_has_a_card CHECK ((status = 'ready') = (card IS NOT NULL)),
    CONSTRAINT failed_has_a_reason CHECK ((status = 'failed') = (reason IS NOT NULL)),
    CONSTRAINT ended CHECK ((status IN ('ready', 'failed', 'cancelled')) = (ended_at IS NOT NULL))
) STRICT;
CREATE INDEX models_of_project ON models (project_id, id);
CREATE INDEX models_of_workspace ON models (workspace_id, id);
-- What waits or runs is little; what has ended grows.
CREATE INDEX models_to_train ON models (status, id) WHERE status IN ('queued', 'running');

-- The loss curve.
CREATE TABLE model_curve (
    model_id TEXT NOT NULL REFERENCES models (id) ON DELETE CASCADE,
    step INTEGER NOT NULL,
    loss REAL,
    validation REAL,
    PRIMARY KEY (model_id, step)
) STRICT;

-- Objects whose rows are gone: everything below a prefix, to be removed when due. Written with the deletion, so that a
-- crash between the two leaves nothing behind.
CREATE TABLE removals (
    prefix TEXT PRIMARY KEY,
    due_at INTEGER NOT NULL,
    -- Removed once, and a last time when whatever was on its way then has arrived.
    last INTEGER NOT NULL DEFAULT 0 CHECK (last IN (0, 1))
) STRICT;
CREATE INDEX removals_due ON removals (due_at);

-- An ended training stays as it ended.
CREATE TRIGGER models_stay_ended BEFORE UPDATE ON models
WHEN OLD.ended_at IS NOT NULL AND (NEW.status <> OLD.status OR NEW.card IS NOT OLD.card OR NEW.ended_at IS NOT OLD.ended_at)
BEGIN SELECT RAISE(ABORT, 'a training that has ended stays as it ended'); END;

-- Labels, batches and pictures meet in one project.
CREATE TRIGGER records_in_their_batch BEFORE INSERT ON records
WHEN NEW.batch_id IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM batches b WHERE b.id = NEW.batch_id AND b.project_id = NEW.project_id)
BEGIN SELECT RAISE(ABORT, 'a record and its batch are of one project'); END;

CREATE TRIGGER records_of_their_upload BEFORE INSERT ON records
WHEN NOT EXISTS (SELECT 1 FROM uploads u WHERE u.id = NEW.upload_id AND u.project_id = NEW.project_id)
BEGIN SELECT RAISE(ABORT, 'a record and its upload are of one project'); END;

CREATE TRIGGER annotations_in_their_project BEFORE INSERT ON annotations
WHEN NOT EXISTS (SELECT 1 FROM labels l JOIN records r ON r.project_id = l.project_id
                 WHERE l.id = NEW.label_id AND r.id = NEW.record_id)
BEGIN SELECT RAISE(ABORT, 'a label and the picture that it is given to are of one project'); END;
