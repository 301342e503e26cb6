"""`make demo`: environment, database, catalogue, figures, index; then web and worker until told to stop.

Nothing is restarted silently: when one of the two processes ends, the other is stopped and the end of its
log is shown. On Linux both end with this process, however it ends.
"""

from __future__ import annotations

import ctypes
import datetime as dt
import fcntl
import os
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, Final

import flask_migrate
from flask import Flask
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

import config
from marketplace.app import create_app
from marketplace.core import clock
from marketplace.core.database import db
from marketplace.core.errors import DomainError
from marketplace.search import generations
from marketplace.statistics import facts

from . import accounts, catalogue, loader, recommendations, reports

READY_WITHIN: Final = 60.0  # seconds
STOP_WITHIN: Final = 15.0  # seconds
_OWN: Final = (
    *(f"marketplace.db{end}" for end in ("", "-wal", "-shm", "-turn")),
    accounts.FILE,
)
_OWN_FOLDERS: Final = ("files", "mail", "search", "log")


class Trouble(RuntimeError):
    """Something that ends the demonstration; in Chinese and English, for the person at the keyboard."""


class Stopped(BaseException):
    """Ctrl-C or SIGTERM: no error, so nothing that catches errors may stop it."""


def main() -> int:
    """Run the demonstration until it is stopped. Returns the exit code."""
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, _stop)
    console = Console()
    try:
        _run(console)
    except Trouble as trouble:
        return _failed(str(trouble))
    except DomainError as error:
        return _failed(error.message % error.parameters if error.parameters else error.message)
    except Stopped:
        console.print("演示已停止。 Stopped.")
    return 0


def _failed(text: str) -> int:
    Console(stderr=True).print("[bold red]✗[/]", escape(text), highlight=False, soft_wrap=True)
    return 1


def _stop(_signal: int, _frame: FrameType | None) -> None:
    raise Stopped


def _run(console: Console) -> None:
    port = prepare_environment(os.environ)
    _require_free(port)
    try:
        settings = config.Settings.from_environment()
    except config.SettingsError as error:
        raise Trouble(str(error)) from None
    if settings.production:
        raise Trouble("演示不能在生产环境中运行。 The demonstration does not run with APP_ENV=production.")
    with _alone(settings.instance_dir):
        if os.environ.get("RESET") == "1":
            reset(settings)
            console.print("已清空，重新开始。 Starting over.")
        shown = fill(settings, console)
        _serve(settings, port, shown, console)


def _serve(settings: config.Settings, port: int, shown: list[dict[str, Any]], console: Console) -> None:
    with serving(settings, port) as processes:
        console.print(_welcome(shown))
        # Scripts wait for this line.
        console.print(
            f"就绪 Ready: {settings.public_url}  （Ctrl-C 停止 to stop）", highlight=False, soft_wrap=True
        )
        console.file.flush()
        processes.watch()


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Nobody else runs a demonstration from this folder meanwhile: it could be emptied under its feet."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "demo.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Trouble(
                f"另一个演示正在使用 {folder}。 Another demonstration is running from {folder}."
            ) from None
        yield


def prepare_environment(environment: Any) -> int:
    """Give every setting that is missing a value for the demonstration. Returns the port.

    Raises:
        Trouble: PORT is no port.
    """
    text = environment.get("PORT") or "8000"
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise Trouble(f"PORT={text}：不是端口号。 PORT is not the number of a port.")
    environment.setdefault("APP_ENV", "demo")
    environment.setdefault("INSTANCE_DIR", "instance")
    if not environment.get("PUBLIC_URL"):
        environment["PUBLIC_URL"] = f"http://127.0.0.1:{text}"
    real = clock.legal_date(dt.datetime.now(dt.UTC))
    if not environment.get("MARKETPLACE_NOW") and real < catalogue.LAST_DAY:
        # A machine whose clock lags would take the catalogue's last weeks for the future.
        day = catalogue.LAST_DAY + dt.timedelta(days=4)
        environment["MARKETPLACE_NOW"] = f"{day.isoformat()}T10:00:00+08:00"
    return int(text)


def _require_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise Trouble(
                f"端口 {port} 已被占用，请换一个：make demo PORT={port + 1}\n"
                f"  Port {port} is taken; use another one: make demo PORT={port + 1}"
            ) from None


def reset(settings: config.Settings) -> None:
    """Remove the demonstration's database, files, index and mails from the instance folder.

    Raises:
        Trouble: the data lie elsewhere than in the instance folder: they are not ours to delete.
    """
    folder = settings.instance_dir
    if settings.database_url != f"sqlite:///{folder / 'marketplace.db'}":
        raise Trouble(
            "RESET=1 只清空实例文件夹中的 SQLite 演示库；其他数据库请自行清空。\n"
            "  RESET=1 only empties the SQLite demonstration in the instance folder; "
            "empty other databases yourself."
        )
    for name in _OWN:
        (folder / name).unlink(missing_ok=True)
    for name in _OWN_FOLDERS:
        if (folder / name).exists():
            shutil.rmtree(folder / name)


# --- filling


def fill(settings: config.Settings, console: Console) -> list[dict[str, Any]]:
    """Migrate, load the catalogue, compute figures and build the index, as far as that is not done.

    Returns:
        The accounts, see `accounts.listed`.
    """
    _step(console, "数据库 Database")
    if _cut_off(settings):
        console.print("上次载入中断，重新开始。 The last load was interrupted: starting over.")
        reset(settings)
    app = create_app(settings)
    with app.app_context():
        flask_migrate.upgrade()
        if _load(console):
            _step(console, "统计 Figures")
            facts.rebuild()
            reports.publish()
        _index(app, console)
        with _progress(console, "匹配 Matching") as tell:
            made = recommendations.recommend(tell)
        if made:
            facts.rebuild()
        shown = accounts.listed()
        db.session.remove()
        db.engine.dispose()
    return shown


