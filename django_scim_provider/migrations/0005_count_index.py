from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("scim_provider", "0004_user_name_index"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddIndex(
            model_name="scimuser",
            index=models.Index(fields=["connection", "alive"], name="scim_user_alive"),
        ),
    ]
