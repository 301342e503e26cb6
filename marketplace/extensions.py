"""The Flask extensions, made once and bound to the application by the factory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flask import Flask, Response
from flask_babel import Babel
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_login import LoginManager
from flask_wtf import CSRFProtect

from marketplace.core.database import db

babel = Babel()
csrf = CSRFProtect()
limiter = Limiter(key_func=get_remote_address, default_limits=[], headers_enabled=True)
login_manager = LoginManager()


class Migrations:
    """Stands for Flask-Migrate until a migration is run: with Alembic it takes 10 MB and half a second."""

    def __init__(self, app: Flask, folder: Path) -> None:
        self._app = app
        self.directory = str(folder)
        app.extensions["migrate"] = self

    @property
    def migrate(self) -> Any:
        """Flask-Migrate itself, which takes this one's place."""
        from flask_migrate import Migrate

        return Migrate(self._app, db, directory=self.directory, render_as_batch=True, compare_type=True)


def no_needless_wait(response: Response) -> Response:
    """Leave `Retry-After`, which the limiter puts on every answer, only where somebody has to wait."""
    if response.status_code not in (429, 503):
        response.headers.pop("Retry-After", None)
    return response
