-- +goose Up

ALTER TABLE jobs ADD COLUMN node BIGINT NOT NULL DEFAULT 0;
CREATE INDEX jobs_of_node ON jobs (node) WHERE leased = 1;

CREATE TABLE leaders (
    task  TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    node  BIGINT NOT NULL,
    until BIGINT NOT NULL
);
