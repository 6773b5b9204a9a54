-- What Keyrack remembers. Times are microseconds since the Unix epoch, ids are the text that people see,
-- digests are SHA-256. Whatever must never be in the tables is refused here and not only in the program:
-- a bug, an older version or a hand at the console should meet a wall.

-- One row once the deployment has its first owner. The row and not a count of users: two people who
-- set up at the same moment both insert it, and one of them loses.
CREATE TABLE deployment (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    set_up_at INTEGER NOT NULL
) STRICT;

CREATE TABLE users (
    id TEXT PRIMARY KEY,
    -- Lower case, so that one person is not two by a capital letter.
    email TEXT NOT NULL UNIQUE CHECK (email = lower(email) AND email LIKE '_%@_%'),
    name TEXT NOT NULL,
    -- A PHC string of argon2id. Never a password.
    password_hash TEXT NOT NULL CHECK (password_hash LIKE '$%'),
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE workspaces (
    id TEXT PRIMARY KEY,
    slug TEXT NOT NULL UNIQUE CHECK (length(slug) BETWEEN 1 AND 63),
    name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    created_at INTEGER NOT NULL,
    -- How many audit entries there are. Taking the next number locks the chain against other writers,
    -- and a chain that lost its end is noticed.
    audited INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE members (
    workspace_id TEXT NOT NULL REFERENCES workspaces (id),
    user_id TEXT NOT NULL REFERENCES users (id),
    role TEXT NOT NULL CHECK (role IN ('owner', 'admin', 'member', 'viewer')),
    joined_at INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, user_id)
) STRICT;
CREATE INDEX members_of_user ON members (user_id);

CREATE TABLE sessions (
    id TEXT PRIMARY KEY,
    -- Of the cookie. Whoever reads the file cannot sign in with what it holds.
    digest BLOB NOT NULL UNIQUE CHECK (length(digest) = 32),
    user_id TEXT NOT NULL REFERENCES users (id),
    created_at INTEGER NOT NULL,
    seen_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL CHECK (expires_at > created_at),
    address TEXT,
    agent TEXT
) STRICT;
CREATE INDEX sessions_of_user ON sessions (user_id);

-- The feed: each change of a key has the next revision and a random id, and a reader proves with the pair
-- that it read this history and not one that a backup or a failover put in its place.
CREATE TABLE changes (
    revision INTEGER PRIMARY KEY,
    change_id BLOB NOT NULL CHECK (length(change_id) = 16),
    -- Deferred: the change is numbered before its key row can carry the number. Revision 0, the start, is of no key.
    key_id TEXT REFERENCES keys (id) DEFERRABLE INITIALLY DEFERRED,
    at INTEGER NOT NULL,
    UNIQUE (revision, change_id),
    CHECK ((key_id IS NULL) = (revision = 0))
) STRICT;

-- The one counter. It is a row and no sequence: updating it makes writers wait for each other, so that
-- numbers appear in the order of the commits and a change that is rolled back leaves no hole.
CREATE TABLE feed_head (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    revision INTEGER NOT NULL,
    change_id BLOB NOT NULL,
    -- Counting on without writing down the change would be a hole.
    FOREIGN KEY (revision, change_id) REFERENCES changes (revision, change_id) DEFERRABLE INITIALLY DEFERRED
) STRICT;

CREATE TABLE keys (
    id TEXT PRIMARY KEY,
    workspace_id TEXT NOT NULL REFERENCES workspaces (id),
    name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    -- The name in lower case, by the program: databases disagree about letters beyond ASCII.
    folded TEXT NOT NULL,
    class TEXT NOT NULL CHECK (class IN ('secret', 'publishable')),
    -- What people picked. What counts is the next column: a scope that grows widens no key that exists.
    scopes TEXT NOT NULL,
    -- Bits; 32 of them. A key that may do nothing is nobody's wish.
    permissions INTEGER NOT NULL CHECK (permissions BETWEEN 1 AND 4294967295),
    restrictions TEXT NOT NULL,
    note TEXT,
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER CHECK (expires_at > created_at),
    deleted_at INTEGER,
    deleted_by TEXT,
    deleted_reason TEXT,
    revision INTEGER NOT NULL UNIQUE REFERENCES changes (revision),
    -- The frozen ceiling: bit 3 is models:predict, and the public never gets anything else.
    CONSTRAINT publishable_ceiling CHECK (class <> 'publishable' OR (permissions & ~8) = 0),
    CONSTRAINT deleted_by_somebody CHECK ((deleted_at IS NULL) = (deleted_by IS NULL)),
    CONSTRAINT reason_of_deletion CHECK (deleted_reason IS NULL OR deleted_at IS NOT NULL)
) STRICT;
-- The list of a workspace, newest first: ids begin with the time they were made.
CREATE INDEX keys_of_workspace ON keys (workspace_id, id);

CREATE TABLE key_secrets (
    -- Never the secret. The primary key: one digest opens one key.
    digest BLOB PRIMARY KEY CHECK (length(digest) = 32),
    -- Deferred, so that the counter can be taken after everything else was written.
    key_id TEXT NOT NULL REFERENCES keys (id) DEFERRABLE INITIALLY DEFERRED,
    hint TEXT NOT NULL CHECK (length(hint) = 4),
    created_at INTEGER NOT NULL,
    -- NULL: the current one.
    retires_at INTEGER
) STRICT;
CREATE UNIQUE INDEX one_current_secret ON key_secrets (key_id) WHERE retires_at IS NULL;
CREATE INDEX secrets_of_key ON key_secrets (key_id, created_at);
-- People find a key by the four characters that they see of its secret.
CREATE INDEX secrets_by_hint ON key_secrets (hint);

-- A table of its own: a use that is written late must not undo a change of its key.
CREATE TABLE key_uses (
    key_id TEXT PRIMARY KEY REFERENCES keys (id),
    at INTEGER NOT NULL,
    address TEXT,
    agent TEXT NOT NULL,
    permission TEXT
) STRICT;

-- Which requests were answered, for a client that repeats one. The secret is not kept, so it cannot be repeated.
CREATE TABLE idempotency (
    workspace_id TEXT NOT NULL REFERENCES workspaces (id),
    actor TEXT NOT NULL,
    token TEXT NOT NULL,
    key_id TEXT NOT NULL REFERENCES keys (id) DEFERRABLE INITIALLY DEFERRED,
    at INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, actor, token)
) STRICT;

