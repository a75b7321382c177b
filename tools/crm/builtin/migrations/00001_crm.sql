-- Times are unix milliseconds and money is minor units, both BIGINT, which SQLite
-- and PostgreSQL agree on. search_text holds the searchable words of a row in
-- lower case, folded by the program: SQL's own lower() knows only ASCII in SQLite.
--
-- idempotency_key repeats the key of the call that made a row. tool_effects is
-- what answers a repeated call; the column shows which row came of which call,
-- and its UNIQUE stands even if tool_effects were ever thinned out.

-- +goose Up
CREATE TABLE crm_customers (
    id              TEXT   NOT NULL PRIMARY KEY,
    name            TEXT   NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    email           TEXT   UNIQUE CHECK (email = lower(email) AND email LIKE '%_@_%' AND length(email) <= 254),
    phone           TEXT   NOT NULL CHECK (length(phone) <= 200),
    company         TEXT   NOT NULL CHECK (length(company) <= 200),
    external_id     TEXT   UNIQUE CHECK (length(external_id) BETWEEN 1 AND 200),
    stage           TEXT   NOT NULL CHECK (stage IN ('lead', 'customer', 'former')),
    note            TEXT   NOT NULL CHECK (length(note) <= 1000),
    search_text     TEXT   NOT NULL,
    created_at      BIGINT NOT NULL,
    updated_at      BIGINT NOT NULL,
    idempotency_key TEXT   UNIQUE
);
CREATE INDEX crm_customers_newest ON crm_customers (created_at, id);

CREATE TABLE crm_products (
    id          TEXT   NOT NULL PRIMARY KEY,
    sku         TEXT   NOT NULL UNIQUE CHECK (length(sku) BETWEEN 1 AND 64),
    name        TEXT   NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    description TEXT   NOT NULL CHECK (length(description) <= 20000),
    price_minor BIGINT NOT NULL CHECK (price_minor >= 0),
    currency    TEXT   NOT NULL CHECK (length(currency) = 3 AND currency = upper(currency)),
    stock       BIGINT NOT NULL CHECK (stock >= 0),
    reorder_at  BIGINT NOT NULL CHECK (reorder_at >= 0),
    search_text TEXT   NOT NULL
);
CREATE INDEX crm_products_low ON crm_products (sku) WHERE stock <= reorder_at;

CREATE TABLE crm_orders (
    id            TEXT   NOT NULL PRIMARY KEY,
    number        TEXT   NOT NULL UNIQUE CHECK (length(number) BETWEEN 1 AND 64),
    customer_id   TEXT   NOT NULL REFERENCES crm_customers (id),
    status        TEXT   NOT NULL CHECK (status IN ('pending', 'paid', 'shipped', 'delivered', 'cancelled', 'refunded')),
    delayed       BIGINT NOT NULL CHECK (delayed IN (0, 1)),
    expected_at   BIGINT,
    flagged       BIGINT NOT NULL CHECK (flagged IN (0, 1)),
    review_reason TEXT   NOT NULL CHECK (length(review_reason) <= 1000),
    amount_minor  BIGINT NOT NULL CHECK (amount_minor >= 0),
    currency      TEXT   NOT NULL CHECK (length(currency) = 3 AND currency = upper(currency)),
    note          TEXT   NOT NULL CHECK (length(note) <= 20000),
    search_text   TEXT   NOT NULL,
    placed_at     BIGINT NOT NULL,
    updated_at    BIGINT NOT NULL,
    CHECK ((flagged = 1) = (review_reason <> ''))
);
CREATE INDEX crm_orders_newest ON crm_orders (placed_at, id);
CREATE INDEX crm_orders_customer ON crm_orders (customer_id, placed_at, id);
CREATE INDEX crm_orders_delayed ON crm_orders (placed_at, id) WHERE delayed = 1;
CREATE INDEX crm_orders_flagged ON crm_orders (placed_at, id) WHERE flagged = 1;

CREATE TABLE crm_order_lines (
    order_id         TEXT   NOT NULL REFERENCES crm_orders (id) ON DELETE CASCADE,
    line             BIGINT NOT NULL CHECK (line >= 1),
    product_id       TEXT   NOT NULL REFERENCES crm_products (id),
    quantity         BIGINT NOT NULL CHECK (quantity >= 1),
    unit_price_minor BIGINT NOT NULL CHECK (unit_price_minor >= 0),
    PRIMARY KEY (order_id, line)
);
CREATE INDEX crm_order_lines_product ON crm_order_lines (product_id);

