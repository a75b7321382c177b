-- +goose Up

CREATE TABLE approval_postings (
    approval   TEXT COLLATE "C" NOT NULL REFERENCES approvals (id) ON DELETE CASCADE,
    target     TEXT COLLATE "C" NOT NULL,
    message    TEXT COLLATE "C" NOT NULL,
    shown      TEXT COLLATE "C" NOT NULL DEFAULT '',
    stands     TEXT COLLATE "C" NOT NULL DEFAULT '',
    due_at     BIGINT NOT NULL,
    attempts   BIGINT NOT NULL DEFAULT 0,
    last_error TEXT COLLATE "C" NOT NULL DEFAULT '',
    PRIMARY KEY (approval, target, message)
);
