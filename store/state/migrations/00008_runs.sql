-- +goose Up

ALTER TABLE runs ADD COLUMN start_at INTEGER NOT NULL DEFAULT 0; -- not to be begun before; 0 for at once
ALTER TABLE runs ADD COLUMN metadata TEXT NOT NULL DEFAULT '';   -- what whoever started it noted on it, as JSON

-- Lists of runs, the newest first: of one owner, and of all. The second holds what
-- lists are filtered by, so that a rare state is found without reading prompts.
CREATE INDEX runs_of_owner ON runs (owner, created_at, id);
CREATE INDEX runs_by_time ON runs (created_at, id, state, agent, source);
