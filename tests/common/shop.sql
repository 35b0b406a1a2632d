-- The books of a small shop, for scripts that report on them. The policy is `shop.toml`.
CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT NOT NULL, country TEXT NOT NULL, since TEXT NOT NULL);
CREATE TABLE products (
    sku TEXT PRIMARY KEY,
    title TEXT NOT NULL,
    cents INTEGER NOT NULL CHECK (cents > 0),
    stock INTEGER NOT NULL CHECK (stock >= 0),
    reorder_at INTEGER NOT NULL,
    attributes TEXT NOT NULL DEFAULT '{}'
);
CREATE TABLE orders (
    id INTEGER PRIMARY KEY,
    customer INTEGER NOT NULL REFERENCES customers (id),
    placed TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('open', 'paid', 'sent', 'refunded'))
);
CREATE TABLE order_items (
    "order" INTEGER NOT NULL REFERENCES orders (id),
    sku TEXT NOT NULL REFERENCES products (sku),
    quantity INTEGER NOT NULL CHECK (quantity > 0),
    cents INTEGER NOT NULL,
    PRIMARY KEY ("order", sku)
) WITHOUT ROWID;
CREATE TABLE reports (name TEXT NOT NULL, month TEXT NOT NULL, body TEXT NOT NULL, made BLOB, UNIQUE (name, month));
CREATE TABLE salaries (person TEXT PRIMARY KEY, cents INTEGER NOT NULL);
CREATE VIEW sales AS
    SELECT o.id AS "order", substr(o.placed, 1, 7) AS month, o.customer, i.sku, i.quantity, i.quantity * i.cents AS cents
    FROM orders o JOIN order_items i ON i."order" = o.id
    WHERE o.status IN ('paid', 'sent');

INSERT INTO customers VALUES
    (1, 'Ada', 'GB', '2025-11-02'), (2, 'Boris', 'DE', '2026-01-15'), (3, 'Chloé', 'FR', '2026-01-20'),
    (4, 'Dmitri', 'DE', '2026-03-03'), (5, 'Eve; DROP TABLE orders', 'GB', '2026-03-09');
INSERT INTO products VALUES
    ('PEN-1', 'Fountain pen', 4950, 12, 10, '{"colour": "blue", "tags": ["pen", "gift"]}'),
    ('INK-2', 'Ink, 50 ml', 890, 4, 20, '{"colour": "black", "tags": ["ink"]}'),
    ('PAD-3', 'Writing pad', 420, 55, 30, '{"pages": 80, "tags": ["paper"]}'),
    ('BOX-4', 'Gift box', 1500, 0, 5, '{"tags": ["gift"]}');
INSERT INTO orders VALUES
    (1, 1, '2026-01-05', 'sent'), (2, 2, '2026-01-18', 'sent'), (3, 3, '2026-01-22', 'refunded'), (4, 1, '2026-02-02', 'sent'),
    (5, 2, '2026-02-14', 'paid'), (6, 4, '2026-03-03', 'sent'), (7, 5, '2026-03-09', 'open'), (8, 1, '2026-03-15', 'paid'),
    (9, 3, '2026-03-20', 'sent'), (10, 4, '2026-03-28', 'paid');
INSERT INTO order_items VALUES
    (1, 'PEN-1', 1, 4950), (1, 'INK-2', 2, 890), (2, 'PAD-3', 10, 420), (3, 'PEN-1', 2, 4950), (4, 'INK-2', 3, 890),
    (5, 'PAD-3', 4, 400), (5, 'BOX-4', 1, 1500), (6, 'PEN-1', 1, 4700), (7, 'PEN-1', 1, 4950), (8, 'INK-2', 1, 890),
    (8, 'PAD-3', 2, 420), (9, 'PEN-1', 1, 4950), (9, 'BOX-4', 1, 1500), (10, 'INK-2', 6, 850);
INSERT INTO salaries VALUES ('Ada', 520000), ('Boris', 470000);