def _cut_off(settings: config.Settings) -> bool:
    app = create_app(settings)
    with app.app_context():
        flask_migrate.upgrade()
        found = loader.interrupted()
        db.session.remove()
        db.engine.dispose()
    return found


def _load(console: Console) -> bool:
    edition = loader.loaded()
    if edition is not None:
        _step(console, "目录已在库中，继续使用 Catalogue is there already")
        if edition != catalogue.digest():
            console.print(
                "  目录文件已更新：RESET=1 make demo 可重新载入。"
                " The catalogue's files have changed since: RESET=1 make demo loads them anew."
            )
        return False
    with _progress(console, "目录 Catalogue") as tell:
        return loader.load(tell)


def _index(app: Flask, console: Console) -> None:
    engine = app.config["SETTINGS"].search_engine
    if generations.live(engine) is not None:
        db.session.rollback()
        return
    db.session.rollback()
    with _progress(console, "检索索引 Search index") as tell:
        generations.rebuild(tell)


def _step(console: Console, title: str) -> None:
    console.print(f"• {title}", highlight=False)


@contextmanager
def _progress(console: Console, title: str) -> Iterator[Callable[..., None]]:
    """A bar on a terminal; elsewhere a line at the start and one for each quarter done."""
    if console.is_terminal:
        bar = Progress(
            TextColumn("• {task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[note]}"),
            TimeElapsedColumn(),
            console=console,
        )
        with bar:
            task = bar.add_task(title, total=None, note="")
            yield lambda done, total, note="": bar.update(task, completed=done, total=total, note=note)
        return
    _step(console, title)
    quarters = {1, 2, 3}

    def tell(done: int, total: int, note: str = "") -> None:
        for quarter in sorted(quarters):
            if done * 4 >= quarter * total and total > 20:
                quarters.discard(quarter)
                console.print(f"  {quarter * 25} % {note}".rstrip(), highlight=False)

    yield tell


def _welcome(shown: list[dict[str, Any]]) -> Table:
    names = {
        "holder": "权利人 holder",
        "firm": "企业 firm",
        "individual": "个人 individual",
        "manager": "技术经理人 manager",
        "bureau": "知识产权局 bureau",
        "operator": "运营方 operator",
    }
    table = Table(
        title="演示账号 Accounts",
        caption=(
            f"密码均为 The password of all: {accounts.PASSWORD}\n"
            "API 令牌 tokens: marketplace demo accounts --json"
        ),
    )
    for heading in ("角色 Role", "邮箱 E-mail", "单位 Organisation"):
        table.add_column(heading, overflow="fold")
    for account in shown:
        table.add_row(names[account["role"]], account["email"], account["organisation"] or "—")
    return table


# --- processes


@dataclass
class Processes:
    """Web server and worker."""

    children: dict[str, subprocess.Popen[bytes]]
    logs: Path

    def watch(self) -> None:
        """Wait until one of them ends.

        Raises:
            Trouble: naming it, with the end of its log.
        """
        while True:
            self.check()
            time.sleep(0.3)

    def check(self) -> None:
        """Raise Trouble if one has ended."""
        for name, child in self.children.items():
            if child.poll() is not None:
                lines = self._log(name).read_text(encoding="utf-8", errors="replace").splitlines()[-15:]
                raise Trouble(
                    f"{name} 已退出（代码 {child.returncode}）。 {name} ended with code {child.returncode}.\n"
                    + "\n".join(f"  {line}" for line in lines)
                )

    def _log(self, name: str) -> Path:
        return self.logs / f"{name}.log"

    def start(self, name: str, *arguments: str) -> None:
        """Start one of our commands with its output in a log file."""
        command = Path(sysconfig.get_path("scripts")) / "marketplace"
        with self._log(name).open("wb") as log:
            # A session of its own: Ctrl-C reaches this process only, which then stops the others in order.
            self.children[name] = subprocess.Popen(
                [sys.executable, str(command), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_die_with_parent if sys.platform == "linux" else None,
            )

    def stop(self) -> None:
        """End both, kindly at first."""
        for child in self.children.values():
            child.terminate()
        until = time.monotonic() + STOP_WITHIN
        for child in self.children.values():
            try:
                child.wait(max(0.1, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()


def _die_with_parent() -> None:
    """Have Linux end the new process when the one that started it ends, even by kill -9."""
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGTERM)


@contextmanager
def serving(settings: config.Settings, port: int) -> Iterator[Processes]:
    """Web server and worker, ready to answer; both are stopped at the end.

    Raises:
        Trouble: one of them ended, or was not ready in time.
    """
    logs = settings.instance_dir / "log"
    logs.mkdir(exist_ok=True)
    processes = Processes({}, logs)
    try:
        processes.start("web", "serve", "--port", str(port))
        processes.start("worker", "worker")
        _wait(processes, f"http://127.0.0.1:{port}/readyz")
        yield processes
    finally:
        # A second Ctrl-C must not leave them running.
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        processes.stop()


def _wait(processes: Processes, url: str) -> None:
    until = time.monotonic() + READY_WITHIN
    while time.monotonic() < until:
        processes.check()
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - our own address
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise Trouble(
        f"{READY_WITHIN:.0f} 秒内未就绪，请看 {processes.logs} 中的日志。"
        f" Not ready within {READY_WITHIN:.0f} seconds: see the logs in {processes.logs}."
    )
