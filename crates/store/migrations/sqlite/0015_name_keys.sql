-- Names are compared by a key, which the program computes: NFC, without characters that leave no trace. Two labels or
-- batches of one project that differ in nothing else stay, and the older one is found.
ALTER TABLE labels ADD COLUMN name_key TEXT NOT NULL DEFAULT '';
UPDATE labels SET name_key = name_key(name);
CREATE INDEX labels_by_key ON labels (project_id, name_key);
ALTER TABLE batches ADD COLUMN name_key TEXT NOT NULL DEFAULT '';
UPDATE batches SET name_key = name_key(name);
CREATE INDEX batches_by_key ON batches (project_id, name_key);

-- Of two projects or models that are one by this, the second keeps the key that it has.
UPDATE OR IGNORE projects SET folded = folded(name) WHERE folded <> folded(name);
UPDATE OR IGNORE models SET folded = folded(name) WHERE folded <> folded(name);

-- How many upload URLs of a key are open.
CREATE INDEX uploads_open ON uploads (actor, expires_at) WHERE used = 0;
