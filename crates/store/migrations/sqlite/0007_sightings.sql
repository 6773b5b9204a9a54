-- Where a secret was seen by others than those it was given to: on a page in a browser, or in a URL. Who calls
-- (`key_callers`) is forgotten after a while, and of the many their origin is not kept; but that a secret was seen stays
-- true as long as it lives. A few places of each secret.
CREATE TABLE key_sightings (
    key_id TEXT NOT NULL REFERENCES keys (id),
    -- The last four characters of the secret: one that takes its place has not been seen.
    hint TEXT NOT NULL CHECK (length(hint) = 4),
    exposure TEXT NOT NULL CHECK (exposure IN ('browser', 'url')),
    -- Of the page that called; empty where it named none.
    origin TEXT NOT NULL CHECK (length(origin) <= 80),
    first_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL CHECK (last_at >= first_at),
    PRIMARY KEY (key_id, hint, exposure, origin)
) STRICT, WITHOUT ROWID;
CREATE INDEX sightings_by_last ON key_sightings (last_at);
