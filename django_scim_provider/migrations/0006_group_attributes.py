from django.conf import settings
from django.db import migrations


class Migration(migrations.Migration):
    """Nothing was ever kept there: all that a group has (RFC 7643 section 4.2) has a column of its own."""

    dependencies = [
        ("scim_provider", "0005_count_index"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [migrations.RemoveField(model_name="scimgroup", name="attributes")]
