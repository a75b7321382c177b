-- +goose Up

-- Messages about approvals that are to show how these stand, until they show how they
-- ended. How an approval stood when the message was last looked at is in stands.
CREATE TABLE approval_postings (
    approval   TEXT NOT NULL REFERENCES approvals (id) ON DELETE CASCADE,
    target     TEXT NOT NULL,
    message    TEXT NOT NULL,
    shown      TEXT NOT NULL DEFAULT '',
    stands     TEXT NOT NULL DEFAULT '',
    due_at     INTEGER NOT NULL,
    attempts   INTEGER NOT NULL DEFAULT 0,
    last_error TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (approval, target, message)
);
