from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("workspace", "0004_acme_and_globex"),
    ]

    operations = [
        migrations.AddField(
            model_name="device",
            name="external_id",
            field=models.CharField(blank=True, max_length=64),
        ),
        migrations.AlterField(
            model_name="badge",
            name="number",
            field=models.CharField(blank=True, max_length=40, null=True, unique=True),
        ),
        migrations.AlterField(
            model_name="device",
            name="in_use",
            field=models.BooleanField(blank=True, null=True),
        ),
    ]
