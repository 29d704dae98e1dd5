"""What models cannot say: full-text search, the index of the sweeper, and movements that cannot be rewritten."""

from tortoise import migrations
from tortoise.migrations import operations as ops

SEARCH = """
ALTER TABLE product ADD COLUMN search tsvector GENERATED ALWAYS AS (
    setweight(to_tsvector('english', name), 'A') || setweight(to_tsvector('simple', sku), 'A')
    || setweight(to_tsvector('english', coalesce(description, '')), 'B')) STORED;
CREATE INDEX product_search ON product USING gin (search);
"""
SWEEPER = "CREATE INDEX reservation_expiring ON reservation (expires_at) WHERE state = 'HELD';"
# room on the page keeps the new version of a hot row beside the old one, without touching indexes
HOT_ROWS = "ALTER TABLE stock SET (fillfactor = 50);"
APPEND_ONLY = """
CREATE FUNCTION refuse_rewriting() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER stock_movement_append_only BEFORE UPDATE OR DELETE ON stock_movement
    FOR EACH ROW EXECUTE FUNCTION refuse_rewriting();
"""


CONSTRAINTS = """
ALTER TABLE product
    ADD CONSTRAINT product_price_not_negative CHECK (price_minor >= 0),
    ADD CONSTRAINT product_weight_not_negative CHECK (weight_grams >= 0),
    ADD CONSTRAINT product_status_known CHECK (status IN ('DRAFT', 'ACTIVE', 'ARCHIVED'));
ALTER TABLE stock
    ADD CONSTRAINT stock_product_fkey FOREIGN KEY (product_id) REFERENCES product (id),
    ADD CONSTRAINT stock_never_oversold CHECK (reserved >= 0 AND reserved <= on_hand);
ALTER TABLE reservation
    ADD CONSTRAINT reservation_quantity CHECK (quantity > 0 AND shipped >= 0 AND shipped <= quantity),
    ADD CONSTRAINT reservation_state_known CHECK (state IN ('HELD', 'COMMITTED', 'RELEASED'));
CREATE UNIQUE INDEX reservation_one_live ON reservation (order_id, product_id) WHERE state <> 'RELEASED';
ALTER TABLE stock_movement ADD CONSTRAINT stock_movement_moves CHECK (delta <> 0);
"""
CONSTRAINTS_BACK = """
ALTER TABLE stock_movement DROP CONSTRAINT stock_movement_moves;
DROP INDEX reservation_one_live;
ALTER TABLE reservation DROP CONSTRAINT reservation_quantity, DROP CONSTRAINT reservation_state_known;
ALTER TABLE stock DROP CONSTRAINT stock_product_fkey, DROP CONSTRAINT stock_never_oversold;
ALTER TABLE product DROP CONSTRAINT product_price_not_negative, DROP CONSTRAINT product_weight_not_negative,
    DROP CONSTRAINT product_status_known;
"""


class Migration(migrations.Migration):
    dependencies = [("products", "0001_initial")]

    initial = False

    operations = [
        ops.RunSQL(CONSTRAINTS, CONSTRAINTS_BACK),
        ops.RunSQL(SEARCH, "DROP INDEX product_search; ALTER TABLE product DROP COLUMN search;"),
        ops.RunSQL(SWEEPER, "DROP INDEX reservation_expiring;"),
        ops.RunSQL(HOT_ROWS, "ALTER TABLE stock RESET (fillfactor);"),
        ops.RunSQL(
            APPEND_ONLY, "DROP TRIGGER stock_movement_append_only ON stock_movement; DROP FUNCTION refuse_rewriting();"
        ),
    ]
