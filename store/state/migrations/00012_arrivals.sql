-- +goose Up

-- How far events were given their jobs: those with a later number that are still as they
-- came have none, and are due all the same. One row.
CREATE TABLE arrivals (
    seq INTEGER NOT NULL PRIMARY KEY
);
INSERT INTO arrivals (seq) SELECT COALESCE(MAX(seq), 0) FROM events;
