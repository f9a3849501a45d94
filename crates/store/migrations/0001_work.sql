-- Groups, queues, their runs, tasks, questions and events, and commands that are done once: the second shape of the database.
CREATE TABLE groups (
    id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, revision INTEGER NOT NULL, body TEXT NOT NULL
) STRICT;
CREATE TABLE queues (
    id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, revision INTEGER NOT NULL, body TEXT NOT NULL
) STRICT;
CREATE TABLE runs (
    id TEXT PRIMARY KEY, number INTEGER NOT NULL UNIQUE, list TEXT NOT NULL, is_open INTEGER NOT NULL,
    revision INTEGER NOT NULL, body TEXT NOT NULL
) STRICT;
CREATE TABLE run_numbers (number INTEGER PRIMARY KEY AUTOINCREMENT) STRICT;
CREATE UNIQUE INDEX one_run_of_a_list ON runs (list) WHERE is_open;
CREATE INDEX runs_of_a_list ON runs (list, number);
CREATE TABLE tasks (
    id TEXT PRIMARY KEY, list TEXT NOT NULL, number INTEGER NOT NULL, position INTEGER NOT NULL,
    is_held INTEGER NOT NULL, is_of_queue INTEGER NOT NULL, revision INTEGER NOT NULL, body TEXT NOT NULL,
    UNIQUE (list, number)
) STRICT;
CREATE INDEX tasks_in_order ON tasks (list, position, number);
CREATE UNIQUE INDEX one_task_of_a_queue ON tasks (list) WHERE is_held AND is_of_queue;
CREATE INDEX held_tasks ON tasks (id) WHERE is_held;
CREATE TABLE events (
    number INTEGER PRIMARY KEY AUTOINCREMENT, run TEXT NOT NULL, body TEXT NOT NULL
) STRICT;
CREATE INDEX events_of_a_run ON events (run, number);
CREATE TABLE questions (
    number INTEGER PRIMARY KEY AUTOINCREMENT, task TEXT NOT NULL, attempt INTEGER NOT NULL, question TEXT NOT NULL,
    run TEXT NOT NULL, is_open INTEGER NOT NULL, revision INTEGER NOT NULL, body TEXT NOT NULL,
    UNIQUE (task, attempt, question)
) STRICT;
CREATE INDEX open_questions ON questions (is_open, number);
CREATE TABLE commands (key TEXT PRIMARY KEY, at INTEGER NOT NULL, outcome TEXT) STRICT;
CREATE INDEX commands_by_time ON commands (at);
