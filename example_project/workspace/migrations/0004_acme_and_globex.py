"""Two organizations to begin with, three people in them, and a team each."""

from __future__ import annotations

from django.contrib.auth.hashers import make_password
from django.db import migrations

ORGANIZATIONS = {"acme": ("Acme", "acme.example"), "globex": ("Globex", "globex.example")}
PEOPLE = {
    "olivia@acme.example": ("Olivia", "Osten", {"acme": "owner"}),
    "gustav@globex.example": ("Gustav", "Norden", {"globex": "owner"}),
    "sam@globex.example": ("Sam", "Weg", {"acme": "guest", "globex": "admin"}),
}


def make(apps, schema_editor):
    using = schema_editor.connection.alias

    def rows(label):
        return apps.get_model(label)._base_manager.using(using)

    made = {}
    for slug, (name, domain) in ORGANIZATIONS.items():
        # A site that had them keeps them as they are.
        made[slug], _ = rows("workspace.Organization").get_or_create(
            slug=slug, defaults={"name": name, "verified_domain": domain}
        )
        rows("workspace.Team").get_or_create(organization=made[slug], name="Front desk")
    for address, (given, family, levels) in PEOPLE.items():
        defaults = {"email": address, "first_name": given, "last_name": family, "password": make_password(None)}
        user, is_new = rows("auth.User").get_or_create(username=address, defaults=defaults)
        for slug, level in levels.items() if is_new else ():
            rows("workspace.Membership").create(organization=made[slug], user=user, level=level)
            team = rows("workspace.Team").get(organization=made[slug], name="Front desk")
            rows("workspace.TeamMembership").create(team=team, user=user)


class Migration(migrations.Migration):
    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("workspace", "0003_organization_verified_domain"),
    ]

    operations = [migrations.RunPython(make, migrations.RunPython.noop, elidable=True)]
