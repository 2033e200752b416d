"""A process that decodes and colors what strangers send, with limits on its memory and time; it may die of it.

It stays for the next request, so the network is loaded once. Requests and answers are lines of JSON on its pipes; it
ends when its parent does. :mod:`tinct.web.sandboxed` is what runs in it.
"""

from __future__ import annotations

import json
import os
import queue
import re
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import tinct.errors
from tinct.errors import PhotoError, TinctError, TooMany

KNOWN = re.compile(
    r"PATH|HOME|USER|LOGNAME|LANG|LANGUAGE|TZ|TMP|TEMP|TMPDIR|VIRTUAL_ENV|SSL_CERT_(FILE|DIR)|(HTTPS?|ALL|NO)_PROXY|"
    r"SYSTEM(ROOT|DRIVE)|WINDIR|COMSPEC|PATHEXT|USERPROFILE|(LOCAL)?APPDATA|"
    r"TINCT_(MODEL|DEVICE|JOBS|MAX_PIXELS|CACHE|WEIGHTS|DATA)|"
    r"(LC|XDG|LD|DYLD|OMP|GOMP|KMP|MKL|OPENBLAS|MALLOC|VIPS|ORT|CUDA|NVIDIA|TORCH|PYTORCH)_.*|PYTHON.*"
)
"""Variables that a process working for strangers gets to know; keys of clouds and of databases aren't among them."""
POLL_SECONDS = 0.1


class Stopped(TinctError):
    """What was being done was stopped on request."""


class Sandbox:
    """One such process, started when it is needed, and again after its end; threads take turns.

    Args:
        memory: bytes of address space that it may have, where the system can limit that.
        module: what runs in it.
    """

    def __init__(self, memory: int, module: str = "tinct.web.sandboxed") -> None:
        self._memory, self._module = memory, module
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._answers: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self.closed = False
        """Whether it may not be started again."""

    def ask(
        self,
        request: Mapping[str, Any],
        seconds: float,
        *,
        stop: Callable[[], bool] = lambda: False,
        news: Callable[[dict[str, Any]], None] = lambda _: None,
        ending: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Have something done.

        Args:
            request: what; paths in it are of files that it may read and write.
            seconds: longest that it may take; it is killed then.
            stop: asked now and then whether to give up; then it is killed too.
            news: told what it reports while it works.
            ending: sent to it in place of killing it where ``stop`` says so; it gets a minute.

        Raises:
            TinctError: what went wrong in it, as it said; PhotoError where it died, or took too long.
            Stopped: ``stop`` said so.
        """
        with self._lock:
            process = self._start()
            self._send(process, request)
            deadline = time.monotonic() + seconds
            stopping = False
            while True:
                try:
                    line = self._answers.get(timeout=POLL_SECONDS)
                except queue.Empty:
                    if not stopping and stop():
                        if ending is None:
                            self._kill()
                            raise Stopped("stopped") from None
                        stopping, deadline = True, time.monotonic() + 60
                        self._send(process, ending)
                    elif time.monotonic() > deadline:
                        self._kill()
                        raise PhotoError(f"it took longer than {seconds:.0f} seconds and was given up") from None
                    continue
                if line is None:
                    self._kill()
                    raise PhotoError("it can't be processed: it needs more memory than is allowed, or is broken")
                answer = json.loads(line)
                if "news" in answer:
                    news(answer["news"])
                    continue
                if stopping:
                    self._kill()  # what it was interrupted in, such as an import, is half done
                if "error" in answer:
                    raise _error(answer["error"], answer["message"])
                return dict(answer["done"])

    def close(self) -> None:
        """End it at once, also in the middle of something."""
        self.closed = True
        self._kill()

    def _start(self) -> subprocess.Popen[str]:
        if self.closed:
            raise Stopped("the server is stopping")
        if self._process is not None and self._process.poll() is None:
            return self._process
        environment = {name: value for name, value in os.environ.items() if KNOWN.fullmatch(name.upper())}
        process = subprocess.Popen(
            [sys.executable, "-m", self._module, str(self._memory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env=environment,
            # Ctrl-C in a terminal is the parent's to handle.
            start_new_session=os.name == "posix",
        )
        answers: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        threading.Thread(target=_listen, args=(process, answers), daemon=True).start()
        self._process, self._answers = process, answers
        return process

    def _send(self, process: subprocess.Popen[str], message: Mapping[str, Any]) -> None:
        assert process.stdin is not None
        try:
            process.stdin.write(json.dumps(message) + "\n")
            process.stdin.flush()
        except OSError:
            pass  # it has died; its answer says so

    def _kill(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            assert process.stdin is not None
            process.stdin.close()


class Sandboxes:
    """Several of them for the requests of a server, which wait in line for a while.

    Args:
        count: how many.
        memory: of each.
        waiting: requests that may wait; further ones are refused.
    """

    def __init__(self, count: int, memory: int, waiting: int) -> None:
        self._sandboxes = [Sandbox(memory) for _ in range(count)]
        self._free: queue.LifoQueue[Sandbox] = queue.LifoQueue()
        for sandbox in self._sandboxes:
            self._free.put(sandbox)
        self._most = count + waiting
        self._inside = 0
        self._counting = threading.Lock()

    def ask(self, request: Mapping[str, Any], seconds: float, *, about: str | None = None) -> dict[str, Any]:
        """Have something done by one that is free; see :meth:`Sandbox.ask`.

        Args:
            request: what.
            seconds: longest that it may take.
            about: the same one does all that is about the same thing, and has it at hand.

        Raises:
            TooMany: too many wait already.
        """
        with self._place():
            if about is not None:
                return self._sandboxes[zlib.crc32(about.encode()) % len(self._sandboxes)].ask(request, seconds)
            sandbox = self._free.get()
            try:
                return sandbox.ask(request, seconds)
            finally:
                self._free.put(sandbox)

    @contextmanager
    def _place(self) -> Iterator[None]:
        with self._counting:
            if self._inside >= self._most:
                raise TooMany("the server is busy with other photographs; try again in some seconds")
            self._inside += 1
        try:
            yield
        finally:
            with self._counting:
                self._inside -= 1

    def close(self) -> None:
        """End all of them."""
        for sandbox in self._sandboxes:
            sandbox.close()


def _listen(process: subprocess.Popen[str], answers: queue.SimpleQueue[str | None]) -> None:
    assert process.stdout is not None
    with process.stdout:
        for line in process.stdout:
            answers.put(line)
    answers.put(None)


def _error(kind: str, message: str) -> TinctError:
    found = getattr(tinct.errors, kind, PhotoError)
    # Some errors are made of other things than their message, which is all that came over.
    error: TinctError = found.__new__(found)
    error.args = (message,)
    return error
