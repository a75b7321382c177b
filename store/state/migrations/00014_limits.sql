-- +goose Up

-- What callers have left of their requests a minute: a request is 60,000, and each
-- millisecond gives back as many as they may send in a minute.
CREATE TABLE callers (
    caller    TEXT NOT NULL PRIMARY KEY,
    remaining INTEGER NOT NULL,
    at        INTEGER NOT NULL
);

-- Requests under way, until when whoever answers them has to say so again.
CREATE TABLE requests (
    id     TEXT NOT NULL PRIMARY KEY,
    caller TEXT NOT NULL,
    until  INTEGER NOT NULL
);
CREATE INDEX requests_of_caller ON requests (caller);
