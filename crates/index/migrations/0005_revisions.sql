-- Who was away asks what changed since: every commit has a number, and a session bears that of its last change and of
-- the last time its items were read anew. The epoch tells one catalogue from another made in its place. Costs some 20
-- bytes a session.
ALTER TABLE sessions ADD COLUMN revision INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN rewritten INTEGER NOT NULL DEFAULT 0;
CREATE INDEX sessions_by_revision ON sessions (revision);
CREATE INDEX sessions_by_origin ON sessions (forked_from_id) WHERE forked_from_id IS NOT NULL;
INSERT OR REPLACE INTO meta VALUES ('revision', 0), ('epoch', random() & 0xffffffffffff);
