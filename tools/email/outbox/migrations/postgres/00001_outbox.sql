-- As the SQLite migrations up to the same version: a test of store/postgres holds the two
-- against each other.

-- +goose Up
CREATE TABLE email_messages (
    id              TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    status          TEXT COLLATE "C" NOT NULL CHECK (status IN ('draft', 'scheduled', 'sent', 'cancelled', 'received')),
    thread_id       TEXT COLLATE "C" NOT NULL REFERENCES email_messages (id), -- the first message of the conversation: maybe itself
    subject         TEXT COLLATE "C" NOT NULL,
    body_text       TEXT COLLATE "C" NOT NULL,
    body_html       TEXT COLLATE "C" NOT NULL, -- '' for plain text alone
    search_text     TEXT COLLATE "C" NOT NULL, -- subject, names, addresses and text in lower case, as SQL's lower() knows only ASCII everywhere
    reference_ids   TEXT COLLATE "C" NOT NULL, -- Message-IDs, oldest first, separated by spaces; the last is the one answered
    message_id      TEXT COLLATE "C" UNIQUE, -- absent from drafts, like raw
    raw             BYTEA, -- as it would go on the wire (RFC 5322)
    idempotency_key TEXT COLLATE "C" UNIQUE, -- of the call that made the message
    created_at      BIGINT NOT NULL, -- this and all times below: unix milliseconds
    scheduled_for   BIGINT,
    sent_at         BIGINT,
    CHECK (status = 'draft' OR (raw IS NOT NULL AND message_id IS NOT NULL)),
    CHECK (status <> 'scheduled' OR scheduled_for IS NOT NULL),
    CHECK ((status = 'sent') = (sent_at IS NOT NULL))
);

CREATE INDEX email_messages_newest ON email_messages (created_at, id);
CREATE INDEX email_messages_by_status ON email_messages (status, created_at, id);
CREATE INDEX email_messages_by_thread ON email_messages (thread_id, created_at, id);
-- The status leads, though it is always the same, or SQLite prefers messages_by_status.
CREATE INDEX email_messages_due ON email_messages (status, scheduled_for) WHERE status = 'scheduled';

CREATE TABLE email_participants (
    message  TEXT COLLATE "C" NOT NULL REFERENCES email_messages (id) ON DELETE CASCADE,
    role     TEXT COLLATE "C" NOT NULL CHECK (role IN ('from', 'reply_to', 'to', 'cc', 'bcc')),
    position BIGINT NOT NULL CHECK (position >= 0), -- within the role
    name     TEXT COLLATE "C" NOT NULL, -- '' if there is none
    address  TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (message, role, position)
);

CREATE INDEX email_participants_by_address ON email_participants (lower(address), message);
-- Whoever is named twice gets the message once.
CREATE UNIQUE INDEX email_participants_once ON email_participants (message, lower(address)) WHERE role IN ('to', 'cc', 'bcc');

CREATE TABLE email_templates (
    name        TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    description TEXT COLLATE "C" NOT NULL,
    subject     TEXT COLLATE "C" NOT NULL CHECK (subject <> ''),
    body_text   TEXT COLLATE "C" NOT NULL CHECK (body_text <> ''),
    body_html   TEXT COLLATE "C" NOT NULL, -- '' for plain text alone
    updated_at  BIGINT NOT NULL -- unix milliseconds
);
