"""What models cannot say: the guard of the status, a ledger that cannot be rewritten and whose entries balance."""

from tortoise import migrations
from tortoise.migrations import operations as ops

GUARD = """
CREATE FUNCTION guard_payment_status() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.status <> OLD.status AND (OLD.status, NEW.status) NOT IN (
        ('REQUIRES_METHOD', 'PROCESSING'), ('REQUIRES_METHOD', 'VOIDED'),
        ('PROCESSING', 'REQUIRES_ACTION'), ('PROCESSING', 'AUTHORIZED'), ('PROCESSING', 'CAPTURED'),
        ('PROCESSING', 'REQUIRES_METHOD'), ('PROCESSING', 'FAILED'),
        ('REQUIRES_ACTION', 'PROCESSING'), ('REQUIRES_ACTION', 'REQUIRES_METHOD'), ('REQUIRES_ACTION', 'VOIDED'),
        ('AUTHORIZED', 'CAPTURED'), ('AUTHORIZED', 'VOIDED'),
        ('CAPTURED', 'PARTIALLY_REFUNDED'), ('CAPTURED', 'REFUNDED'), ('PARTIALLY_REFUNDED', 'REFUNDED')
    ) THEN
        RAISE EXCEPTION 'a payment cannot go from % to %', OLD.status, NEW.status USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER payment_guard_status BEFORE UPDATE ON payment FOR EACH ROW EXECUTE FUNCTION guard_payment_status();
"""
GUARD_BACK = "DROP TRIGGER payment_guard_status ON payment; DROP FUNCTION guard_payment_status();"

APPEND_ONLY = """
CREATE FUNCTION refuse_rewriting() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER ledger_posting_append_only BEFORE UPDATE OR DELETE ON ledger_posting
    FOR EACH ROW EXECUTE FUNCTION refuse_rewriting();
"""
APPEND_ONLY_BACK = "DROP TRIGGER ledger_posting_append_only ON ledger_posting; DROP FUNCTION refuse_rewriting();"

# Each statement writes whole entries, so every statement's postings sum to zero per entry and currency.
BALANCE = """
CREATE FUNCTION require_balanced_entries() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM written GROUP BY entry_id, currency HAVING sum(amount_minor) <> 0) THEN
        RAISE EXCEPTION 'the postings of an entry must sum to zero' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER ledger_posting_balanced AFTER INSERT ON ledger_posting REFERENCING NEW TABLE AS written
    FOR EACH STATEMENT EXECUTE FUNCTION require_balanced_entries();
"""
BALANCE_BACK = "DROP TRIGGER ledger_posting_balanced ON ledger_posting; DROP FUNCTION require_balanced_entries();"

CONSTRAINTS = """
CREATE UNIQUE INDEX payment_one_alive_per_order ON payment (order_id) WHERE status NOT IN ('VOIDED', 'FAILED');
ALTER TABLE payment
    ADD CONSTRAINT payment_amount_positive CHECK (amount_minor > 0),
    ADD CONSTRAINT payment_captured_was_authorized CHECK (captured_minor <= authorized_minor),
    ADD CONSTRAINT payment_refunded_was_captured CHECK (refunded_minor >= 0 AND refunded_minor <= captured_minor);
ALTER TABLE refund ADD CONSTRAINT refund_amount_positive CHECK (amount_minor > 0);
ALTER TABLE sandbox_charge
    ADD CONSTRAINT sandbox_charge_amounts CHECK (captured_minor <= amount_minor AND refunded_minor <= captured_minor);
"""
CONSTRAINTS_BACK = """
ALTER TABLE sandbox_charge DROP CONSTRAINT sandbox_charge_amounts;
ALTER TABLE refund DROP CONSTRAINT refund_amount_positive;
ALTER TABLE payment DROP CONSTRAINT payment_amount_positive, DROP CONSTRAINT payment_captured_was_authorized,
    DROP CONSTRAINT payment_refunded_was_captured;
DROP INDEX payment_one_alive_per_order;
"""


class Migration(migrations.Migration):
    dependencies = [("payments", "0001_initial")]

    initial = False

    operations = [
        ops.RunSQL(CONSTRAINTS, CONSTRAINTS_BACK),
        ops.RunSQL(GUARD, GUARD_BACK),
        ops.RunSQL(APPEND_ONLY, APPEND_ONLY_BACK),
        ops.RunSQL(BALANCE, BALANCE_BACK),
    ]
