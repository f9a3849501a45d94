-- Sessions of several agents: the source is a column of its own and the id is canonical. Rows of the first
-- catalogue are all Claude's; their ids get the prefix where it is missing, and rows without an id, which
-- can name no session, are dropped. Costs one pass over the sessions.
ALTER TABLE sessions RENAME TO sessions_before_sources;

CREATE TABLE sessions (
    number INTEGER NOT NULL UNIQUE,
    id TEXT PRIMARY KEY NOT NULL CHECK (id = source || ':' || source_session_id),
    source TEXT NOT NULL CHECK (source <> ''),
    source_session_id TEXT NOT NULL CHECK (source_session_id <> ''),
    kind TEXT NOT NULL DEFAULT 'main' CHECK (kind IN ('main', 'subagent')),
    parent_id TEXT,
    parent_call INTEGER,
    forked_from_id TEXT,
    shared_bytes INTEGER,
    given_title TEXT,
    generated_title TEXT,
    first_prompt TEXT,
    project TEXT,
    cwd TEXT,
    git_branch TEXT,
    git_commit TEXT,
    git_remote TEXT,
    model TEXT,
    provider TEXT,
    agent_version TEXT,
    started_at INTEGER,
    updated_at INTEGER,
    archived INTEGER NOT NULL DEFAULT 0,
    missing INTEGER NOT NULL DEFAULT 0,
    listed INTEGER NOT NULL DEFAULT 0,
    warm_up INTEGER NOT NULL DEFAULT 0,
    file INTEGER,
    fingerprint INTEGER,
    first_key INTEGER,
    items INTEGER NOT NULL DEFAULT 0,
    prompts INTEGER NOT NULL DEFAULT 0,
    answers INTEGER NOT NULL DEFAULT 0,
    tool_calls INTEGER NOT NULL DEFAULT 0,
    errors INTEGER NOT NULL DEFAULT 0,
    inherited_prompts INTEGER NOT NULL DEFAULT 0,
    inherited_answers INTEGER NOT NULL DEFAULT 0,
    inherited_tool_calls INTEGER NOT NULL DEFAULT 0,
    input_tokens INTEGER NOT NULL DEFAULT 0,
    cached_input_tokens INTEGER NOT NULL DEFAULT 0,
    cache_write_tokens INTEGER NOT NULL DEFAULT 0,
    cache_write_1h_tokens INTEGER NOT NULL DEFAULT 0,
    output_tokens INTEGER NOT NULL DEFAULT 0,
    reasoning_tokens INTEGER NOT NULL DEFAULT 0,
    cost_micro_usd INTEGER NOT NULL DEFAULT 0,
    skipped INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE UNIQUE INDEX sessions_by_source ON sessions (source, source_session_id);
-- The list's first page sorts by last activity; without this index the whole table is read for it.
CREATE INDEX sessions_by_update ON sessions (updated_at DESC, id) WHERE listed = 1;
CREATE INDEX sessions_by_parent ON sessions (parent_id) WHERE parent_id IS NOT NULL;
CREATE INDEX sessions_by_first_key ON sessions (first_key) WHERE first_key IS NOT NULL;
CREATE INDEX sessions_by_file ON sessions (file);

INSERT OR IGNORE INTO sessions
    (number, id, source, source_session_id, given_title, project, first_prompt, started_at, updated_at, missing, listed)
SELECT
    ROW_NUMBER() OVER (ORDER BY id),
    'claude:' || raw, 'claude', raw, title, project, first_prompt, started_at, updated_at, 1, 1
FROM (
    SELECT *, CASE WHEN id LIKE 'claude:%' THEN SUBSTR(id, 8) ELSE id END AS raw
    FROM sessions_before_sources
    WHERE id IS NOT NULL
)
WHERE TRIM(raw) <> '' AND INSTR(raw, ' ') = 0;

DROP TABLE sessions_before_sources;

-- One row a file: how far it was read, and what must be remembered to go on from there.
CREATE TABLE files (
    number INTEGER PRIMARY KEY,
    path TEXT NOT NULL UNIQUE,
    source TEXT NOT NULL,
    shape INTEGER NOT NULL,
    copy_of TEXT,
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    inode INTEGER NOT NULL,
    head INTEGER NOT NULL,
    read_to INTEGER NOT NULL,
    state TEXT NOT NULL,
    missing INTEGER NOT NULL DEFAULT 0,
    records INTEGER NOT NULL DEFAULT 0,
    skipped TEXT NOT NULL DEFAULT '{}',
    unknown TEXT NOT NULL DEFAULT '{}',
    problem TEXT
) STRICT;

-- One row an item: where its bytes lie. The text stays in the agent's file.
CREATE TABLE items (
    session INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    at INTEGER,
    file INTEGER NOT NULL,
    offset INTEGER NOT NULL,
    length INTEGER NOT NULL,
    part INTEGER NOT NULL,
    key INTEGER NOT NULL,
    flags INTEGER NOT NULL,
    tool INTEGER,
    status INTEGER,
    exit_code INTEGER,
    duration_ms INTEGER,
    out_offset INTEGER,
    out_length INTEGER,
    out_part INTEGER,
    PRIMARY KEY (session, seq)
) STRICT, WITHOUT ROWID;

-- The words of prompts and answers, a few percent of all bytes: for snippets, phrases, and for sessions whose
-- file its agent has deleted. The key is the session's number times 2^32 plus the item's seq.
CREATE TABLE messages (place INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT;

-- Tool names, models: written once, named by number.
CREATE TABLE names (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;

-- One row a model request. `owned` is 0 where another session has the same request first.
CREATE TABLE usage (
    session INTEGER NOT NULL,
    key INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    at INTEGER,
    model INTEGER,
    input INTEGER NOT NULL,
    cached INTEGER NOT NULL,
    written INTEGER NOT NULL,
    written_1h INTEGER NOT NULL,
    output INTEGER NOT NULL,
    reasoning INTEGER NOT NULL,
    owned INTEGER NOT NULL DEFAULT 1,
    PRIMARY KEY (session, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX usage_by_key ON usage (key);

-- The owned usage summed by session, day (UTC, days since 1970) and model: what reports are made from.
CREATE TABLE usage_days (
    session INTEGER NOT NULL,
    day INTEGER NOT NULL,
    model INTEGER NOT NULL,
    requests INTEGER NOT NULL,
    input INTEGER NOT NULL,
    cached INTEGER NOT NULL,
    written INTEGER NOT NULL,
    written_1h INTEGER NOT NULL,
    output INTEGER NOT NULL,
    reasoning INTEGER NOT NULL,
    PRIMARY KEY (session, day, model)
) STRICT, WITHOUT ROWID;

-- Files that tools named. `writes` counts changes, `reads` looks.
CREATE TABLE touched (
    session INTEGER NOT NULL,
    path TEXT NOT NULL,
    reads INTEGER NOT NULL,
    writes INTEGER NOT NULL,
    PRIMARY KEY (session, path)
) STRICT, WITHOUT ROWID;

-- Names that stand outside a session's own file.
CREATE TABLE titles (id TEXT PRIMARY KEY, title TEXT NOT NULL) STRICT, WITHOUT ROWID;

-- Texts that are catalogued but not yet in the search index; see `pending.rs` for the shape of `pieces`.
CREATE TABLE pending (number INTEGER PRIMARY KEY, file INTEGER NOT NULL, pieces BLOB NOT NULL) STRICT;

-- Single values: the number of the last batch, the price table that costs were made with.
CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
