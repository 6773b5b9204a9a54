-- What was taken of a key's quotas, by the day or the month. Servers take it in blocks: a block counts as spent when it is
-- taken, whatever becomes of the server.
CREATE TABLE quota_uses (
    key_id TEXT NOT NULL REFERENCES keys (id),
    counted TEXT NOT NULL CHECK (counted IN ('predictions', 'images', 'trainings')),
    period TEXT NOT NULL CHECK (period IN ('day', 'month')),
    -- The first moment of the day or the month, UTC.
    begins INTEGER NOT NULL CHECK (begins % 86400000000 = 0),
    taken INTEGER NOT NULL CHECK (taken >= 0),
    PRIMARY KEY (key_id, counted, period, begins)
) STRICT, WITHOUT ROWID;
-- What is over is swept by it.
CREATE INDEX quota_uses_by_begin ON quota_uses (begins);
