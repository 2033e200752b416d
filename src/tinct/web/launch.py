"""A server's life: its socket, its worker, its end within seconds of being told."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import uvicorn
from fastapi import FastAPI

from tinct.errors import OptionError
from tinct.settings import ServerSettings
from tinct.web.app import create_app
from tinct.web.context import Context
from tinct.web.security import Access
from tinct.web.worker import Worker

GRACE_SECONDS = 4
"""For answers that are under way when the server is told to stop."""
WORKER_SECONDS = 7
"""For a worker to give its job back."""
RESTART_SECONDS = 2
"""Between two starts of a worker that dies."""
BACKLOG = 512


def serve(settings: ServerSettings, access: Access, port: int, *, worker: bool, ready: Callable[[str], None]) -> None:
    """Serve until SIGTERM or Ctrl-C.

    Args:
        settings: of the server.
        access: who is let in, and the address to bind to.
        port: 0 takes one that is free.
        worker: whether to run a worker beside it, which is started again where it dies.
        ready: told the address when the server answers.

    Raises:
        OptionError: the address can't be bound to.
        TinctError: database or files can't be used.
    """
    # Whatever is wrong with database or files is said before the port is taken.
    Context.open(settings).close()
    listening = bind(access.host, port)
    stopping = threading.Event()
    app = create_app(settings, access, stopping=stopping.is_set)
    server = uvicorn.Server(configure(app))
    watcher = threading.Thread(
        target=_watch,
        args=(server, stopping, settings if worker else None, lambda: ready(address(access.host, listening))),
    )
    with signals_left_to_server():
        watcher.start()
        try:
            server.run(sockets=[listening])
        finally:
            stopping.set()
            watcher.join()
            listening.close()


def configure(app: FastAPI) -> uvicorn.Config:
    """Return how an app is served."""
    return uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
        timeout_keep_alive=20,
        # Whether who asks is on this machine is told from the connection; a header could say anything.
        proxy_headers=False,
    )


@contextmanager
def signals_left_to_server() -> Iterator[None]:
    """Let a server stop at SIGTERM and Ctrl-C; it raises them again when it has stopped, no reason to fail."""
    before = [signal.signal(number, _ignore) for number in (signal.SIGTERM, signal.SIGINT)]
    try:
        yield
    finally:
        for number, handler in zip((signal.SIGTERM, signal.SIGINT), before, strict=True):
            signal.signal(number, handler)


def _ignore(_number: int, _frame: FrameType | None) -> None:
    pass


def bind(host: str, port: int) -> socket.socket:
    """Return a socket that listens.

    Raises:
        OptionError: the address can't be bound to.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise OptionError(f"the server can't listen at {host}, port {port} ({reason}); give another --port") from error


def address(host: str, listening: socket.socket) -> str:
    """Return where a browser finds what listens."""
    name = f"[{host}]" if ":" in host else host
    return f"http://{name}:{listening.getsockname()[1]}"


def _watch(
    server: uvicorn.Server, stopping: threading.Event, settings: ServerSettings | None, ready: Callable[[], None]
) -> None:
    """Say when the server answers, keep a worker running, and end it with the server."""
    process: subprocess.Popen[bytes] | None = None
    told, began = False, 0.0
    while not (server.should_exit or stopping.is_set()):
        if server.started and not told:
            told = True
            ready()
        # Not before the server is there, which is what people wait for; and not again and again at once.
        gone = process is None or process.poll() is not None
        if settings is not None and told and gone and time.monotonic() - began > RESTART_SECONDS:
            began = time.monotonic()
            process = _start_worker(settings)
        time.sleep(0.05)
    stopping.set()  # streams end, so that their connections do
    if process is not None:
        process.terminate()
        try:
            process.wait(WORKER_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()


def _start_worker(settings: ServerSettings) -> subprocess.Popen[bytes]:
    environment = {name: value for name, value in os.environ.items() if name not in ("TINCT_TOKEN", "TINCT_DATA_DIR")}
    command = [sys.executable, "-m", "tinct", "worker", "--data-dir", str(settings.data), "--with-parent"]
    # Its own session, for Ctrl-C is the server's; its input ends when the server does, however that ends.
    return subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, start_new_session=os.name == "posix")


def work(settings: ServerSettings, *, with_parent: bool) -> None:
    """Be a worker until SIGTERM or Ctrl-C.

    Args:
        settings: of the server that it works for.
        with_parent: end when standard input does.
    """
    context = Context.open(settings)
    worker = Worker(context)
    before = [
        signal.signal(number, lambda _number, _frame: worker.stop()) for number in (signal.SIGTERM, signal.SIGINT)
    ]
    if with_parent:
        threading.Thread(target=_until_end_of_input, args=(worker,), daemon=True).start()
    try:
        worker.run()
    finally:
        for number, handler in zip((signal.SIGTERM, signal.SIGINT), before, strict=True):
            signal.signal(number, handler)
        context.close()


def _until_end_of_input(worker: Worker) -> None:
    while os.read(0, 1024):
        pass
    worker.stop()
