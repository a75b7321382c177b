-- +goose Up

-- Which process leases a job: a number that it has drawn, 0 for those of before.
ALTER TABLE jobs ADD COLUMN node INTEGER NOT NULL DEFAULT 0;
CREATE INDEX jobs_of_node ON jobs (node) WHERE leased = 1;

-- What one process does for all that use the store, and until when it is the one.
CREATE TABLE leaders (
    task  TEXT NOT NULL PRIMARY KEY,
    node  INTEGER NOT NULL,
    until INTEGER NOT NULL
);
