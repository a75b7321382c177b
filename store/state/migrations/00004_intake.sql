-- +goose Up

-- Tables that others refer to are made anew: SQLite cannot change a constraint.
-- What refers to them is checked at the commit, when their rows are back.
PRAGMA defer_foreign_keys = ON;

-- The bytes of a delivery that was several events. Each of them keeps its own part
-- in events; this is what was signed.
CREATE TABLE deliveries (
    id          TEXT    NOT NULL PRIMARY KEY,
    source      TEXT    NOT NULL,
    body        BLOB    NOT NULL,
    received_at INTEGER NOT NULL
);

CREATE TABLE copied AS SELECT rowid AS seq, * FROM events;
DROP TABLE events;
CREATE TABLE events (
    seq          INTEGER NOT NULL PRIMARY KEY, -- the order of arrival
    id           TEXT    NOT NULL UNIQUE,
    source       TEXT    NOT NULL,
    event_key    TEXT    NOT NULL,
    dedupe_key   TEXT,
    weak         INTEGER NOT NULL CHECK (weak IN (0, 1)),
    content_type TEXT    NOT NULL,
    headers      TEXT    NOT NULL,
    body         BLOB    NOT NULL,
    received_at  INTEGER NOT NULL, -- unix milliseconds, as all times
    provider_at  INTEGER NOT NULL DEFAULT 0, -- when it happened, as the sender says; 0 if it does not
    verified_by  TEXT    NOT NULL,
    status       TEXT    NOT NULL, -- dispatch.EventStatus
    note         TEXT    NOT NULL DEFAULT '',
    replay       INTEGER NOT NULL DEFAULT 0,
    duplicates   INTEGER NOT NULL DEFAULT 0,
    last_seen_at INTEGER NOT NULL,
    delivery     TEXT REFERENCES deliveries (id), -- that it was a part of, if it was
    UNIQUE (source, dedupe_key)
);
INSERT INTO events (seq, id, source, event_key, dedupe_key, weak, content_type, headers, body, received_at, verified_by, status, note, replay, duplicates, last_seen_at)
    SELECT seq, id, source, event_key, dedupe_key, weak, content_type, headers, body, received_at, verified_by, status, note, replay, duplicates, last_seen_at FROM copied;
DROP TABLE copied;

CREATE TABLE copied AS SELECT * FROM jobs;
DROP TABLE jobs;
CREATE TABLE jobs (
    kind     TEXT    NOT NULL, -- dispatch.Kind
    ref      TEXT    NOT NULL,
    priority INTEGER NOT NULL DEFAULT 1, -- 0 goes first
    due_at   INTEGER NOT NULL,
    leased   INTEGER NOT NULL DEFAULT 0 CHECK (leased IN (0, 1)),
    PRIMARY KEY (kind, ref)
) WITHOUT ROWID;
INSERT INTO jobs (kind, ref, due_at, leased) SELECT kind, ref, due_at, leased FROM copied;
DROP TABLE copied;
CREATE INDEX jobs_by_due ON jobs (kind, priority, due_at);

CREATE TABLE copied AS SELECT * FROM runs;
DROP TABLE runs;
CREATE TABLE runs (
    id                TEXT    NOT NULL PRIMARY KEY,
    agent             TEXT    NOT NULL,
    owner             TEXT    NOT NULL DEFAULT '', -- the principal that started it
    source            TEXT    NOT NULL,
    event             TEXT REFERENCES events (id),
    via               TEXT    NOT NULL DEFAULT '', -- the route of its source that made it
    replay            INTEGER NOT NULL DEFAULT 0,
    prompt            TEXT    NOT NULL,
    tainted           INTEGER NOT NULL CHECK (tainted IN (0, 1)),
    route             TEXT    NOT NULL, -- whose callback it owes
    callback_url      TEXT    NOT NULL DEFAULT '', -- that whoever started it wants called
    state             TEXT    NOT NULL CHECK (state IN ('queued', 'running', 'waiting', 'succeeded', 'failed', 'cancelled', 'dead')),
    reason            TEXT    NOT NULL DEFAULT '',
    answer            TEXT    NOT NULL DEFAULT '',
    cancel            TEXT    NOT NULL DEFAULT '', -- why it is to be cancelled: the worker that has it, or takes it next, ends it
    epoch             INTEGER NOT NULL DEFAULT 0, -- the fence: one more at each claim
    attempts          INTEGER NOT NULL DEFAULT 0,
    priority          INTEGER NOT NULL DEFAULT 1, -- 0 goes first
    worked_ms         INTEGER NOT NULL DEFAULT 0, -- time that workers spent on it, up to touched_at
    touched_at        INTEGER NOT NULL DEFAULT 0, -- last sign of the worker that has it
    turns             INTEGER NOT NULL DEFAULT 0,
    calls             INTEGER NOT NULL DEFAULT 0,
    prompt_tokens     INTEGER NOT NULL DEFAULT 0,
    completion_tokens INTEGER NOT NULL DEFAULT 0,
    cached_tokens     INTEGER NOT NULL DEFAULT 0,
    reasoning_tokens  INTEGER NOT NULL DEFAULT 0,
    cost_micros       INTEGER NOT NULL DEFAULT 0, -- millionths of a unit of currency
    currency          TEXT    NOT NULL DEFAULT '',
    created_at        INTEGER NOT NULL,
    started_at        INTEGER NOT NULL DEFAULT 0,
    finished_at       INTEGER NOT NULL DEFAULT 0,
    UNIQUE (event, via, replay)
);
INSERT INTO runs (id, agent, owner, source, event, via, replay, prompt, tainted, route, state, reason, answer, cancel, epoch, attempts, worked_ms,
        touched_at, turns, calls, prompt_tokens, completion_tokens, cached_tokens, reasoning_tokens, cost_micros, currency, created_at, started_at, finished_at)
    SELECT id, agent, owner, source, event, agent, replay, prompt, tainted, route, state, reason, answer, cancel, epoch, attempts, worked_ms,
        touched_at, turns, calls, prompt_tokens, completion_tokens, cached_tokens, reasoning_tokens, cost_micros, currency, created_at, started_at, finished_at FROM copied;
DROP TABLE copied;
CREATE INDEX runs_to_cancel ON runs (id) WHERE cancel <> '' AND state = 'running';
