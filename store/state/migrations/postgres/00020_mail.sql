-- +goose Up

CREATE TABLE mail_positions (
    source   TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    mailbox  TEXT COLLATE "C" NOT NULL,
    validity BIGINT NOT NULL,
    uid      BIGINT NOT NULL,
    at       BIGINT NOT NULL,
    since    BIGINT NOT NULL,
    upto     BIGINT NOT NULL
);
