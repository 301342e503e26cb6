"""Start a server, wait until it answers, stop it, leave nothing behind."""

import collections.abc
import contextlib
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from tests.services import cache


@contextlib.contextmanager
def work_folder(name: str) -> collections.abc.Iterator[pathlib.Path]:
    """A temporary folder that is gone afterwards, whoever owns its files then."""
    work = pathlib.Path(tempfile.mkdtemp(prefix=f"marketplace-{name}-"))
    try:
        yield work
    finally:
        shutil.rmtree(work)


def free_ports(count: int) -> list[int]:
    """Ports on loopback that nobody listens on now (another program may take one before we do)."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


@contextlib.contextmanager
def running(
    command: list[str],
    *,
    work: pathlib.Path,
    env: dict[str, str],
    ready: collections.abc.Callable[[], bool],
    seconds: float,
    stop: signal.Signals = signal.SIGTERM,
) -> collections.abc.Iterator[subprocess.Popen[bytes]]:
    """Run `command` in the folder `work` as an ordinary user until the block ends.

    Waits at most `seconds` for `ready()`; raises RuntimeError with the end of the server's output when it
    died or stayed silent. Start it from the main thread: on Linux the kernel stops the server when that
    thread ends, so a killed test run leaves none behind.
    """
    if shutil.which("setpriv"):
        command = ["setpriv", "--pdeathsig", stop.name.removeprefix("SIG"), *command]
    log = work / "output.log"
    with log.open("wb") as output:  # a file, not a pipe that nobody reads
        server = subprocess.Popen(
            command,
            cwd=work,
            env={"PATH": os.environ["PATH"], "HOME": str(work)} | env,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C reaches pytest first, which stops us in order
            **cache.ordinary_user(),
        )
    try:
        end = time.monotonic() + seconds
        while not ready():
            if server.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"{command} did not start:\n{log.read_text(errors='replace')[-4000:]}")
            time.sleep(0.1)
        yield server
    finally:
        end_of_group(server, stop)


def end_of_group(server: subprocess.Popen[bytes], stop: signal.Signals) -> None:
    """Ask the server to stop, and kill what is left of its process group after 20 seconds."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(server.pid, stop)
    try:
        server.wait(20)
    except subprocess.TimeoutExpired:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def answers(port: int) -> bool:
    """Whether something accepts connections on that port of loopback."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
