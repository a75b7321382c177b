-- As the SQLite migrations up to the same version: a test of store/postgres holds the two
-- against each other.

-- +goose Up
CREATE TABLE payment_customers (
    reference  TEXT COLLATE "C" NOT NULL PRIMARY KEY CHECK (reference <> ''),
    name       TEXT COLLATE "C" NOT NULL,
    email      TEXT COLLATE "C" NOT NULL UNIQUE CHECK (email = lower(email) AND email LIKE '%_@_%'),
    created_at BIGINT NOT NULL
);

CREATE TABLE payment_charges (
    id             TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    external_id    TEXT COLLATE "C" UNIQUE,
    customer_ref   TEXT COLLATE "C" NOT NULL REFERENCES payment_customers (reference),
    amount_minor   BIGINT NOT NULL CHECK (amount_minor > 0),
    currency       TEXT COLLATE "C" NOT NULL CHECK (length(currency) = 3 AND currency = upper(currency)),
    status         TEXT COLLATE "C" NOT NULL CHECK (status IN ('pending', 'succeeded', 'failed')),
    failure_reason TEXT COLLATE "C" NOT NULL DEFAULT '' CHECK (failure_reason = '' OR status = 'failed'),
    description    TEXT COLLATE "C" NOT NULL,
    -- Kept beside the refunds, in the same transaction, so that the database
    -- itself refuses to give back more than was paid.
    refunded_minor BIGINT NOT NULL DEFAULT 0,
    created_at     BIGINT NOT NULL,
    settles_at     BIGINT NOT NULL CHECK (settles_at >= created_at),
    CONSTRAINT refunded_at_most_what_was_paid CHECK (refunded_minor BETWEEN 0 AND amount_minor),
    CONSTRAINT refunded_only_if_paid CHECK (refunded_minor = 0 OR status = 'succeeded')
);
CREATE INDEX payment_charges_newest ON payment_charges (created_at, id);
CREATE INDEX payment_charges_of_customer ON payment_charges (customer_ref, created_at, id);

CREATE TABLE payment_refunds (
    id              TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    payment_id      TEXT COLLATE "C" NOT NULL REFERENCES payment_charges (id),
    amount_minor    BIGINT NOT NULL CHECK (amount_minor > 0),
    reason          TEXT COLLATE "C" NOT NULL CHECK (reason IN ('duplicate', 'fraudulent', 'requested_by_customer', 'other')),
    note            TEXT COLLATE "C" NOT NULL,
    status          TEXT COLLATE "C" NOT NULL CHECK (status IN ('pending', 'succeeded')),
    created_at      BIGINT NOT NULL,
    idempotency_key TEXT COLLATE "C" UNIQUE
);
CREATE INDEX payment_refunds_of_payment ON payment_refunds (payment_id, created_at, id);

CREATE TABLE payment_invoices (
    id              TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    number          BIGINT UNIQUE CHECK (number > 0),
    customer_ref    TEXT COLLATE "C" NOT NULL REFERENCES payment_customers (reference),
    status          TEXT COLLATE "C" NOT NULL CHECK (status IN ('draft', 'open', 'paid', 'void')),
    total_minor     BIGINT NOT NULL CHECK (total_minor > 0),
    currency        TEXT COLLATE "C" NOT NULL CHECK (length(currency) = 3 AND currency = upper(currency)),
    memo            TEXT COLLATE "C" NOT NULL,
    due_days        BIGINT NOT NULL CHECK (due_days BETWEEN 0 AND 365),
    due_at          BIGINT,
    created_at      BIGINT NOT NULL,
    sent_at         BIGINT CHECK (sent_at >= created_at),
    payment_id      TEXT COLLATE "C" UNIQUE REFERENCES payment_charges (id),
    idempotency_key TEXT COLLATE "C" UNIQUE,
    CONSTRAINT sent_means_numbered_and_due CHECK (
        (status = 'draft' AND number IS NULL AND sent_at IS NULL AND due_at IS NULL) OR
        (status <> 'draft' AND number IS NOT NULL AND sent_at IS NOT NULL AND due_at IS NOT NULL)),
    CONSTRAINT paid_means_a_payment CHECK ((status = 'paid') = (payment_id IS NOT NULL))
);
CREATE INDEX payment_invoices_newest ON payment_invoices (created_at, id);
CREATE INDEX payment_invoices_of_customer ON payment_invoices (customer_ref, created_at, id);
CREATE INDEX payment_invoices_due ON payment_invoices (status, due_at);

