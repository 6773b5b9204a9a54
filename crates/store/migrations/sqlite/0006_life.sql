-- A pause: the key is refused, and works again as it was when it is over. Until a time, which nobody has to act upon, or
-- (NULL) until somebody resumes it.
ALTER TABLE keys ADD COLUMN paused_at INTEGER;
ALTER TABLE keys ADD COLUMN paused_by TEXT
    CONSTRAINT paused_by_somebody CHECK ((paused_at IS NULL) = (paused_by IS NULL));
ALTER TABLE keys ADD COLUMN paused_until INTEGER
    CONSTRAINT pause_ends_after_it_began CHECK (paused_until IS NULL OR (paused_at IS NOT NULL AND paused_until > paused_at));

-- What ends next in a workspace is asked for with each look at its page.
CREATE INDEX keys_by_end ON keys (workspace_id, expires_at) WHERE expires_at IS NOT NULL AND deleted_at IS NULL;

-- No secret outlives its key: not in what is told of it either. Nothing worked longer than its key before, but rows of keys
-- whose end was brought forward said so.
UPDATE key_secrets SET retires_at = (SELECT k.expires_at FROM keys k WHERE k.id = key_secrets.key_id)
WHERE retires_at > (SELECT k.expires_at FROM keys k WHERE k.id = key_secrets.key_id);

CREATE TRIGGER secrets_end_with_their_key BEFORE UPDATE OF retires_at ON key_secrets
WHEN NEW.retires_at > (SELECT k.expires_at FROM keys k WHERE k.id = NEW.key_id)
BEGIN SELECT RAISE(ABORT, 'no secret outlives its key'); END;

CREATE TRIGGER keys_end_after_their_secrets BEFORE UPDATE OF expires_at ON keys
WHEN EXISTS (SELECT 1 FROM key_secrets s WHERE s.key_id = NEW.id AND s.retires_at > NEW.expires_at)
BEGIN SELECT RAISE(ABORT, 'no secret outlives its key'); END;
