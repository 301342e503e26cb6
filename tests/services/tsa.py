"""A time-stamp authority of its own: OpenSSL signs real RFC 3161 tokens behind a small HTTP server."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

_CONFIG = """
[req]
distinguished_name = name
prompt = no
[name]
CN = Invented Time-Stamp Authority
[ca]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign
[leaf]
basicConstraints = CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,timeStamping
[tsa]
default_tsa = here
[here]
serial = {folder}/serial
crypto_device = builtin
signer_cert = {folder}/leaf.pem
certs = {folder}/root.pem
signer_key = {folder}/leaf.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
ess_cert_id_chain = no
ess_cert_id_alg = sha256
"""


@dataclass
class Tsa:
    """Where it listens, its root certificate, and how many were asked for; `broken` answers with nonsense."""

    url: str
    roots: Path
    asked: int = 0
    broken: bool = False


@contextmanager
def running(folder: Path) -> Iterator[Tsa]:
    """An authority on a free port of the loopback."""
    _make_keys(folder)

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            found.asked += 1
            query = self.rfile.read(int(self.headers["Content-Length"]))
            (folder / "query").write_bytes(query)
            if found.broken:
                body = b"nonsense"
            else:
                _openssl(folder, "ts -reply -config config -section here -queryfile query -out reply")
                body = (folder / "reply").read_bytes()
            self.send_response(200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Answer)
    found = Tsa(f"http://127.0.0.1:{server.server_port}/", folder / "root.pem")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _make_keys(folder: Path) -> None:
    (folder / "config").write_text(_CONFIG.format(folder=folder))
    (folder / "serial").write_text("01\n")
    key = "-newkey rsa:2048 -nodes -config config -subj"
    _openssl(
        folder, f"req -x509 {key} /CN=InventedRoot -extensions ca -keyout root.key -out root.pem -days 30"
    )
    _openssl(folder, f"req {key} /CN=InventedTSA -keyout leaf.key -out leaf.csr")
    _openssl(
        folder,
        "x509 -req -in leaf.csr -CA root.pem -CAkey root.key -CAcreateserial -out leaf.pem -days 30 "
        "-extfile config -extensions leaf",
    )


def _openssl(folder: Path, command: str) -> None:
    subprocess.run(["openssl", *command.split()], cwd=folder, check=True, capture_output=True)
