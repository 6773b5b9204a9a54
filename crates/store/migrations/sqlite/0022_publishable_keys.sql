-- The text of publishable keys, which are public, so that people can copy them again. The check rejects the text of a secret
-- key. Keys that were created before have none until they are rotated.
ALTER TABLE key_secrets ADD COLUMN publishable TEXT CHECK (publishable GLOB '*[_]pk[_]*');
