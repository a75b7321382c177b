-- As the SQLite migrations up to the same version: a test of store/postgres holds the two
-- against each other.

-- +goose Up
CREATE TABLE crm_customers (
    id              TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    name            TEXT COLLATE "C" NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    email           TEXT COLLATE "C" UNIQUE CHECK (email = lower(email) AND email LIKE '%_@_%' AND length(email) <= 254),
    phone           TEXT COLLATE "C" NOT NULL CHECK (length(phone) <= 200),
    company         TEXT COLLATE "C" NOT NULL CHECK (length(company) <= 200),
    external_id     TEXT COLLATE "C" UNIQUE CHECK (length(external_id) BETWEEN 1 AND 200),
    stage           TEXT COLLATE "C" NOT NULL CHECK (stage IN ('lead', 'customer', 'former')),
    note            TEXT COLLATE "C" NOT NULL CHECK (length(note) <= 1000),
    search_text     TEXT COLLATE "C" NOT NULL,
    created_at      BIGINT NOT NULL,
    updated_at      BIGINT NOT NULL,
    idempotency_key TEXT COLLATE "C" UNIQUE
);
CREATE INDEX crm_customers_newest ON crm_customers (created_at, id);

CREATE TABLE crm_products (
    id          TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    sku         TEXT COLLATE "C" NOT NULL UNIQUE CHECK (length(sku) BETWEEN 1 AND 64),
    name        TEXT COLLATE "C" NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    description TEXT COLLATE "C" NOT NULL CHECK (length(description) <= 20000),
    price_minor BIGINT NOT NULL CHECK (price_minor >= 0),
    currency    TEXT COLLATE "C" NOT NULL CHECK (length(currency) = 3 AND currency = upper(currency)),
    stock       BIGINT NOT NULL CHECK (stock >= 0),
    reorder_at  BIGINT NOT NULL CHECK (reorder_at >= 0),
    search_text TEXT COLLATE "C" NOT NULL
);
CREATE INDEX crm_products_low ON crm_products (sku) WHERE stock <= reorder_at;

CREATE TABLE crm_orders (
    id            TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    number        TEXT COLLATE "C" NOT NULL UNIQUE CHECK (length(number) BETWEEN 1 AND 64),
    customer_id   TEXT COLLATE "C" NOT NULL REFERENCES crm_customers (id),
    status        TEXT COLLATE "C" NOT NULL CHECK (status IN ('pending', 'paid', 'shipped', 'delivered', 'cancelled', 'refunded')),
    delayed       BIGINT NOT NULL CHECK (delayed IN (0, 1)),
    expected_at   BIGINT,
    flagged       BIGINT NOT NULL CHECK (flagged IN (0, 1)),
    review_reason TEXT COLLATE "C" NOT NULL CHECK (length(review_reason) <= 1000),
    amount_minor  BIGINT NOT NULL CHECK (amount_minor >= 0),
    currency      TEXT COLLATE "C" NOT NULL CHECK (length(currency) = 3 AND currency = upper(currency)),
    note          TEXT COLLATE "C" NOT NULL CHECK (length(note) <= 20000),
    search_text   TEXT COLLATE "C" NOT NULL,
    placed_at     BIGINT NOT NULL,
    updated_at    BIGINT NOT NULL,
    CHECK ((flagged = 1) = (review_reason <> ''))
);
CREATE INDEX crm_orders_newest ON crm_orders (placed_at, id);
CREATE INDEX crm_orders_customer ON crm_orders (customer_id, placed_at, id);
CREATE INDEX crm_orders_delayed ON crm_orders (placed_at, id) WHERE delayed = 1;
CREATE INDEX crm_orders_flagged ON crm_orders (placed_at, id) WHERE flagged = 1;

CREATE TABLE crm_order_lines (
    order_id         TEXT COLLATE "C" NOT NULL REFERENCES crm_orders (id) ON DELETE CASCADE,
    line             BIGINT NOT NULL CHECK (line >= 1),
    product_id       TEXT COLLATE "C" NOT NULL REFERENCES crm_products (id),
    quantity         BIGINT NOT NULL CHECK (quantity >= 1),
    unit_price_minor BIGINT NOT NULL CHECK (unit_price_minor >= 0),
    PRIMARY KEY (order_id, line)
);
CREATE INDEX crm_order_lines_product ON crm_order_lines (product_id);

