-- +goose Up

-- The definitions of mounted servers' tools, as a person accepted them: what a
-- model may be shown, and what a definition that changes is compared with.
CREATE TABLE definitions (
    mount       TEXT    NOT NULL,
    tool        TEXT    NOT NULL, -- the server's own name of it
    hash        TEXT    NOT NULL,
    definition  TEXT    NOT NULL, -- as the server listed it
    accepted_at INTEGER NOT NULL,
    PRIMARY KEY (mount, tool)
) WITHOUT ROWID;
