-- +goose Up

-- The states are dispatch.CallbackState's to say; seq is the order in which they were owed.
CREATE TABLE copied AS SELECT rowid AS seq, * FROM callbacks;
DROP TABLE callbacks;
CREATE TABLE callbacks (
    seq         INTEGER NOT NULL PRIMARY KEY,
    id          TEXT    NOT NULL UNIQUE,
    run         TEXT    NOT NULL REFERENCES runs (id),
    route       TEXT    NOT NULL,
    url         TEXT    NOT NULL DEFAULT '', -- that a request asked for; '' for the route's of the settings
    endpoint    TEXT    NOT NULL, -- url, or else route
    body        BLOB    NOT NULL,
    state       TEXT    NOT NULL,
    attempts    INTEGER NOT NULL DEFAULT 0,
    manual      INTEGER NOT NULL DEFAULT 0, -- of the attempts: those that a person asked for
    before      TEXT    NOT NULL DEFAULT '', -- a person asked for the attempt that is due: the state to go back to if it fails
    resume_at   INTEGER NOT NULL DEFAULT 0, -- and when the schedule goes on, if that was pending
    last_status INTEGER NOT NULL DEFAULT 0,
    last_reason TEXT    NOT NULL DEFAULT '',
    created_at  INTEGER NOT NULL,
    last_at     INTEGER NOT NULL DEFAULT 0
);
INSERT INTO callbacks (seq, id, run, route, endpoint, body, state, attempts, last_status, last_reason, created_at, last_at)
    SELECT seq, id, run, route, route, body, state, attempts, last_status, last_reason, created_at, last_at FROM copied;
DROP TABLE copied;
CREATE INDEX callbacks_by_run ON callbacks (run);
CREATE INDEX callbacks_by_endpoint ON callbacks (endpoint, state, seq);

CREATE TABLE callback_attempts (
    callback   TEXT    NOT NULL REFERENCES callbacks (id) ON DELETE CASCADE,
    n          INTEGER NOT NULL, -- from 1
    at         INTEGER NOT NULL,
    manual     INTEGER NOT NULL CHECK (manual IN (0, 1)),
    state      TEXT    NOT NULL, -- that it left the callback in
    status     INTEGER NOT NULL,
    reason     TEXT    NOT NULL,
    latency_us INTEGER NOT NULL,
    remote     TEXT    NOT NULL,
    excerpt    BLOB    NOT NULL, -- of the answer
    next_at    INTEGER NOT NULL,
    PRIMARY KEY (callback, n)
);

CREATE TABLE callback_endpoints (
    endpoint      TEXT    NOT NULL PRIMARY KEY,
    failing_since INTEGER NOT NULL DEFAULT 0, -- the first failure since the last success
    failures      INTEGER NOT NULL DEFAULT 0, -- in a row
    warned        INTEGER NOT NULL DEFAULT 0 CHECK (warned IN (0, 1)),
    succeeded_at  INTEGER NOT NULL DEFAULT 0,
    disabled_at   INTEGER NOT NULL DEFAULT 0, -- 0 while it is not
    why           TEXT    NOT NULL DEFAULT ''
) WITHOUT ROWID;

-- Whom the job's callback is for: so many at a time.
ALTER TABLE jobs ADD COLUMN endpoint TEXT NOT NULL DEFAULT '';
UPDATE jobs SET endpoint = COALESCE((SELECT endpoint FROM callbacks WHERE id = ref), '') WHERE kind = 'callback';
CREATE INDEX jobs_by_endpoint ON jobs (kind, endpoint, leased, due_at) WHERE kind = 'callback';
