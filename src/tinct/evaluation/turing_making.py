"""From color photographs and colorizers to the pairs of a Turing test, in a folder of their own."""

from __future__ import annotations

import hashlib
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tinct.color.figures import Pixels
from tinct.errors import DataError, OptionError, OutputError, OutputExists, PhotoError, TinctError
from tinct.evaluation import external
from tinct.evaluation.makers import Maker, ModelMaker, OtherColors, Writing, run_command
from tinct.evaluation.protocol import PROTOCOLS, Item, Original, Protocol, open_dataset, read_original
from tinct.evaluation.trials import FILE, PICTURES, Kind, Trial, TrialSet
from tinct.inference.backends import load_backend
from tinct.inference.options import MODES, Mode
from tinct.media.vips import vips

Progress = Callable[[str, int, int], None]
RANDOM = "random"
"""Who colors catch trials: another photograph."""


@dataclass(frozen=True, slots=True)
class TuringRequest:
    """What pairs to make.

    Raises:
        OptionError: a value is out of range.
    """

    data: tuple[Path, ...]
    out: Path
    """The folder to make."""
    models: tuple[str, ...] = ()
    command: str | None = None
    """An external colorizer, see :mod:`tinct.evaluation.external`."""
    count: int = 40
    """Photographs that count; each is paired with every model's version."""
    session: int | None = None
    """Pairs that count, for each participant; None takes 40, or all where there are fewer."""
    catch: int = 4
    """Further photographs, set against the colors of another."""
    practice: int = 10
    """Further photographs to begin with, with the answer told."""
    protocol: Protocol = "center256"
    mode: Mode = "vivid"
    seed: int = 0
    """Another one draws other photographs."""
    time_limit: float = 3600.0
    device: str = "auto"

    def __post_init__(self) -> None:
        if not self.data:
            raise OptionError("no photographs to make pairs of; give a folder or tar of color photographs (--data)")
        if not self.models and self.command is None:
            raise OptionError("nothing to test; give a model or a command")
        if self.protocol not in PROTOCOLS or self.protocol == "native":
            raise OptionError(f"protocol is {self.protocol!r}; choose center256 or stretch256")
        if self.mode not in MODES:
            raise OptionError(f"mode is {self.mode!r}; choose one of {', '.join(MODES)}")
        for name, value, least in (
            ("--count", self.count, 1),
            ("--session", self.pairs, 1),
            ("--catch", self.catch, 0),
            ("--practice", self.practice, 0),
            ("--seed", self.seed, 0),
        ):
            if value < least:
                raise OptionError(f"{name} is {value}, expected a whole number from {least} up")
        if self.pairs > self.count:
            raise OptionError(
                f"--session is {self.pairs}, more than the {self.count} photographs; nobody sees one twice"
            )

    @property
    def pairs(self) -> int:
        """Pairs that count, for each participant."""
        return min(40, self.count) if self.session is None else self.session


@dataclass(slots=True)
class Made:
    """What came of it."""

    trials: TrialSet
    unreadable: dict[str, str]
    """Photograph -> why it couldn't be used; another took its place."""
    near_gray: int
    """Photographs left out for lack of color."""


def make_trials(request: TuringRequest, progress: Progress = lambda what, done, total: None) -> Made:
    """Make a folder with the pairs of a Turing test.

    Raises:
        DataError: too few color photographs, or a colorizer gave no result.
        OutputError: the folder can't be written; OutputExists: it is there already.
        CommandFailed, UnknownModel, BadModelFile, OptionError: a colorizer can't be used.
    """
    out = request.out
    if out.exists():
        raise OutputExists(f"{out} exists; give another folder, or remove it")
    if not out.parent.is_dir():
        raise OutputError(f"{out} can't be made: {out.parent} is no folder")
    if request.command is not None:
        external.check_command(request.command)
    models: list[Maker] = [
        ModelMaker(name, load_backend(name, request.device), request.mode)  # type: ignore[arg-type]  # checked there
        for name in dict.fromkeys(request.models)
    ]
    items = list({item.sha256: item for path in request.data for item in open_dataset(path).items}.values())
    items.sort(key=lambda item: hashlib.sha256(f"{request.seed} {item.sha256}".encode()).digest())
    chosen = _Chosen(request, items, progress)
    with tempfile.TemporaryDirectory(prefix="tinct-turing-") as place:
        if request.command is not None:
            wanted = [item for item, kind in chosen.items if kind != "catch"]
            limit = request.time_limit
            made = run_command(request.command, wanted, request.protocol, Path(place), limit, _one_by_one, progress)
            assert made is not None
            models.append(made)
        random = OtherColors(RANDOM, items, request.protocol)
        with _new_folder(out) as folder:
            (folder / PICTURES).mkdir()
            trials = tuple(_make_pairs(request, folder / PICTURES, models, random, chosen.items, progress))
            found = TrialSet(secrets.token_hex(8), request.protocol, request.pairs, trials)
            (folder / FILE).write_text(found.to_json(), "utf-8")
    return Made(found, chosen.unreadable, chosen.near_gray)