-- What happened, each entry with the hash of the one before. Actions are not listed here: a version that knows more
-- of them should not need a new table.
CREATE TABLE audit (
    workspace_id TEXT NOT NULL REFERENCES workspaces (id),
    seq INTEGER NOT NULL,
    version INTEGER NOT NULL,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    target TEXT NOT NULL,
    detail TEXT NOT NULL,
    prev BLOB NOT NULL CHECK (length(prev) = 32),
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (workspace_id, seq)
) STRICT;

CREATE TABLE projects (
    id TEXT PRIMARY KEY,
    workspace_id TEXT NOT NULL REFERENCES workspaces (id),
    name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    folded TEXT NOT NULL,
    project_type TEXT NOT NULL CHECK (project_type IN ('classification', 'object_detection')),
    description TEXT,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    -- People tell projects apart by their names, whatever the capitals.
    UNIQUE (workspace_id, folded)
) STRICT;
CREATE INDEX projects_of_workspace ON projects (workspace_id, id);

-- The start of the history, before the triggers that would refuse it.
INSERT INTO changes (revision, change_id, key_id, at) VALUES (0, x'00000000000000000000000000000000', NULL, 0);
INSERT INTO feed_head (id, revision, change_id) VALUES (1, 0, x'00000000000000000000000000000000');

CREATE TRIGGER feed_head_counts_by_one BEFORE UPDATE ON feed_head
WHEN NEW.revision <> OLD.revision + 1
BEGIN SELECT RAISE(ABORT, 'revisions are counted one by one'); END;

CREATE TRIGGER feed_head_stays BEFORE DELETE ON feed_head
BEGIN SELECT RAISE(ABORT, 'the counter of revisions stays'); END;

CREATE TRIGGER changes_follow_the_counter BEFORE INSERT ON changes
WHEN NOT EXISTS (SELECT 1 FROM feed_head h WHERE h.revision = NEW.revision AND h.change_id = NEW.change_id)
BEGIN SELECT RAISE(ABORT, 'a change has the number that the counter stands at'); END;

CREATE TRIGGER changes_stay_as_they_are BEFORE UPDATE ON changes
BEGIN SELECT RAISE(ABORT, 'changes are never rewritten'); END;

CREATE TRIGGER changes_stay BEFORE DELETE ON changes
BEGIN SELECT RAISE(ABORT, 'changes are never removed'); END;

-- A row that changes without a revision would be invisible to every rack.
CREATE TRIGGER keys_are_born_with_a_change BEFORE INSERT ON keys
WHEN NOT EXISTS (SELECT 1 FROM changes c JOIN feed_head h ON h.revision = c.revision
                 WHERE c.revision = NEW.revision AND c.key_id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'a new key takes the next revision'); END;

