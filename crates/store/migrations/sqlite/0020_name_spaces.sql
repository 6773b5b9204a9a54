-- Keys of names have one space in place of each run of white space. Two labels or batches of one project that differ in
-- nothing else stay, and the older one is found. Of two such projects or models, the second keeps the key that it has.
UPDATE labels SET name_key = name_key(name) WHERE name_key <> name_key(name);
UPDATE batches SET name_key = name_key(name) WHERE name_key <> name_key(name);
UPDATE OR IGNORE projects SET folded = folded(name) WHERE folded <> folded(name);
UPDATE OR IGNORE models SET folded = folded(name) WHERE folded <> folded(name);
UPDATE keys SET folded = folded(name) WHERE folded <> folded(name);
