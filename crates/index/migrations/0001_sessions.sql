-- The first catalogue knew one agent only: ids stand bare or with a prefix, and no source is written.
-- Databases of this shape are still brought along, so the way up starts here.
CREATE TABLE IF NOT EXISTS sessions (
    id TEXT PRIMARY KEY,
    title TEXT,
    project TEXT,
    first_prompt TEXT,
    started_at INTEGER,
    updated_at INTEGER
);
