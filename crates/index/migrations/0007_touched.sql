-- When a file's facts changed last (ctime): a header that is patched in its place changes neither the file's length nor,
-- if whoever does it sets that back, the time of its last change. The index that a scan compares by gets the column, too.
ALTER TABLE files ADD COLUMN ctime_ns INTEGER NOT NULL DEFAULT 0;
DROP INDEX files_at_a_glance;
CREATE INDEX files_at_a_glance
    ON files (path, number, size, mtime_ns, ctime_ns, inode, head, read_to, missing, copy_of);
