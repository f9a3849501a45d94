-- Every command looks at all files and counts sessions; their rows are long, and reading them took most of its time.
-- Both indexes hold all that is asked for. They cost some 300 bytes a session.
CREATE INDEX files_at_a_glance ON files (path, number, size, mtime_ns, inode, head, read_to, missing, copy_of);
CREATE INDEX sessions_at_a_glance ON sessions (
    listed, archived, kind, updated_at, id, number, started_at, cost_micro_usd, file, source, project, git_branch,
    model, prompts, answers, tool_calls, errors, inherited_prompts, inherited_answers, cwd
);
DROP INDEX sessions_by_update;
