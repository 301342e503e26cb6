"""The application for a WSGI server: `gunicorn wsgi:app`."""

from marketplace.app import create_app
from marketplace.statistics import activity

app = create_app()
activity.start(app)  # after the fork of a server process: each has its own buffer
