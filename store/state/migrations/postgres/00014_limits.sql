-- +goose Up

CREATE TABLE callers (
    caller    TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    remaining BIGINT NOT NULL,
    at        BIGINT NOT NULL
);

CREATE TABLE requests (
    id     TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    caller TEXT COLLATE "C" NOT NULL,
    until  BIGINT NOT NULL
);
CREATE INDEX requests_of_caller ON requests (caller);
