from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("scim_provider", "0003_ids_as_text"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddIndex(
            model_name="scimuser",
            index=models.Index(fields=["connection", "user_name_key"], name="scim_user_name_key"),
        ),
    ]
