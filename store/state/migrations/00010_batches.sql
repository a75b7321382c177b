-- +goose Up

-- A batch of questions to one model, and how far it has come at the provider.
CREATE TABLE batches (
    id           TEXT    NOT NULL PRIMARY KEY,
    agent        TEXT    NOT NULL,
    model        TEXT    NOT NULL,
    state        TEXT    NOT NULL, -- dispatch.BatchState
    epoch        INTEGER NOT NULL DEFAULT 0, -- the fence: one more at each claim
    questions    INTEGER NOT NULL,
    bytes        INTEGER NOT NULL,
    file         TEXT    NOT NULL DEFAULT '', -- at the provider, as remote and status
    remote       TEXT    NOT NULL DEFAULT '',
    status       TEXT    NOT NULL DEFAULT '',
    round        INTEGER NOT NULL DEFAULT 1,
    cancel       TEXT    NOT NULL DEFAULT '', -- why it is to be cancelled
    woken        INTEGER NOT NULL DEFAULT 0 CHECK (woken IN (0, 1)), -- since it was claimed
    attempts     INTEGER NOT NULL DEFAULT 0,
    polls        INTEGER NOT NULL DEFAULT 0,
    error        TEXT    NOT NULL DEFAULT '',
    created_at   INTEGER NOT NULL,
    tried_at     INTEGER NOT NULL DEFAULT 0,
    submitted_at INTEGER NOT NULL DEFAULT 0,
    ended_at     INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX batches_collecting ON batches (agent, model) WHERE state = 'collecting';
CREATE INDEX batches_by_remote ON batches (remote) WHERE remote <> '';

-- What a run asked last, in which batch, and what came of it. It goes with its run.
CREATE TABLE batch_questions (
    run    TEXT    NOT NULL PRIMARY KEY REFERENCES runs (id) ON DELETE CASCADE,
    batch  TEXT    NOT NULL REFERENCES batches (id),
    seq    INTEGER NOT NULL, -- of the journal, when it was asked
    tries  INTEGER NOT NULL, -- batches it was in
    line   BLOB, -- of the batch's file; NULL once something came of it
    result TEXT  -- NULL until then
);
CREATE INDEX batch_questions_by_batch ON batch_questions (batch, run);
