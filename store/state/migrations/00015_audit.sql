-- +goose Up

-- What the guard knows of a call beyond what was decided.
ALTER TABLE audit ADD COLUMN tainted  INTEGER NOT NULL DEFAULT 0; -- the run had read text from outside
ALTER TABLE audit ADD COLUMN dry_run  INTEGER NOT NULL DEFAULT 0; -- answered what it would do, and not made
ALTER TABLE audit ADD COLUMN approval TEXT    NOT NULL DEFAULT ''; -- the id of the approval it waited for or used
ALTER TABLE audit ADD COLUMN policy   TEXT    NOT NULL DEFAULT ''; -- the version of the rules that judged it

-- The chain (server/audit): the hash of the row before, and the row's own. A row has none
-- while it waits for its place; one that has none yet is numbered from 2^62 on, and gets
-- the number behind the last one with its place.
ALTER TABLE audit ADD COLUMN prev BLOB;
ALTER TABLE audit ADD COLUMN hash BLOB;
CREATE INDEX audit_by_approval ON audit (approval) WHERE approval <> '';
CREATE INDEX audit_unchained ON audit (id) WHERE hash IS NULL;

-- Signed heads of the chain: so many rows, of which the last had this hash.
CREATE TABLE audit_heads (
    id         INTEGER PRIMARY KEY,
    kind       TEXT    NOT NULL, -- genesis, latest, kept, cut
    at         INTEGER NOT NULL,
    count      INTEGER NOT NULL, -- of all rows there ever were, up to the last
    last       INTEGER NOT NULL, -- the last row's number, 0 before the first
    hash       BLOB    NOT NULL, -- the last row's
    public_key TEXT    NOT NULL,
    signature  BLOB    NOT NULL
);
CREATE INDEX audit_heads_by_last ON audit_heads (last);
