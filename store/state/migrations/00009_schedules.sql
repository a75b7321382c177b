-- +goose Up

-- What is due at times: schedules of the settings, and follow-ups of agents' own. The
-- job that wakes one is due at next_at, and there is none while it is dormant.
CREATE TABLE schedules (
    name               TEXT    NOT NULL PRIMARY KEY,
    origin             TEXT    NOT NULL CHECK (origin IN ('config', 'agent')),
    spec               TEXT    NOT NULL, -- what its times follow from
    listed             INTEGER NOT NULL CHECK (listed IN (0, 1)), -- the settings name it; 1 for an agent's
    paused             INTEGER NOT NULL DEFAULT 0 CHECK (paused IN (0, 1)), -- by a person
    paused_by_settings INTEGER NOT NULL DEFAULT 0 CHECK (paused_by_settings IN (0, 1)),
    since_at           INTEGER NOT NULL, -- its times up to here are dealt with
    next_at            INTEGER NOT NULL DEFAULT 0, -- the first after that; 0 if there is none
    last_tick          INTEGER NOT NULL DEFAULT 0,
    agent              TEXT    NOT NULL,
    prompt             TEXT    NOT NULL, -- a template, of a schedule of the settings
    owner              TEXT    NOT NULL DEFAULT '', -- of a follow-up, as the rest: that of the run that made it
    run                TEXT    NOT NULL DEFAULT '', -- that made it
    tainted            INTEGER NOT NULL DEFAULT 0 CHECK (tainted IN (0, 1)),
    depth              INTEGER NOT NULL DEFAULT 0,
    created_at         INTEGER NOT NULL,
    ended              TEXT    NOT NULL DEFAULT '', -- done or cancelled
    ended_at           INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX schedules_of_agents ON schedules (agent, owner, next_at, name) WHERE origin = 'agent' AND ended = '';
CREATE INDEX schedules_ended ON schedules (ended_at) WHERE ended <> '';

-- What became of a time: the last ones of each schedule. The primary key is the second
-- half of the fence: no time can become two runs.
CREATE TABLE schedule_ticks (
    schedule TEXT    NOT NULL,
    tick     INTEGER NOT NULL,
    manual   INTEGER NOT NULL CHECK (manual IN (0, 1)), -- a person had it run
    outcome  TEXT    NOT NULL, -- dispatch.TickOutcome
    note     TEXT    NOT NULL DEFAULT '',
    run      TEXT    NOT NULL DEFAULT '',
    PRIMARY KEY (schedule, tick, manual)
) WITHOUT ROWID;
