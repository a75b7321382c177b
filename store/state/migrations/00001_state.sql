-- +goose Up

-- A verified delivery, exactly as it came. dedupe_key is NULL on a row whose key
-- may be used again (a weak key whose window has passed).
CREATE TABLE events (
    id           TEXT    NOT NULL PRIMARY KEY,
    source       TEXT    NOT NULL,
    event_key    TEXT    NOT NULL,
    dedupe_key   TEXT,
    weak         INTEGER NOT NULL CHECK (weak IN (0, 1)),
    content_type TEXT    NOT NULL,
    headers      TEXT    NOT NULL,
    body         BLOB    NOT NULL,
    received_at  INTEGER NOT NULL, -- unix milliseconds, as all times below
    verified_by  TEXT    NOT NULL,
    status       TEXT    NOT NULL CHECK (status IN ('accepted', 'routed', 'ignored', 'unparsed', 'failed')),
    note         TEXT    NOT NULL DEFAULT '',
    replay       INTEGER NOT NULL DEFAULT 0,
    duplicates   INTEGER NOT NULL DEFAULT 0,
    last_seen_at INTEGER NOT NULL,
    UNIQUE (source, dedupe_key)
);

-- Refused deliveries: a ring per source.
CREATE TABLE rejections (
    id           INTEGER PRIMARY KEY,
    source       TEXT    NOT NULL,
    at           INTEGER NOT NULL,
    remote       TEXT    NOT NULL,
    status       INTEGER NOT NULL,
    reason       TEXT    NOT NULL,
    header_names TEXT    NOT NULL,
    excerpt      BLOB    NOT NULL
);
CREATE INDEX rejections_by_source ON rejections (source, id);

-- A wake-up for an event, a run or a callback. A claimed job is leased: due
-- again when the lease runs out, and at once after a restart.
CREATE TABLE jobs (
    kind   TEXT    NOT NULL CHECK (kind IN ('event', 'run', 'callback')),
    ref    TEXT    NOT NULL,
    due_at INTEGER NOT NULL,
    leased INTEGER NOT NULL DEFAULT 0 CHECK (leased IN (0, 1)),
    PRIMARY KEY (kind, ref)
) WITHOUT ROWID;
CREATE INDEX jobs_by_due ON jobs (kind, due_at);

CREATE TABLE runs (
    id                TEXT    NOT NULL PRIMARY KEY,
    agent             TEXT    NOT NULL,
    source            TEXT    NOT NULL,
    event             TEXT REFERENCES events (id),
    replay            INTEGER NOT NULL DEFAULT 0,
    prompt            TEXT    NOT NULL,
    tainted           INTEGER NOT NULL CHECK (tainted IN (0, 1)),
    route             TEXT    NOT NULL,
    state             TEXT    NOT NULL CHECK (state IN ('queued', 'running', 'waiting', 'succeeded', 'failed', 'cancelled', 'dead')),
    reason            TEXT    NOT NULL DEFAULT '',
    answer            TEXT    NOT NULL DEFAULT '',
    epoch             INTEGER NOT NULL DEFAULT 0, -- the fence: one more at each claim
    attempts          INTEGER NOT NULL DEFAULT 0,
    worked_ms         INTEGER NOT NULL DEFAULT 0, -- time that workers spent on it, up to touched_at
    touched_at        INTEGER NOT NULL DEFAULT 0, -- last sign of the worker that has it
    turns             INTEGER NOT NULL DEFAULT 0,
    calls             INTEGER NOT NULL DEFAULT 0,
    prompt_tokens     INTEGER NOT NULL DEFAULT 0,
    completion_tokens INTEGER NOT NULL DEFAULT 0,
    cached_tokens     INTEGER NOT NULL DEFAULT 0,
    created_at        INTEGER NOT NULL,
    started_at        INTEGER NOT NULL DEFAULT 0,
    finished_at       INTEGER NOT NULL DEFAULT 0,
    UNIQUE (event, agent, replay)
);

-- Append-only. The primary key is the second half of the fence: two workers
-- cannot both write entry n.
CREATE TABLE journal (
    run  TEXT    NOT NULL REFERENCES runs (id),
    seq  INTEGER NOT NULL,
    kind TEXT    NOT NULL,
    at   INTEGER NOT NULL,
    body TEXT    NOT NULL,
    PRIMARY KEY (run, seq)
) WITHOUT ROWID;

CREATE TABLE callbacks (
    id          TEXT    NOT NULL PRIMARY KEY,
    run         TEXT    NOT NULL REFERENCES runs (id),
    route       TEXT    NOT NULL,
    body        BLOB    NOT NULL,
    state       TEXT    NOT NULL CHECK (state IN ('pending', 'delivered', 'dead')),
    attempts    INTEGER NOT NULL DEFAULT 0,
    last_status INTEGER NOT NULL DEFAULT 0,
    last_reason TEXT    NOT NULL DEFAULT '',
    created_at  INTEGER NOT NULL,
    last_at     INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX callbacks_by_run ON callbacks (run);

-- What the guard remembers of calls made under an idempotency key.
CREATE TABLE guarded_calls (
    principal       TEXT    NOT NULL,
    idempotency_key TEXT    NOT NULL,
    tool            TEXT    NOT NULL,
    digest          TEXT    NOT NULL,
    result          TEXT, -- NULL until settled
    at              INTEGER NOT NULL,
    PRIMARY KEY (principal, idempotency_key)
) WITHOUT ROWID;

CREATE TABLE audit (
    id              INTEGER PRIMARY KEY,
    at              INTEGER NOT NULL,
    principal       TEXT    NOT NULL,
    door            TEXT    NOT NULL,
    tool            TEXT    NOT NULL,
    effect          TEXT    NOT NULL,
    arguments       TEXT    NOT NULL,
    decision        TEXT    NOT NULL,
    rule            TEXT    NOT NULL,
    outcome         TEXT    NOT NULL,
    duration_us     INTEGER NOT NULL,
    run             TEXT    NOT NULL,
    idempotency_key TEXT    NOT NULL
);
CREATE INDEX audit_by_run ON audit (run) WHERE run <> '';

-- +goose Down
DROP TABLE audit;
DROP TABLE guarded_calls;
DROP TABLE callbacks;
DROP TABLE journal;
DROP TABLE runs;
DROP TABLE jobs;
DROP TABLE rejections;
DROP TABLE events;
