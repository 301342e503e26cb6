"""A PostgreSQL server in a temporary folder."""

import collections.abc
import contextlib
import pathlib
import secrets
import shutil
import signal
import subprocess

from tests.services import cache, process

NAME = "PostgreSQL"


def find() -> pathlib.Path | None:
    """The folder with `initdb` and `postgres`: on the path, or the newest of Debian's."""
    if on_path := shutil.which("initdb"):
        return pathlib.Path(on_path).resolve().parent
    debian = sorted(
        pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3])
    )
    return debian[-1].parent if debian else None


def missing() -> str:
    """The command that brings PostgreSQL."""
    return "sudo apt-get install postgresql"


@contextlib.contextmanager
def serve() -> collections.abc.Iterator[str]:
    """Start a server and yield the URL of its database `postgres` for SQLAlchemy; the user may create others.

    Nothing is synced to disk: this server is for tests only.
    """
    binaries = find()
    if binaries is None:
        raise FileNotFoundError(missing())
    [port] = process.free_ports(1)
    password = secrets.token_urlsafe(12)
    with process.work_folder("postgresql") as work:
        (work / "password").write_text(password)
        cache.hand_over(work)
        initdb = [
            str(binaries / "initdb"),
            "--pgdata",
            str(work / "data"),
            "--no-locale",
            "--encoding",
            "UTF8",
        ]
        initdb += ["--username", "marketplace", "--pwfile", str(work / "password"), "--auth", "scram-sha-256"]
        subprocess.run(
            [*initdb, "--no-sync"],
            check=True,
            cwd=work,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            **cache.ordinary_user(),
        )
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(port),
            "unix_socket_directories": "",
            "fsync": "off",
            "synchronous_commit": "off",
            "full_page_writes": "off",
        }
        command = [str(binaries / "postgres"), "-D", str(work / "data")]
        for key, value in settings.items():
            command += ["-c", f"{key}={value}"]

        def ready() -> bool:
            probe = [binaries / "pg_isready", "--quiet", "--host", "127.0.0.1", "--port", str(port)]
            return subprocess.run(probe, check=False).returncode == 0

        # SIGINT is the fast shutdown: open sessions are ended, not waited for.
        with process.running(command, work=work, env={}, ready=ready, seconds=30, stop=signal.SIGINT):
            yield f"postgresql+psycopg://marketplace:{password}@127.0.0.1:{port}/postgres"