CREATE TABLE crm_interactions (
    id              TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    customer_id     TEXT COLLATE "C" NOT NULL REFERENCES crm_customers (id),
    kind            TEXT COLLATE "C" NOT NULL CHECK (kind IN ('call', 'email', 'meeting', 'note', 'review')),
    summary         TEXT COLLATE "C" NOT NULL CHECK (length(summary) BETWEEN 1 AND 200),
    body            TEXT COLLATE "C" NOT NULL CHECK (length(body) <= 20000),
    sentiment       TEXT COLLATE "C" CHECK (sentiment IN ('positive', 'neutral', 'negative')),
    occurred_at     BIGINT NOT NULL,
    created_at      BIGINT NOT NULL,
    idempotency_key TEXT COLLATE "C" UNIQUE
);
CREATE INDEX crm_interactions_newest ON crm_interactions (occurred_at, id);
CREATE INDEX crm_interactions_customer ON crm_interactions (customer_id, occurred_at, id);

CREATE TABLE crm_tasks (
    id              TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    customer_id     TEXT COLLATE "C" REFERENCES crm_customers (id),
    title           TEXT COLLATE "C" NOT NULL CHECK (length(title) BETWEEN 1 AND 200),
    detail          TEXT COLLATE "C" NOT NULL CHECK (length(detail) <= 20000),
    assignee        TEXT COLLATE "C" NOT NULL CHECK (length(assignee) <= 200),
    due_at          BIGINT NOT NULL, -- the largest BIGINT if there is none: last in the order, and still in the index
    outcome         TEXT COLLATE "C" NOT NULL CHECK (length(outcome) <= 1000),
    created_at      BIGINT NOT NULL,
    completed_at    BIGINT, -- set once: this is what makes a task done
    idempotency_key TEXT COLLATE "C" UNIQUE,
    CHECK (completed_at IS NOT NULL OR outcome = '')
);
CREATE INDEX crm_tasks_due ON crm_tasks (due_at, id);
CREATE INDEX crm_tasks_open ON crm_tasks (due_at, id) WHERE completed_at IS NULL;
CREATE INDEX crm_tasks_customer ON crm_tasks (customer_id, due_at, id);

CREATE TABLE crm_tickets (
    id              TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    customer_id     TEXT COLLATE "C" NOT NULL REFERENCES crm_customers (id),
    subject         TEXT COLLATE "C" NOT NULL CHECK (length(subject) BETWEEN 1 AND 200),
    body            TEXT COLLATE "C" NOT NULL CHECK (length(body) <= 20000),
    status          TEXT COLLATE "C" NOT NULL CHECK (status IN ('open', 'pending', 'resolved', 'closed')),
    priority        TEXT COLLATE "C" NOT NULL CHECK (priority IN ('low', 'normal', 'high', 'urgent')),
    assignee        TEXT COLLATE "C" NOT NULL CHECK (length(assignee) <= 200),
    search_text     TEXT COLLATE "C" NOT NULL,
    created_at      BIGINT NOT NULL,
    updated_at      BIGINT NOT NULL,
    idempotency_key TEXT COLLATE "C" UNIQUE
);
CREATE INDEX crm_tickets_newest ON crm_tickets (created_at, id);
CREATE INDEX crm_tickets_customer ON crm_tickets (customer_id, created_at, id);
CREATE INDEX crm_tickets_unresolved ON crm_tickets (created_at, id) WHERE status IN ('open', 'pending');

CREATE TABLE crm_deals (
    id              TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    customer_id     TEXT COLLATE "C" NOT NULL REFERENCES crm_customers (id),
    title           TEXT COLLATE "C" NOT NULL CHECK (length(title) BETWEEN 1 AND 200),
    amount_minor    BIGINT NOT NULL CHECK (amount_minor >= 0),
    currency        TEXT COLLATE "C" NOT NULL CHECK (length(currency) = 3 AND currency = upper(currency)),
    stage           TEXT COLLATE "C" NOT NULL CHECK (stage IN ('lead', 'qualified', 'proposal', 'negotiation', 'won', 'lost')),
    owner           TEXT COLLATE "C" NOT NULL CHECK (length(owner) <= 200),
    close_by        BIGINT,
    search_text     TEXT COLLATE "C" NOT NULL,
    created_at      BIGINT NOT NULL,
    updated_at      BIGINT NOT NULL,
    idempotency_key TEXT COLLATE "C" UNIQUE
);
CREATE INDEX crm_deals_newest ON crm_deals (created_at, id);
CREATE INDEX crm_deals_customer ON crm_deals (customer_id, created_at, id);
