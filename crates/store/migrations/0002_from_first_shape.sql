-- What brings the first shape to the second: who is held is told for all lists, numbers of runs are never given twice, and
-- commands are remembered.
DROP INDEX one_task_of_a_queue;
ALTER TABLE tasks ADD COLUMN is_held INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tasks ADD COLUMN is_of_queue INTEGER NOT NULL DEFAULT 0;
UPDATE tasks SET is_held = json_extract(body, '$.status') IN ('claimed', 'running'),
    is_of_queue = json_extract(body, '$.member') IS NULL;
ALTER TABLE tasks DROP COLUMN is_held_of_queue;
CREATE UNIQUE INDEX one_task_of_a_queue ON tasks (list) WHERE is_held AND is_of_queue;
CREATE INDEX held_tasks ON tasks (id) WHERE is_held;
CREATE TABLE run_numbers (number INTEGER PRIMARY KEY AUTOINCREMENT) STRICT;
INSERT INTO run_numbers (number) SELECT max(number) FROM runs HAVING max(number) IS NOT NULL;
CREATE TABLE commands (key TEXT PRIMARY KEY, at INTEGER NOT NULL, outcome TEXT) STRICT;
CREATE INDEX commands_by_time ON commands (at);
