-- +goose Up

-- How far the mailboxes of mail sources were read.
CREATE TABLE mail_positions (
    source   TEXT    NOT NULL PRIMARY KEY, -- name of the source in the settings
    mailbox  TEXT    NOT NULL, -- account and folder that it is the position of
    validity INTEGER NOT NULL, -- UIDVALIDITY of that mailbox
    uid      INTEGER NOT NULL, -- all up to this one are events, or none
    at       INTEGER NOT NULL, -- when the newest of them came, unix milliseconds
    since    INTEGER NOT NULL, -- when the newest came that was there before, unix milliseconds, or 0
    upto     INTEGER NOT NULL  -- messages up to this one are new only if they came after since
);
