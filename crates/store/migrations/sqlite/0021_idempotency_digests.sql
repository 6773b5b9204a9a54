-- Idempotency keys are stored as SHA-256 digests. SQLite can't compute digests of the stored keys, so they are deleted: a
-- request from before the upgrade is carried out again if it is repeated after it.
DELETE FROM idempotency;
