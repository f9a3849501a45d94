-- What Marline alone says of sessions: a copy of overlay.json, so that lists can go by it. Nobody has thousands.
CREATE TABLE overlay (
    id TEXT NOT NULL PRIMARY KEY,
    title TEXT,
    archived INTEGER NOT NULL
) WITHOUT ROWID;
