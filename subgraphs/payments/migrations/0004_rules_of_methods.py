"""What models cannot say of saved methods, webhooks and refunds; attempts that were open know their payment."""

from tortoise import migrations
from tortoise.migrations import operations as ops

CONSTRAINTS = """
CREATE UNIQUE INDEX payment_method_one_default ON payment_method (customer_id) WHERE is_default AND deleted_at IS NULL;
CREATE UNIQUE INDEX payment_method_of_card_once ON payment_method (customer_id, fingerprint)
    WHERE fingerprint <> '' AND deleted_at IS NULL;
CREATE INDEX payment_method_to_forget ON payment_method (deleted_at) WHERE deleted_at IS NOT NULL;
CREATE INDEX webhook_event_due ON webhook_event (next_at) WHERE next_at IS NOT NULL;
CREATE INDEX refund_by_requester ON refund (requested_by, created_at) WHERE requested_by IS NOT NULL;
ALTER TABLE payment
    ADD CONSTRAINT payment_authorized_was_asked CHECK (authorized_minor >= 0 AND authorized_minor <= amount_minor);
"""
CONSTRAINTS_BACK = """
ALTER TABLE payment DROP CONSTRAINT payment_authorized_was_asked;
DROP INDEX refund_by_requester;
DROP INDEX webhook_event_due;
DROP INDEX payment_method_to_forget;
DROP INDEX payment_method_of_card_once;
DROP INDEX payment_method_one_default;
"""

ATTEMPTS = """
UPDATE payment p SET attempt_id = a.id, attempt_count = a.number
FROM (SELECT DISTINCT ON (payment_id) payment_id, id, count(*) OVER (PARTITION BY payment_id) AS number
      FROM payment_attempt ORDER BY payment_id, created_at DESC) a
WHERE a.payment_id = p.id;
"""


class Migration(migrations.Migration):
    dependencies = [("payments", "0003_provider_apart")]

    initial = False

    operations = [
        ops.RunSQL(CONSTRAINTS, CONSTRAINTS_BACK),
        ops.RunSQL(ATTEMPTS, "UPDATE payment SET attempt_id = NULL;"),
    ]
