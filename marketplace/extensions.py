"""The Flask extensions, made once and bound to the application by the factory."""

from __future__ import annotations

from flask import Response
from flask_babel import Babel
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_login import LoginManager
from flask_migrate import Migrate
from flask_wtf import CSRFProtect

babel = Babel()
csrf = CSRFProtect()
limiter = Limiter(key_func=get_remote_address, default_limits=[], headers_enabled=True)
login_manager = LoginManager()
migrate = Migrate()


def no_needless_wait(response: Response) -> Response:
    """Leave `Retry-After`, which the limiter puts on every answer, only where somebody has to wait."""
    if response.status_code not in (429, 503):
        response.headers.pop("Retry-After", None)
    return response
