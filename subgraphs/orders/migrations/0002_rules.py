"""What models cannot say: order numbers, the guard of the status, and a history that cannot be rewritten."""

from tortoise import migrations
from tortoise.migrations import operations as ops

# A bijection of 0 … 10^9 - 1 (9^9 and 10 have no common factor): unique, short to read out, and no count of our orders.
NUMBERS = """
CREATE SEQUENCE order_number_seq MINVALUE 0 START 1 MAXVALUE 999999999;
CREATE FUNCTION new_order_number() RETURNS text LANGUAGE sql VOLATILE AS $$
    SELECT 'PN-' || substr(digits, 1, 3) || '-' || substr(digits, 4, 3) || '-' || substr(digits, 7, 3)
    FROM lpad((nextval('order_number_seq') * 387420489 % 1000000000)::text, 9, '0') AS digits
$$;
"""
NUMBERS_BACK = "DROP FUNCTION new_order_number(); DROP SEQUENCE order_number_seq;"

# The third copy of the table of transitions, written independently of the first two: tests compare them.
GUARD = """
CREATE FUNCTION guard_order_status() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        -- an order may be born with its stock already reserved, both steps in one transaction
        IF NEW.status NOT IN ('PENDING', 'AWAITING_PAYMENT') THEN
            RAISE EXCEPTION 'an order cannot be born %', NEW.status USING ERRCODE = 'check_violation';
        END IF;
    ELSIF NEW.status <> OLD.status AND (OLD.status, NEW.status) NOT IN (
        ('PENDING', 'AWAITING_PAYMENT'), ('PENDING', 'CANCELLED'),
        ('AWAITING_PAYMENT', 'CONFIRMED'), ('AWAITING_PAYMENT', 'CANCELLED'),
        ('CONFIRMED', 'COMPLETED'), ('CONFIRMED', 'CANCELLED')
    ) THEN
        RAISE EXCEPTION 'an order cannot go from % to %', OLD.status, NEW.status USING ERRCODE = 'check_violation';
    ELSIF NEW.version <> OLD.version + 1 OR NEW.number <> OLD.number OR NEW.customer_id <> OLD.customer_id THEN
        RAISE EXCEPTION 'an order keeps its number and customer, and every change is one version' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER orders_guard_status BEFORE INSERT OR UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION guard_order_status();
"""
GUARD_BACK = "DROP TRIGGER orders_guard_status ON orders; DROP FUNCTION guard_order_status();"

APPEND_ONLY = """
CREATE FUNCTION refuse_rewriting() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER order_history_append_only BEFORE UPDATE OR DELETE ON order_history
    FOR EACH ROW EXECUTE FUNCTION refuse_rewriting();
"""
APPEND_ONLY_BACK = "DROP TRIGGER order_history_append_only ON order_history; DROP FUNCTION refuse_rewriting();"


CONSTRAINTS = """
ALTER TABLE orders
    ADD CONSTRAINT orders_total_adds_up CHECK (total_minor = subtotal_minor + shipping_minor + tax_minor),
    ADD CONSTRAINT orders_cancel_has_reason CHECK ((status = 'CANCELLED') = (cancel_reason IS NOT NULL));
ALTER TABLE order_line ADD CONSTRAINT order_line_quantity CHECK (quantity > 0);
ALTER TABLE cart_line ADD CONSTRAINT cart_line_quantity CHECK (quantity > 0);
ALTER TABLE fulfillment_line ADD CONSTRAINT fulfillment_line_quantity CHECK (quantity > 0);
ALTER TABLE saga ADD CONSTRAINT saga_order_fkey FOREIGN KEY (order_id) REFERENCES orders (id);
"""
CONSTRAINTS_BACK = """
ALTER TABLE saga DROP CONSTRAINT saga_order_fkey;
ALTER TABLE fulfillment_line DROP CONSTRAINT fulfillment_line_quantity;
ALTER TABLE cart_line DROP CONSTRAINT cart_line_quantity;
ALTER TABLE order_line DROP CONSTRAINT order_line_quantity;
ALTER TABLE orders DROP CONSTRAINT orders_total_adds_up, DROP CONSTRAINT orders_cancel_has_reason;
"""


class Migration(migrations.Migration):
    dependencies = [("orders", "0001_initial")]

    initial = False

    operations = [
        ops.RunSQL(CONSTRAINTS, CONSTRAINTS_BACK),
        ops.RunSQL(NUMBERS, NUMBERS_BACK),
        ops.RunSQL(GUARD, GUARD_BACK),
        ops.RunSQL(APPEND_ONLY, APPEND_ONLY_BACK),
    ]
