-- Live sessions, reviews, rules, drafts. A live session is its agent's own: `id` is `<source>:<the agent's own id>`, and the
-- window that it runs in is an attribute. `is_open`: it was open when it was last looked at, so that what a restart closed can
-- be opened again.
CREATE TABLE live_sessions (
    id TEXT PRIMARY KEY, source TEXT NOT NULL, source_session_id TEXT NOT NULL, window_id TEXT, window_name TEXT,
    is_open INTEGER NOT NULL, body TEXT NOT NULL
) STRICT;
CREATE INDEX live_sessions_open ON live_sessions (is_open, id);
-- `parent`: the session whose work is reviewed; `child`: the reviewer's own session, once it has one.
CREATE TABLE reviews (
    id TEXT PRIMARY KEY, parent TEXT NOT NULL, child TEXT, is_open INTEGER NOT NULL, revision INTEGER NOT NULL, body TEXT NOT NULL
) STRICT;
CREATE INDEX reviews_of_a_session ON reviews (parent, id);
CREATE INDEX reviews_by_child ON reviews (child) WHERE child IS NOT NULL;
CREATE TABLE rules (id TEXT PRIMARY KEY, until INTEGER, revision INTEGER NOT NULL, body TEXT NOT NULL) STRICT;
-- Who allowed or refused what, and by which rule: only ever added to.
CREATE TABLE audit (number INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, body TEXT NOT NULL) STRICT;
CREATE INDEX audit_by_time ON audit (at);
-- What a person has half written to a session, on whatever device.
CREATE TABLE drafts (session TEXT PRIMARY KEY, at INTEGER NOT NULL, revision INTEGER NOT NULL, body TEXT NOT NULL) STRICT;
