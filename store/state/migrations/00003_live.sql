-- +goose Up

ALTER TABLE runs ADD COLUMN owner TEXT NOT NULL DEFAULT ''; -- the principal that started it
-- Why it is to be cancelled. The worker that has the run, or takes it next, ends it.
ALTER TABLE runs ADD COLUMN cancel TEXT NOT NULL DEFAULT '';
ALTER TABLE runs ADD COLUMN reasoning_tokens INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN cost_micros INTEGER NOT NULL DEFAULT 0; -- millionths of a unit of currency
ALTER TABLE runs ADD COLUMN currency TEXT NOT NULL DEFAULT '';
CREATE INDEX runs_to_cancel ON runs (id) WHERE cancel <> '' AND state = 'running';

-- Which request an idempotency key was used for: the exchange of a run that begins
-- with its journal's entry seq.
CREATE TABLE run_keys (
    owner  TEXT    NOT NULL,
    key    TEXT    NOT NULL,
    digest TEXT    NOT NULL,
    run    TEXT    NOT NULL REFERENCES runs (id),
    seq    INTEGER NOT NULL,
    at     INTEGER NOT NULL,
    PRIMARY KEY (owner, key)
) WITHOUT ROWID;

-- What the runs of an agent used in one day.
CREATE TABLE agent_days (
    agent             TEXT    NOT NULL,
    day               TEXT    NOT NULL, -- YYYY-MM-DD, in UTC
    turns             INTEGER NOT NULL,
    calls             INTEGER NOT NULL,
    prompt_tokens     INTEGER NOT NULL,
    completion_tokens INTEGER NOT NULL,
    cached_tokens     INTEGER NOT NULL,
    reasoning_tokens  INTEGER NOT NULL,
    cost_micros       INTEGER NOT NULL,
    currency          TEXT    NOT NULL,
    worked_ms         INTEGER NOT NULL,
    PRIMARY KEY (agent, day)
) WITHOUT ROWID;
