-- Payments that hold money until they are captured, payments that were given up, and
-- evidence for disputes. A payment that is authorized has the status pending and one that
-- was given up the status failed: what programs of the version before make of them.

-- +goose Up
ALTER TABLE payment_charges ADD COLUMN authorized BIGINT NOT NULL DEFAULT 0 CHECK (authorized = 0 OR (authorized = 1 AND status = 'pending'));
ALTER TABLE payment_charges ADD COLUMN canceled_at BIGINT CHECK (canceled_at IS NULL OR status = 'failed');
-- A JSON object of the parts that are said.
ALTER TABLE payment_disputes ADD COLUMN evidence TEXT NOT NULL DEFAULT '{}';
ALTER TABLE payment_disputes ADD COLUMN submitted_at BIGINT CHECK (submitted_at IS NULL OR status <> 'needs_response');

-- +goose Down
ALTER TABLE payment_disputes DROP COLUMN submitted_at;
ALTER TABLE payment_disputes DROP COLUMN evidence;
ALTER TABLE payment_charges DROP COLUMN canceled_at;
ALTER TABLE payment_charges DROP COLUMN authorized;
