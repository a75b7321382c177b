-- +goose Up

-- Calls that count: what moves money, what leaves the company, and what rules ask the
-- number of. Their place is their order; what did nothing is taken out again.
CREATE TABLE totals (
    place      INTEGER PRIMARY KEY AUTOINCREMENT,
    id         TEXT NOT NULL UNIQUE,
    at         INTEGER NOT NULL,
    principal  TEXT NOT NULL,
    tool       TEXT NOT NULL,
    effect     TEXT NOT NULL,
    currency   TEXT NOT NULL,
    minor      INTEGER NOT NULL,
    recipients INTEGER NOT NULL
);
CREATE INDEX totals_of_tool ON totals (tool, at);
CREATE INDEX totals_by_time ON totals (at);
