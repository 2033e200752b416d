"""The database of the web app: tables, migrations, and every query."""
