"""The life of a Turing test's server; what it has of votes is on the disk, so it may end at any moment."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import uvicorn

from tinct.evaluation import ballots
from tinct.evaluation.trials import load_trials
from tinct.settings import load_server_settings
from tinct.web.launch import address, bind, configure, signals_left_to_server
from tinct.web.security import Access, is_loopback
from tinct.web.turing.app import create_app


def serve(folder: Path, host: str, port: int, ready: Callable[[str], None]) -> None:
    """Serve a set of trials until SIGTERM or Ctrl-C.

    Args:
        folder: of the set; its votes are kept in it.
        host: the address to listen at.
        port: 0 takes one that is free.
        ready: told the address when the server answers.

    Raises:
        DataError: there is no set in the folder.
        OutputError: its votes can't be kept.
        OptionError: the address can't be bound to.
    """
    trials = load_trials(folder)
    with ballots.Ballots(folder / ballots.FILE, trials) as box:
        listening = bind(host, port)
        # Whoever reaches it may take part, so names must be known: a hostile site could give its own our address.
        access = Access(host=host, insecure=not is_loopback(host))
        app = create_app(folder, trials, box, access, load_server_settings(folder))
        with signals_left_to_server():
            try:
                _Server(configure(app), lambda: ready(address(host, listening))).run(sockets=[listening])
            finally:
                listening.close()


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()
