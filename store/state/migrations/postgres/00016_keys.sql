-- +goose Up

CREATE TABLE api_keys (
    hash       TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    name       TEXT COLLATE "C" NOT NULL,
    prefix     TEXT COLLATE "C" NOT NULL,
    grants     TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL DEFAULT 0,
    revoked_at BIGINT NOT NULL DEFAULT 0,
    used_at    BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX api_keys_of_name ON api_keys (name, created_at);

ALTER TABLE runs ADD COLUMN bounds TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE schedules ADD COLUMN bounds TEXT COLLATE "C" NOT NULL DEFAULT '';
