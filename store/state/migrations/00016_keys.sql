-- +goose Up

-- API keys that were made by command. Of a key itself there is its hash (SHA-256) and its
-- beginning; a name has a row for each key that its holder was given.
CREATE TABLE api_keys (
    hash       TEXT NOT NULL PRIMARY KEY,
    name       TEXT NOT NULL,
    prefix     TEXT NOT NULL,
    grants     TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL DEFAULT 0,
    revoked_at INTEGER NOT NULL DEFAULT 0,
    used_at    INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX api_keys_of_name ON api_keys (name, created_at);

-- What the owner of a run may do where only his token said it, as JSON; '' is what the
-- settings and api_keys say.
ALTER TABLE runs ADD COLUMN bounds TEXT NOT NULL DEFAULT '';
ALTER TABLE schedules ADD COLUMN bounds TEXT NOT NULL DEFAULT '';