CREATE TABLE crm_interactions (
    id              TEXT   NOT NULL PRIMARY KEY,
    customer_id     TEXT   NOT NULL REFERENCES crm_customers (id),
    kind            TEXT   NOT NULL CHECK (kind IN ('call', 'email', 'meeting', 'note', 'review')),
    summary         TEXT   NOT NULL CHECK (length(summary) BETWEEN 1 AND 200),
    body            TEXT   NOT NULL CHECK (length(body) <= 20000),
    sentiment       TEXT   CHECK (sentiment IN ('positive', 'neutral', 'negative')),
    occurred_at     BIGINT NOT NULL,
    created_at      BIGINT NOT NULL,
    idempotency_key TEXT   UNIQUE
);
CREATE INDEX crm_interactions_newest ON crm_interactions (occurred_at, id);
CREATE INDEX crm_interactions_customer ON crm_interactions (customer_id, occurred_at, id);

CREATE TABLE crm_tasks (
    id              TEXT   NOT NULL PRIMARY KEY,
    customer_id     TEXT   REFERENCES crm_customers (id),
    title           TEXT   NOT NULL CHECK (length(title) BETWEEN 1 AND 200),
    detail          TEXT   NOT NULL CHECK (length(detail) <= 20000),
    assignee        TEXT   NOT NULL CHECK (length(assignee) <= 200),
    due_at          BIGINT NOT NULL, -- the largest BIGINT if there is none: last in the order, and still in the index
    outcome         TEXT   NOT NULL CHECK (length(outcome) <= 1000),
    created_at      BIGINT NOT NULL,
    completed_at    BIGINT, -- set once: this is what makes a task done
    idempotency_key TEXT   UNIQUE,
    CHECK (completed_at IS NOT NULL OR outcome = '')
);
CREATE INDEX crm_tasks_due ON crm_tasks (due_at, id);
CREATE INDEX crm_tasks_open ON crm_tasks (due_at, id) WHERE completed_at IS NULL;
CREATE INDEX crm_tasks_customer ON crm_tasks (customer_id, due_at, id);

CREATE TABLE crm_tickets (
    id              TEXT   NOT NULL PRIMARY KEY,
    customer_id     TEXT   NOT NULL REFERENCES crm_customers (id),
    subject         TEXT   NOT NULL CHECK (length(subject) BETWEEN 1 AND 200),
    body            TEXT   NOT NULL CHECK (length(body) <= 20000),
    status          TEXT   NOT NULL CHECK (status IN ('open', 'pending', 'resolved', 'closed')),
    priority        TEXT   NOT NULL CHECK (priority IN ('low', 'normal', 'high', 'urgent')),
    assignee        TEXT   NOT NULL CHECK (length(assignee) <= 200),
    search_text     TEXT   NOT NULL,
    created_at      BIGINT NOT NULL,
    updated_at      BIGINT NOT NULL,
    idempotency_key TEXT   UNIQUE
);
CREATE INDEX crm_tickets_newest ON crm_tickets (created_at, id);
CREATE INDEX crm_tickets_customer ON crm_tickets (customer_id, created_at, id);
CREATE INDEX crm_tickets_unresolved ON crm_tickets (created_at, id) WHERE status IN ('open', 'pending');

CREATE TABLE crm_deals (
    id              TEXT   NOT NULL PRIMARY KEY,
    customer_id     TEXT   NOT NULL REFERENCES crm_customers (id),
    title           TEXT   NOT NULL CHECK (length(title) BETWEEN 1 AND 200),
    amount_minor    BIGINT NOT NULL CHECK (amount_minor >= 0),
    currency        TEXT   NOT NULL CHECK (length(currency) = 3 AND currency = upper(currency)),
    stage           TEXT   NOT NULL CHECK (stage IN ('lead', 'qualified', 'proposal', 'negotiation', 'won', 'lost')),
    owner           TEXT   NOT NULL CHECK (length(owner) <= 200),
    close_by        BIGINT,
    search_text     TEXT   NOT NULL,
    created_at      BIGINT NOT NULL,
    updated_at      BIGINT NOT NULL,
    idempotency_key TEXT   UNIQUE
);
CREATE INDEX crm_deals_newest ON crm_deals (created_at, id);
CREATE INDEX crm_deals_customer ON crm_deals (customer_id, created_at, id);

-- +goose Down
DROP TABLE crm_deals;
DROP TABLE crm_tickets;
DROP TABLE crm_tasks;
DROP TABLE crm_interactions;
DROP TABLE crm_order_lines;
DROP TABLE crm_orders;
DROP TABLE crm_products;
DROP TABLE crm_customers;
