"""What servers and workers share: settings, database, queues, files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tinct.db.repository import Repository
from tinct.db.tables import Artifact, Job, Model
from tinct.errors import Conflict, DatabaseError, NotFound, UnknownModel
from tinct.settings import ServerSettings, load_settings
from tinct.web.queues import Queues
from tinct.web.storage import LocalStorage, Storage, new_key
from tinct.weights import store

DAY = 86_400.0
"""In seconds."""


@dataclass(frozen=True, slots=True)
class Context:
    """One server's or worker's surroundings; threads may share them."""

    settings: ServerSettings
    repository: Repository
    queues: Queues
    storage: Storage

    @classmethod
    def open(cls, settings: ServerSettings) -> Context:
        """Open everything, migrating the database.

        Raises:
            TinctError: something can't be used.
        """
        storage = _open_storage(settings)
        repository = Repository(settings.database_url, settings.token)
        repository.migrate()
        return cls(settings, repository, Queues(settings), storage)

    def close(self) -> None:
        """Close what is open."""
        self.repository.close()

    def send(self, job: Job) -> None:
        """Tell a worker of a job that the database knows."""
        self.queues.send(job.lane, job.id)

    def find_model(self, user_id: str, name: str | None) -> Model | str:
        """Find the model that a user means: never a path, for that could be any file of this machine.

        Args:
            user_id: who asks.
            name: of one of the user's models, its id, or a model of this installation; None takes the user's default.

        Raises:
            UnknownModel: there is none.
        """
        if name is None:
            chosen = self.repository.models.default(user_id)
            # One of the installation may be gone since.
            return chosen if isinstance(chosen, Model) or chosen in store.list_models() else load_settings().model
        installed = _installed()
        try:
            return self.repository.models.get(user_id, name)
        except NotFound:
            if name in installed:
                return name
        own = [model.name for model in self.repository.models.find(user_id)]
        raise UnknownModel(name, sorted({*installed, *own}))

    def check_unused(self, user_id: str, name: str) -> None:
        """Check that a model of the user's can have a name: whoever names an installed one must get that.

        Raises:
            Conflict: one has it already.
        """
        if name in _installed() or any(model.name == name for model in self.repository.models.find(user_id)):
            raise Conflict(f"there is a model named {name} already; choose another name")

    @contextmanager
    def model_path(self, user_id: str, name: str | None) -> Iterator[str]:
        """Give what :class:`~tinct.inference.pipeline.Colorizer` takes for a model, inside the block.

        Raises:
            UnknownModel: there is none.
            NotFound: its file was deleted.
        """
        model = self.find_model(user_id, name)
        if isinstance(model, str):
            yield model
            return
        with self.storage.fetch(model.key) as path:
            yield str(path)

    def fetch_beside(
        self, stack: ExitStack, user_id: str, ids: Mapping[str, str | None], request: dict[str, Any]
    ) -> None:
        """Let a sandbox's request have a mask and a reference; what it says of them calls them by their names.

        Args:
            stack: the files are there until it is closed.
            user_id: whose they are.
            ids: by ``mask`` and ``reference``; None for none.
            request: gets their paths and names.

        Raises:
            NotFound: one was deleted.
        """
        for kind, id in ids.items():
            if id is not None:
                row = self.repository.artifacts.get(user_id, id)
                path = str(stack.enter_context(self.storage.fetch(row.key)))
                request["options"][kind] = path
                request["names"][path] = row.name

    def folder(self, *parts: str) -> Path:
        """Return a folder below the data folder; made where missing."""
        path = self.settings.data.joinpath(*parts)
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        return path

    def new_keys(self, count: int = 1) -> list[str]:
        """Return keys for files that are to be stored; what comes of none is deleted by :meth:`tidy`."""
        keys = [new_key() for _ in range(count)]
        self.repository.files.note(keys)
        return keys

    def put_beside(self, artifact: Artifact) -> None:
        """Note a file that is stored, and shows a picture in another way, in place of all of its kind.

        Raises:
            NotFound: the picture was deleted; the file is too.
        """
        try:
            replaced = self.repository.artifacts.replace(artifact)
        except NotFound:
            self.forget([artifact.key])
            raise
        self.forget(replaced)

    def forget(self, keys: Sequence[str]) -> None:
        """Delete files that no picture, result or model has any more."""
        for key in keys:
            self.storage.delete(key)
        with suppress(DatabaseError):  # they are tidied up once more then
            self.repository.files.drop(keys)

    def tidy(self, older_than: float) -> None:
        """Clear up what was cut short some seconds ago, of the store only what this very database noted; and what is
        kept no longer, see ``TINCT_KEEP_DAYS``."""
        self.storage.tidy(older_than)
        self.forget(self.repository.files.unnamed(older_than))
        if self.settings.keep_days is not None:
            self._drop_old(self.settings.keep_days * DAY)

    def _drop_old(self, seconds: float) -> None:
        """Delete results that were made some seconds ago, and pictures that nothing was done with since."""
        artifacts, jobs = self.repository.artifacts, self.repository.jobs
        for job in jobs.ended(seconds):
            with suppress(NotFound):  # its user, or another worker, was first
                self.forget(jobs.delete(job.user_id, job.id))
        for picture in artifacts.unused(seconds):
            with suppress(NotFound):
                self.forget(artifacts.delete(picture.user_id, picture.id))


def _installed() -> set[str]:
    """Return the names by which models of the installation are called."""
    return {*store.list_models(), *store.ALIASES}


def _open_storage(settings: ServerSettings) -> Storage:
    folder = settings.data / "files"
    if settings.store_url is None:
        return LocalStorage(folder)
    from tinct.web.buckets import BucketStorage

    return BucketStorage(settings.store_url, folder)
