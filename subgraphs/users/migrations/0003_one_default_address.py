"""At most one default address per user, also when two are saved at once. Older versions could leave two."""

from tortoise import migrations
from tortoise.migrations import operations as ops

ONE_DEFAULT = """
UPDATE customer_address SET is_default = false WHERE is_default AND id NOT IN
    (SELECT DISTINCT ON (user_id) id FROM customer_address WHERE is_default ORDER BY user_id, created_at, id);
CREATE UNIQUE INDEX customer_address_default ON customer_address (user_id) WHERE is_default;
"""


class Migration(migrations.Migration):
    dependencies = [("users", "0002_personal_data")]

    initial = False

    operations = [ops.RunSQL(ONE_DEFAULT, "DROP INDEX customer_address_default;")]