class _Chosen:
    """The first photographs that can be used: those that count, then catch trials and practice."""

    def __init__(self, request: TuringRequest, items: Sequence[Item], progress: Progress) -> None:
        kinds: list[Kind] = ["test"] * request.count
        kinds += ["catch"] * request.catch
        kinds += ["practice"] * request.practice
        self.unreadable: dict[str, str] = {}
        self.near_gray = 0
        self.items: list[tuple[Item, Kind]] = []
        for item in items:
            if len(self.items) == len(kinds):
                return
            progress("choosing photographs", len(self.items), len(kinds))
            try:
                original = read_original(item.source, request.protocol)
            except PhotoError as error:
                self.unreadable[item.source.name] = str(error)
                continue
            if original.near_gray:
                self.near_gray += 1
                continue
            self.items.append((item, kinds[len(self.items)]))
        if len(self.items) < len(kinds):
            raise DataError(
                f"the set has {len(self.items)} color photographs, {len(kinds)} are needed: {request.count} that "
                f"count, {request.catch} for catch trials, {request.practice} for practice; lower --count, --catch or "
                f"--practice, or give more photographs ({self.near_gray} are near gray, {len(self.unreadable)} "
                "can't be read)"
            )


def _one_by_one(work: Writing, tasks: Sequence[tuple[int, Item]]) -> Iterator[tuple[tuple[int, Item], str | None]]:
    for task in tasks:
        yield task, work(task)


def _make_pairs(
    request: TuringRequest,
    folder: Path,
    models: Sequence[Maker],
    random: Maker,
    chosen: Sequence[tuple[Item, Kind]],
    progress: Progress,
) -> Iterator[Trial]:
    for place, (item, kind) in enumerate(chosen):
        progress("coloring", place, len(chosen))
        original = read_original(item.source, request.protocol)
        by_kind = {"test": models, "catch": [random], "practice": [models[place % len(models)]]}
        for number, maker in enumerate(by_kind[kind]):
            files = f"{place:04}-original.png", f"{place:04}-{number}.png"
            if number == 0:
                _write(folder / files[0], original.rgb)
            _write(folder / files[1], _color(maker, item, original))
            yield Trial(f"{place:04}-{number}", kind, item.source.name, maker.name, *files)
    progress("coloring", len(chosen), len(chosen))


def _color(maker: Maker, item: Item, original: Original) -> Pixels:
    try:
        return maker.make(item, original)
    except TinctError as error:
        raise DataError(f"{maker.name} gave no result of {item.source.name}: {error}") from error


def _write(path: Path, pixels: Pixels) -> None:
    path.write_bytes(vips().Image.new_from_array(pixels).copy(interpretation="srgb").pngsave_buffer())


@contextmanager
def _new_folder(target: Path) -> Iterator[Path]:
    """Give an empty folder that takes its place when the block ends, and is removed when that raises."""
    try:
        folder = Path(tempfile.mkdtemp(prefix=".tinct-", suffix=".tmp", dir=target.parent))
        try:
            yield folder
            folder.chmod(0o755)
            folder.rename(target)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    except OSError as error:
        raise OutputError(f"{target} can't be written ({error.strerror or error})") from error
