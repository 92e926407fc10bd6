"""The parts of ``manage.py demo``: a server, an identity provider, a look into the database, the story."""
