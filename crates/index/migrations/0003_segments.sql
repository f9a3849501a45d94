-- The search index is made of segments that count when they have a row here, so that one transaction covers the
-- catalogue and the index. Everything is read again for it: the flag that says so is taken away.
CREATE TABLE segments (
    number INTEGER PRIMARY KEY,
    texts INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    deleted BLOB
) STRICT;
DELETE FROM meta WHERE name = 'batch';
