"""Nobody asks the inbox for the versions of an aggregate; the index was a quarter of what an event wrote there."""

from tortoise import migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("users", "0003_one_default_address")]

    initial = False

    operations = [ops.RemoveIndex(model_name="Inbox", name="inbox_versions")]
