-- +goose Up

CREATE TABLE approvals (
    id              TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    digest          TEXT COLLATE "C" NOT NULL,
    call_digest     TEXT COLLATE "C" NOT NULL,
    idempotency_key TEXT COLLATE "C" NOT NULL,
    principal       TEXT COLLATE "C" NOT NULL,
    acts_for        TEXT COLLATE "C" NOT NULL,
    door            TEXT COLLATE "C" NOT NULL,
    run             TEXT COLLATE "C" NOT NULL,
    tool            TEXT COLLATE "C" NOT NULL,
    effect          TEXT COLLATE "C" NOT NULL,
    arguments       TEXT COLLATE "C" NOT NULL,
    rule            TEXT COLLATE "C" NOT NULL,
    reason          TEXT COLLATE "C" NOT NULL,
    policy          TEXT COLLATE "C" NOT NULL,
    deciders        TEXT COLLATE "C" NOT NULL,
    needs           BIGINT NOT NULL,
    within_ms       BIGINT NOT NULL,
    state           TEXT COLLATE "C" NOT NULL,
    created_at      BIGINT NOT NULL,
    expires_at      BIGINT NOT NULL,
    ended_at        BIGINT NOT NULL DEFAULT 0,
    decisions       TEXT COLLATE "C" NOT NULL DEFAULT '[]'
);
CREATE INDEX approvals_of_call ON approvals (call_digest, idempotency_key, created_at);
CREATE INDEX approvals_by_age ON approvals (created_at, id);
CREATE INDEX approvals_by_end ON approvals (expires_at);
CREATE INDEX approvals_of_run ON approvals (run) WHERE run <> '';

CREATE TABLE approval_notices (
    approval   TEXT COLLATE "C" NOT NULL REFERENCES approvals (id) ON DELETE CASCADE,
    target     TEXT COLLATE "C" NOT NULL,
    due_at     BIGINT NOT NULL,
    attempts   BIGINT NOT NULL DEFAULT 0,
    last_error TEXT COLLATE "C" NOT NULL DEFAULT '',
    PRIMARY KEY (approval, target)
);
CREATE INDEX approval_notices_due ON approval_notices (due_at);

CREATE TABLE own_secrets (
    name   TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    secret TEXT COLLATE "C" NOT NULL
);
