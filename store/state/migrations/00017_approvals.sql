-- +goose Up

-- What people are asked to agree to. A call without its key is known by call_digest, and
-- what an approval is bound to by digest, which has the version of the rules in it too.
CREATE TABLE approvals (
    id              TEXT NOT NULL PRIMARY KEY,
    digest          TEXT NOT NULL,
    call_digest     TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    principal       TEXT NOT NULL,
    acts_for        TEXT NOT NULL,
    door            TEXT NOT NULL,
    run             TEXT NOT NULL,
    tool            TEXT NOT NULL,
    effect          TEXT NOT NULL,
    arguments       TEXT NOT NULL,
    rule            TEXT NOT NULL,
    reason          TEXT NOT NULL,
    policy          TEXT NOT NULL,
    deciders        TEXT NOT NULL,
    needs           INTEGER NOT NULL,
    within_ms       INTEGER NOT NULL,
    state           TEXT NOT NULL,
    created_at      INTEGER NOT NULL,
    expires_at      INTEGER NOT NULL,
    ended_at        INTEGER NOT NULL DEFAULT 0,
    decisions       TEXT NOT NULL DEFAULT '[]'
);
CREATE INDEX approvals_of_call ON approvals (call_digest, idempotency_key, created_at);
CREATE INDEX approvals_by_age ON approvals (created_at, id);
CREATE INDEX approvals_by_end ON approvals (expires_at);
CREATE INDEX approvals_of_run ON approvals (run) WHERE run <> '';

-- Who has to be told of an approval, until they were.
CREATE TABLE approval_notices (
    approval   TEXT NOT NULL REFERENCES approvals (id) ON DELETE CASCADE,
    target     TEXT NOT NULL,
    due_at     INTEGER NOT NULL,
    attempts   INTEGER NOT NULL DEFAULT 0,
    last_error TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (approval, target)
);
CREATE INDEX approval_notices_due ON approval_notices (due_at);

-- What this store's servers sign with for themselves: the same on all of them.
CREATE TABLE own_secrets (
    name   TEXT NOT NULL PRIMARY KEY,
    secret TEXT NOT NULL
);
