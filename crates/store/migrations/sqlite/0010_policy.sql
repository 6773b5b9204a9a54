-- What a workspace demands of its keys, in days; NULL where it demands nothing. Keys that exist stay as they are.
ALTER TABLE workspaces ADD COLUMN longest_life INTEGER CHECK (longest_life BETWEEN 1 AND 3650);
ALTER TABLE workspaces ADD COLUMN rotation_age INTEGER CHECK (rotation_age BETWEEN 1 AND 3650);

-- The history of one key, and of what one person did, among a million entries of others.
CREATE INDEX audit_of_target ON audit (workspace_id, target, seq);
CREATE INDEX audit_of_actor ON audit (workspace_id, actor, seq);
