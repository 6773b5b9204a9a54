-- A new key settles what was deferred for it: SQLite looks for the rows that named it before it was there, and without
-- these it would read every change and every token of the deployment each time.
CREATE INDEX changes_of_key ON changes (key_id);
CREATE INDEX idempotency_of_key ON idempotency (key_id);
