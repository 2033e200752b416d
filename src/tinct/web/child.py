"""What a process is that works for the server: it takes lines of JSON, answers in such, and ends with its parent."""

from __future__ import annotations

import _thread
import json
import os
import queue
import re
import sys
import threading
from collections.abc import Callable
from typing import Any, TextIO

from tinct.errors import TinctError
from tinct.jobs.places import is_full

OPTIONS = re.compile(r" \(--[^()]*\)")
"""Of the command, as advice of errors and notes names them."""
Tell = Callable[[dict[str, Any]], None]
Work = Callable[[dict[str, Any], Tell], dict[str, Any]]
"""Does what a request says, tells how far it is, returns the answer."""


def serve(work: Work) -> None:
    """Answer requests until the parent ends; a request ``{"do": "stop"}`` interrupts the one under way."""
    _limit(int(sys.argv[1]))
    # What libraries print must not get between the answers.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    requests: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(sys.stdin, requests), daemon=True).start()
    writing = threading.Lock()

    def say(answer: dict[str, Any]) -> None:
        with writing:
            answers.write(json.dumps(answer) + "\n")
            answers.flush()

    while True:
        request = requests.get()
        try:
            done = work(request, lambda news: say({"news": news}))
            if "notes" in done:
                done["notes"] = [_plain(note, request) for note in done["notes"]]
            say({"done": done})
        except KeyboardInterrupt:
            say({"done": {"stopped": True}})
        except TinctError as error:
            say({"error": type(error).__name__, "message": _plain(str(error), request)})
        except OSError as error:
            kind = "StoreFull" if is_full(error) else "StoreError"
            say({"error": kind, "message": _plain(f"files can't be used ({error.strerror or error})", request)})
        except MemoryError:
            say({"error": "PhotoError", "message": "it needs more memory than is allowed"})
        except Exception as error:  # noqa: BLE001 - the next request may fare better
            said = f"unexpected {type(error).__name__}: {error} (please report this)"
            say({"error": "PhotoError", "message": _plain(said, request)})


def _plain(message: str, request: dict[str, Any]) -> str:
    """Call files what their users call them, not what this machine does, and leave options of the command out."""
    message = OPTIONS.sub("", message)
    for path, name in request.get("names", {}).items():
        message = message.replace(path, name)
    return message


def _listen(lines: TextIO, requests: queue.SimpleQueue[dict[str, Any]]) -> None:
    for line in lines:
        request = json.loads(line)
        if request.get("do") == "stop":
            _thread.interrupt_main()
        else:
            requests.put(request)
    os._exit(0)


def _limit(memory: int) -> None:
    """Limit this process, where the system knows such limits."""
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if memory:
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
