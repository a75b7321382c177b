-- As the SQLite migrations up to the same version: a test of store/postgres holds the two
-- against each other.

-- +goose Up
CREATE TABLE tool_effects (
    idempotency_key TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    tool            TEXT COLLATE "C" NOT NULL,
    result          TEXT COLLATE "C" NOT NULL,
    created_at      BIGINT NOT NULL -- unix milliseconds
);