CREATE TABLE payment_invoice_lines (
    invoice_id        TEXT COLLATE "C" NOT NULL REFERENCES payment_invoices (id) ON DELETE CASCADE,
    position          BIGINT NOT NULL CHECK (position > 0),
    description       TEXT COLLATE "C" NOT NULL CHECK (description <> ''),
    quantity          BIGINT NOT NULL CHECK (quantity > 0),
    unit_amount_minor BIGINT NOT NULL CHECK (unit_amount_minor >= 0),
    PRIMARY KEY (invoice_id, position)
);

CREATE TABLE payment_links (
    id              TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    url             TEXT COLLATE "C" NOT NULL UNIQUE,
    amount_minor    BIGINT NOT NULL CHECK (amount_minor > 0),
    currency        TEXT COLLATE "C" NOT NULL CHECK (length(currency) = 3 AND currency = upper(currency)),
    description     TEXT COLLATE "C" NOT NULL CHECK (description <> ''),
    reference       TEXT COLLATE "C" NOT NULL,
    reusable        BIGINT NOT NULL CHECK (reusable IN (0, 1)),
    created_at      BIGINT NOT NULL,
    idempotency_key TEXT COLLATE "C" UNIQUE
);

CREATE TABLE payment_subscriptions (
    id                   TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    customer_ref         TEXT COLLATE "C" NOT NULL REFERENCES payment_customers (reference),
    status               TEXT COLLATE "C" NOT NULL CHECK (status IN ('trialing', 'active', 'past_due', 'canceled')),
    plan                 TEXT COLLATE "C" NOT NULL CHECK (plan <> ''),
    amount_minor         BIGINT NOT NULL CHECK (amount_minor > 0),
    currency             TEXT COLLATE "C" NOT NULL CHECK (length(currency) = 3 AND currency = upper(currency)),
    billing_interval     TEXT COLLATE "C" NOT NULL CHECK (billing_interval IN ('day', 'week', 'month', 'year')),
    period_end           BIGINT NOT NULL CHECK (period_end >= created_at),
    cancel_at_period_end BIGINT NOT NULL CHECK (cancel_at_period_end IN (0, 1)),
    canceled_at          BIGINT,
    cancel_reason        TEXT COLLATE "C" NOT NULL DEFAULT '',
    created_at           BIGINT NOT NULL,
    CONSTRAINT canceled_means_a_time CHECK (
        (status = 'canceled' OR cancel_at_period_end = 1) = (canceled_at IS NOT NULL))
);
CREATE INDEX payment_subscriptions_newest ON payment_subscriptions (created_at, id);
CREATE INDEX payment_subscriptions_of_customer ON payment_subscriptions (customer_ref, created_at, id);

CREATE TABLE payment_disputes (
    id           TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    payment_id   TEXT COLLATE "C" NOT NULL REFERENCES payment_charges (id),
    amount_minor BIGINT NOT NULL CHECK (amount_minor > 0),
    reason       TEXT COLLATE "C" NOT NULL,
    status       TEXT COLLATE "C" NOT NULL CHECK (status IN ('needs_response', 'under_review', 'won', 'lost')),
    respond_by   BIGINT CHECK (respond_by >= created_at),
    created_at   BIGINT NOT NULL,
    CONSTRAINT an_answer_awaited_has_an_end CHECK (status <> 'needs_response' OR respond_by IS NOT NULL)
);
CREATE INDEX payment_disputes_newest ON payment_disputes (created_at, id);
CREATE INDEX payment_disputes_of_payment ON payment_disputes (payment_id, status);
