-- +goose Up

-- As in SQLite, and without a meaning here: rows do not become visible in the order of
-- their numbers, so each event comes with its job.
CREATE TABLE arrivals (
    seq BIGINT NOT NULL PRIMARY KEY
);
INSERT INTO arrivals (seq) SELECT COALESCE(MAX(seq), 0) FROM events;
