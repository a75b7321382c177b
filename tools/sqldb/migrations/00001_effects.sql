-- +goose Up
CREATE TABLE tool_effects (
    idempotency_key TEXT    NOT NULL PRIMARY KEY,
    tool            TEXT    NOT NULL,
    result          TEXT    NOT NULL,
    created_at      INTEGER NOT NULL -- unix milliseconds
);

-- +goose Down
DROP TABLE tool_effects;
