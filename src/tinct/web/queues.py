"""The queues between servers and workers: they hold ids of jobs, and may lose them, since the database knows better."""

from __future__ import annotations

import logging
from pathlib import Path

from huey.storage import BaseStorage, SqliteStorage

from tinct.errors import MissingExtra
from tinct.settings import ServerSettings

LANES = ("colorize", "train")
"""A queue each, so that a training keeps no photograph waiting."""

log = logging.getLogger(__name__)


class Queues:
    """One queue for each lane: a file on one machine, Redis between several; threads may share it.

    Huey's storages alone are used, with an id as the message: its own messages are pickles, which whoever can write to
    the queue could use to run anything in a worker.

    Args:
        settings: of the server.

    Raises:
        MissingExtra: Redis, without its library installed.
    """

    def __init__(self, settings: ServerSettings) -> None:
        self._lanes = {lane: _open(f"tinct-{lane}", settings) for lane in LANES}

    def send(self, lane: str, job_id: str) -> None:
        """Tell a worker of a job; a queue that is gone is no fault: idle workers look into the database."""
        try:
            self._lanes[lane].enqueue(job_id.encode())
        except Exception as error:  # noqa: BLE001 - each storage raises its own kinds
            log.warning("the queue can't be used, so jobs begin some seconds later (%s)", error)

    def receive(self, lane: str) -> str | None:
        """Take a message, None where there is none, or the queue is gone; the caller waits before it asks again."""
        try:
            message = self._lanes[lane].dequeue()
        except Exception as error:  # noqa: BLE001 - each storage raises its own kinds
            log.warning("the queue can't be used, so jobs begin some seconds later (%s)", error)
            return None
        return None if message is None else bytes(message).decode(errors="replace")

    def works(self) -> bool:
        """Whether the queues answer."""
        try:
            for queue in self._lanes.values():
                queue.queue_size()
        except Exception:  # noqa: BLE001 - each storage raises its own kinds
            return False
        return True

    def sizes(self) -> dict[str, int]:
        """Return how many messages wait in each lane; nothing where the queues are gone."""
        try:
            return {lane: int(queue.queue_size()) for lane, queue in self._lanes.items()}
        except Exception:  # noqa: BLE001 - each storage raises its own kinds
            return {}


def _open(name: str, settings: ServerSettings) -> BaseStorage:
    if settings.queue_url is None:
        folder = Path(settings.data)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return SqliteStorage(name, filename=str(folder / "queue.sqlite"), timeout=5)
    try:
        from huey.storage import RedisStorage
        from redis import ConnectionPool

        # A queue that doesn't answer must not hold requests up.
        pool = ConnectionPool.from_url(settings.queue_url, socket_timeout=3, socket_connect_timeout=3)
        return RedisStorage(name, connection_pool=pool, blocking=False)
    except ImportError as error:
        raise MissingExtra("a queue in Redis", "web-cluster") from error
