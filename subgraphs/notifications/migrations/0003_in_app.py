"""The list in the shop, which was called PUSH, is IN_APP; PUSH is what goes to devices."""

from tortoise import migrations
from tortoise.migrations import operations as ops

RENAME = """
UPDATE notification SET channel = 'IN_APP' WHERE channel = 'PUSH';
UPDATE notification SET category = 'ACCOUNT' WHERE template = 'welcome';
UPDATE channel_preference SET channel = 'IN_APP' WHERE channel = 'PUSH';
"""
BACK = """
DELETE FROM notification WHERE channel = 'PUSH';
UPDATE notification SET channel = 'PUSH' WHERE channel = 'IN_APP';
DELETE FROM channel_preference WHERE channel = 'PUSH';
UPDATE channel_preference SET channel = 'PUSH' WHERE channel = 'IN_APP';
"""


class Migration(migrations.Migration):
    dependencies = [("notifications", "0002_channels_and_devices")]

    initial = False

    operations = [ops.RunSQL(RENAME, BACK)]
