-- What allowed somebody to ask for an upload URL. Whoever fills it with a picture is judged by that: the very secret of the
-- key, which may be revoked while the key lives on, or the session. Open URLs from before have neither and are closed.
ALTER TABLE uploads ADD COLUMN secret BLOB CHECK (secret IS NULL OR length(secret) = 32);
ALTER TABLE uploads ADD COLUMN key_revision INTEGER;
ALTER TABLE uploads ADD COLUMN session_id TEXT;
