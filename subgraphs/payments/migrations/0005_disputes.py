"""What a dispute keeps back is booked; of payments disputed before, the opening entry is made here."""

from tortoise import fields, migrations
from tortoise.migrations import operations as ops

# Whoever was quicker, the bank or a refund: what is left of the charge is what it disputes.
BEGUN = """
UPDATE payment SET dispute_status = 'OPEN', disputed_minor = captured_minor - refunded_minor
WHERE is_disputed AND captured_minor > refunded_minor;
INSERT INTO ledger_posting (id, entry_id, payment_id, kind, account, amount_minor, currency, provider_ref, created_at)
SELECT gen_random_uuid(), e.entry_id, e.payment_id, 'DISPUTE', posting.account, posting.sign * e.disputed_minor,
    e.currency, e.provider_ref, e.updated_at
FROM (SELECT gen_random_uuid() AS entry_id, id AS payment_id, disputed_minor, currency, provider_ref, updated_at
      FROM payment WHERE dispute_status = 'OPEN') e
CROSS JOIN (VALUES ('PROVIDER_BALANCE', -1), ('DISPUTED', 1)) AS posting (account, sign);
"""

GUARD = """
ALTER TABLE payment
    ADD CONSTRAINT payment_disputed_was_captured CHECK (disputed_minor >= 0 AND disputed_minor <= captured_minor),
    ADD CONSTRAINT payment_dispute_has_amount CHECK ((dispute_status IS NULL) = (disputed_minor = 0));
CREATE FUNCTION guard_dispute_status() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (coalesce(OLD.dispute_status, ''), coalesce(NEW.dispute_status, '')) NOT IN (
        ('', 'OPEN'), ('OPEN', 'WON'), ('OPEN', 'LOST')
    ) THEN
        RAISE EXCEPTION 'a dispute cannot go from % to %', OLD.dispute_status, NEW.dispute_status
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER payment_guard_dispute BEFORE UPDATE ON payment FOR EACH ROW
    WHEN (OLD.dispute_status IS DISTINCT FROM NEW.dispute_status) EXECUTE FUNCTION guard_dispute_status();
"""
GUARD_BACK = """
DROP TRIGGER payment_guard_dispute ON payment;
DROP FUNCTION guard_dispute_status();
ALTER TABLE payment DROP CONSTRAINT payment_disputed_was_captured, DROP CONSTRAINT payment_dispute_has_amount;
"""


class Migration(migrations.Migration):
    dependencies = [("payments", "0004_rules_of_methods")]

    initial = False

    operations = [
        ops.AddField(
            model_name="Payment",
            name="dispute_status",
            field=fields.CharField(
                null=True, description="OPEN, WON or LOST; null: nobody has disputed it", max_length=8
            ),
        ),
        ops.AddField(
            model_name="Payment",
            name="disputed_minor",
            field=fields.BigIntField(description="what the provider kept back when the dispute began", db_default=0),
        ),
        ops.RunSQL(BEGUN, "UPDATE payment SET is_disputed = true WHERE dispute_status IS NOT NULL;"),
        ops.RemoveField(model_name="Payment", name="is_disputed"),
        ops.RunSQL(GUARD, GUARD_BACK),
        ops.AlterField(
            model_name="PaymentAttempt",
            name="state",
            field=fields.CharField(description="OPEN, AUTHORIZED, DECLINED or SUPERSEDED", max_length=16),
        ),
        ops.AlterField(
            model_name="ProviderTask",
            name="kind",
            field=fields.CharField(description="AUTHORIZE, CAPTURE, VOID, REFUND or ABANDON", max_length=16),
        ),
    ]