CREATE TRIGGER keys_change_with_a_change BEFORE UPDATE ON keys
WHEN NEW.revision <= OLD.revision
  OR NOT EXISTS (SELECT 1 FROM changes c JOIN feed_head h ON h.revision = c.revision
                 WHERE c.revision = NEW.revision AND c.key_id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'each change of a key takes the next revision'); END;

-- The class is printed in every secret that was handed out, and the workspace is whose data it opens.
CREATE TRIGGER keys_keep_their_birth BEFORE UPDATE ON keys
WHEN NEW.id <> OLD.id OR NEW.class <> OLD.class OR NEW.workspace_id <> OLD.workspace_id
  OR NEW.created_at <> OLD.created_at OR NEW.created_by <> OLD.created_by
BEGIN SELECT RAISE(ABORT, 'id, class, workspace and origin of a key never change'); END;

-- Deleting is for good: no edit, no rotation, no way back.
CREATE TRIGGER keys_stay_deleted BEFORE UPDATE ON keys
WHEN OLD.deleted_at IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'a deleted key stays as it is'); END;

-- The row stays: history says who deleted it and when, and the rack needs its tombstone.
CREATE TRIGGER keys_stay BEFORE DELETE ON keys
BEGIN SELECT RAISE(ABORT, 'rows of keys are never removed'); END;

CREATE TRIGGER secrets_keep_their_key BEFORE UPDATE ON key_secrets
WHEN NEW.digest <> OLD.digest OR NEW.key_id <> OLD.key_id OR NEW.hint <> OLD.hint OR NEW.created_at <> OLD.created_at
BEGIN SELECT RAISE(ABORT, 'a secret keeps its digest, hint and key'); END;

-- An end that was promised only ever comes earlier.
CREATE TRIGGER secrets_end_when_promised BEFORE UPDATE ON key_secrets
WHEN OLD.retires_at IS NOT NULL AND (NEW.retires_at IS NULL OR NEW.retires_at > OLD.retires_at)
BEGIN SELECT RAISE(ABORT, 'a retiring secret never lives longer'); END;

CREATE TRIGGER secrets_of_deleted_keys BEFORE INSERT ON key_secrets
WHEN EXISTS (SELECT 1 FROM keys k WHERE k.id = NEW.key_id AND k.deleted_at IS NOT NULL)
BEGIN SELECT RAISE(ABORT, 'a deleted key gets no new secret'); END;

CREATE TRIGGER audit_follows_its_chain BEFORE INSERT ON audit
WHEN NEW.seq <> (SELECT w.audited FROM workspaces w WHERE w.id = NEW.workspace_id)
  OR NEW.prev <> coalesce((SELECT a.hash FROM audit a WHERE a.workspace_id = NEW.workspace_id AND a.seq = NEW.seq - 1),
                          x'0000000000000000000000000000000000000000000000000000000000000000')
BEGIN SELECT RAISE(ABORT, 'an audit entry continues the chain'); END;

CREATE TRIGGER audit_is_counted_one_by_one BEFORE UPDATE OF audited ON workspaces
WHEN NEW.audited <> OLD.audited + 1
BEGIN SELECT RAISE(ABORT, 'audit entries are counted one by one'); END;

CREATE TRIGGER audit_is_never_rewritten BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'audit entries are never rewritten'); END;

CREATE TRIGGER audit_is_never_removed BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'audit entries are never removed'); END;

-- A workspace that nobody owns can be neither managed nor ended.
CREATE TRIGGER the_last_owner_keeps_the_role BEFORE UPDATE ON members
WHEN OLD.role = 'owner' AND (NEW.role <> 'owner' OR NEW.workspace_id <> OLD.workspace_id)
  AND NOT EXISTS (SELECT 1 FROM members m WHERE m.workspace_id = OLD.workspace_id
                  AND m.role = 'owner' AND m.user_id <> OLD.user_id)
BEGIN SELECT RAISE(ABORT, 'a workspace has an owner'); END;

CREATE TRIGGER the_last_owner_stays BEFORE DELETE ON members
WHEN OLD.role = 'owner'
  AND NOT EXISTS (SELECT 1 FROM members m WHERE m.workspace_id = OLD.workspace_id
                  AND m.role = 'owner' AND m.user_id <> OLD.user_id)
BEGIN SELECT RAISE(ABORT, 'a workspace has an owner'); END;
