"""Real histories of real projects, as their wheels carry them; nothing of them is copied here."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from tests.migrations.projects import write

MANAGE = """
import os, sys
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "site_settings")
if __name__ == "__main__":
    from django.core.management import execute_from_command_line
    execute_from_command_line(sys.argv)
"""

SETTINGS = """
SECRET_KEY = "for tests"
USE_TZ = True
STATIC_URL = "/static/"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "/nowhere/at/all.db"}}
INSTALLED_APPS = [
    "wagtail.contrib.forms", "wagtail.contrib.redirects", "wagtail.embeds", "wagtail.sites",
    "wagtail.users", "wagtail.snippets", "wagtail.documents", "wagtail.images", "wagtail.search",
    "wagtail.admin", "wagtail", "modelcluster", "taggit", "django.contrib.admin",
    "django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions",
    "django.contrib.messages", "django.contrib.staticfiles",
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
WAGTAILADMIN_BASE_URL = "http://localhost"
WAGTAIL_SITE_NAME = "test"
"""


def prefect(folder: Path) -> Path:
    """Prefect's own history, by a configuration file that leads into its package."""
    spec = find_spec("prefect")
    assert spec is not None
    assert spec.submodule_search_locations
    scripts = Path(spec.submodule_search_locations[0]) / "server/database/_migrations"
    ini = f"[alembic]\nscript_location = {scripts}\nprepend_sys_path = .\n"
    settings = '[environment]\nPREFECT_API_DATABASE_CONNECTION_URL = "{async_url}"\n'
    return write(folder, {"alembic.ini": ini, "dataroll.toml": settings})


def wagtail(folder: Path) -> Path:
    """A Django project with Wagtail, whose own settings name a database that is not there."""
    return write(folder, {"manage.py": MANAGE, "site_settings.py": SETTINGS})
