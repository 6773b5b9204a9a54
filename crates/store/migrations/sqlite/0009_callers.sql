-- Use by the day, so that a list of keys reads thirty rows a key and not every hour. Written with the hours.
CREATE TABLE key_days (
    key_id TEXT NOT NULL REFERENCES keys (id),
    -- When the day began, UTC.
    day INTEGER NOT NULL CHECK (day % 86400000000 = 0),
    allowed INTEGER NOT NULL CHECK (allowed >= 0),
    refused INTEGER NOT NULL CHECK (refused >= 0),
    -- Bits: what requests that were let through had asked for.
    permissions INTEGER NOT NULL CHECK (permissions BETWEEN 0 AND 4294967295),
    PRIMARY KEY (key_id, day),
    CONSTRAINT a_day_of_use CHECK (allowed + refused > 0)
) STRICT, WITHOUT ROWID;
CREATE INDEX key_days_by_day ON key_days (day);

-- Of the hours there are, each permission's bit once a day: sums of different powers of two are bits.
INSERT INTO key_days (key_id, day, allowed, refused, permissions)
SELECT key_id, day, sum(allowed), sum(refused), sum(DISTINCT CASE WHEN allowed > 0 THEN bit ELSE 0 END)
FROM (SELECT key_id, hour - hour % 86400000000 AS day, permission,
             sum(CASE WHEN outcome = 'allowed' THEN checks ELSE 0 END) AS allowed,
             sum(CASE WHEN outcome = 'allowed' THEN 0 ELSE checks END) AS refused,
             CASE permission WHEN 'projects:manage' THEN 1 WHEN 'datasets:upload' THEN 2 WHEN 'models:train' THEN 4
                             WHEN 'models:predict' THEN 8 WHEN 'keys:manage' THEN 16 WHEN 'keys:follow' THEN 32 ELSE 0 END AS bit
      FROM key_usage GROUP BY key_id, day, permission)
GROUP BY key_id, day;

-- Who calls with a key. The store keeps so many for each key and no more: the first by their exact address, more by
-- their network alone, and all others together.
CREATE TABLE key_callers (
    id INTEGER PRIMARY KEY,
    key_id TEXT NOT NULL REFERENCES keys (id),
    -- The last four characters of the secret that they call with.
    hint TEXT NOT NULL CHECK (length(hint) = 4),
    kind TEXT NOT NULL CHECK (kind IN ('address', 'network', 'rest')),
    -- An address or a network; empty where none was known.
    network TEXT NOT NULL,
    -- Of the page that calls; empty where none does.
    origin TEXT NOT NULL CHECK (length(origin) <= 80),
    agent TEXT NOT NULL CHECK (length(agent) <= 96),
    first_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL CHECK (last_at >= first_at),
    -- What was asked for last; empty where the question was only whether the key is alive.
    permission TEXT NOT NULL,
    -- The code of the last refusal; empty where there was none.
    refused TEXT NOT NULL,
    UNIQUE (key_id, hint, kind, network, origin, agent),
    CONSTRAINT the_rest_is_nobody CHECK (kind <> 'rest' OR (network = '' AND origin = '' AND agent = '')),
    CONSTRAINT a_network_has_no_agent CHECK (kind <> 'network' OR agent = '')
) STRICT;
CREATE INDEX callers_of_key ON key_callers (key_id, last_at, id);
CREATE INDEX callers_by_last ON key_callers (last_at);

-- How often, by the day.
CREATE TABLE caller_days (
    caller INTEGER NOT NULL REFERENCES key_callers (id),
    day INTEGER NOT NULL CHECK (day % 86400000000 = 0),
    permission TEXT NOT NULL,
    allowed INTEGER NOT NULL CHECK (allowed >= 0),
    refused INTEGER NOT NULL CHECK (refused >= 0),
    PRIMARY KEY (caller, day, permission),
    CONSTRAINT a_day_of_calls CHECK (allowed + refused > 0)
) STRICT, WITHOUT ROWID;
CREATE INDEX caller_days_by_day ON caller_days (day);

-- Requests that were refused, so that whoever has one's id can learn why. No query, no body, no secret.
CREATE TABLE key_refusals (
    request TEXT PRIMARY KEY CHECK (length(request) BETWEEN 1 AND 64),
    key_id TEXT NOT NULL REFERENCES keys (id),
    at INTEGER NOT NULL,
    -- The code of the check that failed.
    refused TEXT NOT NULL CHECK (refused <> ''),
    permission TEXT,
    address TEXT,
    origin TEXT CHECK (length(origin) <= 80),
    agent TEXT NOT NULL CHECK (length(agent) <= 96),
    method TEXT NOT NULL,
    -- As the route is registered, never as it was sent.
    route TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX refusals_of_key ON key_refusals (key_id, at);
CREATE INDEX refusals_by_time ON key_refusals (at);
