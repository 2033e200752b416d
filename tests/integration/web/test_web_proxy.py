"""The proxies' configurations of the documents, tried with the proxies themselves, encrypted, on loopback."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

ROOT = Path(__file__).resolve().parents[3]
SERVE = (ROOT / "docs" / "how-to" / "serve.md").read_text(encoding="utf-8")
NAME, TOKEN = "photos.example", "a token of some length"
NGINX = """user root; daemon off; pid {folder}/pid; error_log stderr;
events {{}}
http {{
    access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
    {block}
}}
"""
CADDY = "{{\n admin off\n auto_https disable_redirects\n storage file_system {folder}/caddy\n}}\n{block}"

pytestmark = pytest.mark.skipif(
    any(shutil.which(program) is None for program in ("curl", "openssl")), reason="curl or openssl is not installed"
)


@dataclass
class Site:
    """A proxy, asked by its name."""

    port: int
    folder: Path

    @property
    def origin(self) -> str:
        return f"https://{NAME}:{self.port}"

    def ask(self, path: str, *words: object) -> tuple[int, str]:
        """Return the status, and headers with body."""
        said = subprocess.run(
            [
                *("curl", "-sS", "-i", "-w", "\n%{http_code}", "--noproxy", "*", "--max-time", "20"),
                *("--cacert", self.folder / "cert.pem", "--resolve", f"{NAME}:{self.port}:127.0.0.1"),
                *(*map(str, words), f"{self.origin}{path}"),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        body, _, status = said.stdout.rpartition("\n")
        return int(status), body + said.stderr


def block(language: str) -> str:
    found = re.search(rf"^```{language}\n(.*?)^```$", SERVE, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


def configured(program: str, site: Site, upstream: str) -> list[str]:
    """Write the documents' configuration with this test's addresses and certificate, and return the command."""
    text = block(program).replace("127.0.0.1:8000", upstream)
    certificate, key, file = site.folder / "cert.pem", site.folder / "key.pem", site.folder / program
    if program == "nginx":
        text = text.replace("listen 443", f"listen {site.port}")
        text = text.replace("/etc/ssl/photos.example.pem", str(certificate))
        text = text.replace("/etc/ssl/photos.example.key", str(key))
        file.write_text(NGINX.format(folder=site.folder, block=text), encoding="utf-8")
        return ["nginx", "-p", str(site.folder), "-e", "stderr", "-c", str(file)]
    text = text.replace(f"{NAME} {{", f"https://{NAME}:{site.port} {{\n    tls {certificate} {key}")
    file.write_text(CADDY.format(folder=site.folder, block=text), encoding="utf-8")
    return ["caddy", "run", "--adapter", "caddyfile", "--config", str(file)]


@pytest.fixture(params=["nginx", "caddy"])
def site(request: pytest.FixtureRequest, launch: Callable[..., Any], tmp_path: Path) -> Iterator[Site]:
    """A server as the documents start it, behind a proxy."""
    program = str(request.param)
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    server = launch("--no-worker", TINCT_TOKEN=TOKEN, TINCT_HOSTS=NAME, TINCT_REQUESTS="60")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        made = Site(probe.getsockname()[1], tmp_path)
    words = ["-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={NAME}"]
    names = ["-addext", f"subjectAltName=DNS:{NAME}", "-keyout", tmp_path / "key.pem", "-out", tmp_path / "cert.pem"]
    subprocess.run(["openssl", "req", *words, *names], check=True, capture_output=True)
    own = {**os.environ, "XDG_CONFIG_HOME": str(tmp_path)}
    with (tmp_path / "said").open("w") as said:
        process = subprocess.Popen(configured(program, made, urlsplit(server.address).netloc), stderr=said, env=own)
    try:
        deadline = time.monotonic() + 30
        while made.ask("/api/v1/health")[0] != 200:
            assert process.poll() is None, (tmp_path / "said").read_text()
            assert time.monotonic() < deadline, (tmp_path / "said").read_text()
            time.sleep(0.2)
        yield made
    finally:
        process.terminate()
        process.wait(30)


def test_the_documents_configuration_of_a_proxy(site: Site, tmp_path: Path, large_photo: Path) -> None:
    assert site.ask("/api/v1/pictures")[0] == 401
    cookies = ("-b", tmp_path / "cookies", "-c", tmp_path / "cookies", "-H", f"Origin: {site.origin}")
    status, said = site.ask("/api/v1/session", *cookies, "--json", f'{{"token": "{TOKEN}"}}')
    assert status == 204, said
    assert re.search(rf"set-cookie: tinct_session_{site.port}=.*; Secure", said, re.IGNORECASE)
    assert site.ask("/api/v1/session", "-H", "Origin: https://evil.example", "--json", "{}")[0] == 403

    # More than the megabyte that nginx takes unless told otherwise.
    padded = tmp_path / "padded.jpg"
    padded.write_bytes(large_photo.read_bytes() + bytes(3_000_000))
    status, said = site.ask("/api/v1/pictures", *cookies, "-F", f"file=@{padded}")
    assert status == 201, said
    found = re.search(r'"id":"(\w+)"', said)
    assert found
    status, said = site.ask(f"/api/v1/pictures/{found[1]}/jobs", *cookies, "--json", "{}")
    job = re.search(r'"id":"(\w+)"', said)
    assert status == 202
    assert job
    # Events come when they happen, not when the answer is at its end.
    assert "event: job" in site.ask(f"/api/v1/jobs/{job[1]}/events", *cookies, "-N", "--max-time", 3)[1]

    # Each visitor has a limit of their own, whoever they say they are.
    greedy = ("--interface", "127.0.0.2", "-H", "X-Forwarded-For: 192.0.2.1")
    assert {site.ask("/api/v1/jobs", *greedy)[0] for _ in range(5)} == {401}
    many = "/api/v1/jobs?[1-80]"
    assert site.ask(many, *greedy)[0] == 429
    assert site.ask("/api/v1/jobs", *cookies)[0] == 200
