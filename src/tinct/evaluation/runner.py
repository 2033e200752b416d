"""From data sets and colorizers to the table: measures each photograph once, and keeps what it found."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import tinct
from tinct.color.figures import Pixels
from tinct.errors import DataError, DataOutOfReach, PhotoError, TinctError
from tinct.evaluation import auc, external, hints, protocol
from tinct.evaluation.cost import PICTURES, count_gmacs, measure_cost
from tinct.evaluation.judges import Judges
from tinct.evaluation.learned import warn_of_learned
from tinct.evaluation.makers import CommandMaker, Gray, Maker, ModelMaker, OneColor, OtherColors, Same, run_command
from tinct.evaluation.measure import measure, pixels_hash
from tinct.evaluation.protocol import Dataset, Item, manifest_hash, open_dataset, read_original
from tinct.evaluation.request import Evaluation, Photograph, Progress, Request, Row
from tinct.evaluation.rows import Cost, Gathered, compare, count_originals, make_row
from tinct.evaluation.store import Measured, Output, Store
from tinct.inference.backends import load_backend
from tinct.training.held import read_held

NEAR_GRAY, MEASURED, UNREADABLE = "near gray", "measured", "unreadable"
SAME = Same("original")
_CODE = ("color", "evaluation", "inference", "media", "models")
"""Packages whose code decides the figures."""

Task = TypeVar("Task")
Done = TypeVar("Done")


@dataclass(frozen=True, slots=True)
class Views:
    """Makes pictures anew, to be shown; to be used while the evaluation is open."""

    measured: Callable[[str, str, Sequence[str]], Iterator[tuple[str, Pixels, Pixels]]]
    """Takes names of data set, row and photographs; gives name, original and result of each."""
    other: Callable[[str, Path], Iterator[tuple[str, Pixels, Pixels]]]
    """Takes the name of a model and a folder of photographs; gives name, original and result of each."""


@contextmanager
def evaluate(
    request: Request, progress: Progress = lambda what, done, total: None
) -> Iterator[tuple[Evaluation, Views]]:
    """Measure colorizers on photographs whose colors are known.

    Args:
        request: what to measure.
        progress: called as it goes on, on this thread.

    Yields:
        What was found, and what shows photographs; inside the block, the outputs of an external command are still
        there.

    Raises:
        DataError: no photographs, or none with color; or a run doesn't say what it held back.
        DataOutOfReach: a photograph can't be read any more; what was measured before is kept.
        CommandFailed: the external command failed or took too long.
        UnknownModel, BadModelFile, OptionError, MissingExtra: a model can't be used, or not like this.
        OutputError: the store can't be used.
    """
    if request.command is not None:
        external.check_command(request.command)
    jobs = request.jobs or min(8, os.cpu_count() or 1)
    groups = frozenset(figure.group for figure in request.figures)
    models = [
        ModelMaker(
            name,
            load_backend(name, request.device, max(1, (os.cpu_count() or 1) // jobs)),  # type: ignore[arg-type]
            request.mode,
            raw=request.raw_rgb,
        )
        for name in dict.fromkeys(request.models)
    ]
    judges = Judges(groups, request)
    with ExitStack() as stack:
        stack.enter_context(judges.threads(jobs))
        store = stack.enter_context(Store(request.store, _context(request, groups, judges)))
        pool = stack.enter_context(ThreadPoolExecutor(jobs, thread_name_prefix="evaluate"))
        stack.callback(pool.shutdown, cancel_futures=True)
        run = _Run(request, groups, store, judges, pool, jobs, progress)
        yield run.all(models, stack), Views(run.look, run.look_at_others)


def _context(request: Request, groups: Iterable[str], judges: Judges) -> str:
    """Return what the figures depend on beside photographs and pixels."""
    code = hashlib.sha256()
    root = Path(tinct.__file__).parent
    for package in _CODE:
        for file in sorted((root / package).rglob("*.py")):
            code.update(file.read_bytes())
    parts = (request.protocol, sorted(groups), judges.identity, code.hexdigest())
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class _Work:
    """What became of one photograph."""

    status: str
    outputs: dict[str, Output]
    measured: dict[str, Measured]


class _Run:
    """One evaluation under way."""

    def __init__(
        self,
        request: Request,
        groups: frozenset[str],
        store: Store,
        judges: Judges,
        pool: ThreadPoolExecutor,
        jobs: int,
        progress: Progress,
    ) -> None:
        self.request, self.groups, self.store, self.judges = request, groups, store, judges
        self.pool, self.jobs, self.progress = pool, jobs, progress
        self.already = 0
        self.warnings: list[str] = []
        self.unshown: dict[str, str] = {}
        self.sets: dict[str, tuple[Dataset, list[Maker]]] = {}

    def all(self, models: Sequence[ModelMaker], stack: ExitStack) -> Evaluation:
        """Measure everything."""
        manifest: dict[str, list[Photograph]] = {}
        rows: list[Row] = []
        comparisons, curve = [], []
        for dataset in self._datasets():
            makers = self._makers(dataset, models, stack)
            self.sets[dataset.name] = dataset, makers
            self._measure(dataset, makers)
            manifest[dataset.name] = photographs = [self._photograph(item) for item in dataset.items]
            colored = [i for i, p in zip(dataset.items, photographs, strict=True) if p.status == MEASURED]
            if not colored:
                raise _nothing(dataset, photographs)
            weights = auc.rebalancing(count_originals(self.store, SAME, colored)) if "area" in self.groups else None
            gathered = [(maker, Gathered(self.store, maker, colored, SAME, weights)) for maker in makers]
            for maker, found in gathered:
                rows.append(make_row(dataset.name, maker, found, self.request.figures, self._cost(maker, colored)))
            comparisons += compare(dataset.name, gathered, self.request.figures)
            if self.request.hint_curve:
                for model in models:
                    curve += hints.summarize(dataset.name, model.name, self._hint_curve(model, colored))
        readable = [p.sha256 for photos in manifest.values() for p in photos if p.status != UNREADABLE]
        return Evaluation(
            self.request,
            manifest,
            {n: manifest_hash(p.sha256 for p in photos if p.status != UNREADABLE) for n, photos in manifest.items()},
            manifest_hash(readable),
            rows,
            comparisons,
            curve,
            self.judges.reasons,
            self.warnings,
            self.already,
            self.unshown,
        )

    def look(self, data: str, row: str, names: Sequence[str]) -> Iterator[tuple[str, Pixels, Pixels]]:
        """Make results anew; see :class:`Views`."""
        dataset, makers = self.sets[data]
        maker = next(maker for maker in makers if maker.name == row)
        items = {item.source.name: item for item in dataset.items}
        for name in names:
            original = read_original(items[name].source, self.request.protocol)
            yield name, original.rgb, maker.make(items[name], original)

    def look_at_others(self, row: str, folder: Path) -> Iterator[tuple[str, Pixels, Pixels]]:
        """Colorize other photographs; see :class:`Views`. An external command has run, and gives none."""
        makers = next(iter(self.sets.values()))[1]
        maker = next(maker for maker in makers if maker.name == row)
        if isinstance(maker, ModelMaker):
            for item in open_dataset(folder).items:
                try:
                    original = read_original(item.source, self.request.protocol)
                    made = maker.make(item, original)
                except TinctError as error:
                    self.unshown[item.source.name] = str(error)
                else:
                    yield item.source.name, original.rgb, made

    def _datasets(self) -> Iterator[Dataset]:
        names: set[str] = set()
        request = self.request
        held = None if request.held_of is None else read_held(request.held_of).names
        for path in dict.fromkeys(request.data):
            self.progress(f"reading {path.name}", 0, 0)
            dataset = open_dataset(path, request.count, request.part, held)
            self.warnings += warn_of_learned(request.models, path, dataset.items)
            # Two folders may have the same name.
            name = dataset.name if dataset.name not in names else str(path)
            names.add(name)
            yield Dataset(name, dataset.items)

    def _makers(self, dataset: Dataset, models: Sequence[ModelMaker], stack: ExitStack) -> list[Maker]:
        other = OtherColors("random", dataset.items, self.request.protocol)
        makers: list[Maker] = [Gray("gray"), OneColor("one-ab"), other, *models]
        if self.request.command is not None:
            makers.append(self._run_command(self.request.command, dataset, stack))
        return [*makers, SAME]

    def _run_command(self, command: str, dataset: Dataset, stack: ExitStack) -> CommandMaker:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tinct-evaluate-")))
        limit, chosen = self.request.time_limit, self.request.protocol
        made = run_command(command, dataset.items, chosen, folder, limit, self._in_order, self.progress)
        if made is None:
            raise _nothing(dataset, [])
        return made

    def _measure(self, dataset: Dataset, makers: Sequence[Maker]) -> None:
        """Measure what isn't yet in the store."""
        tasks: list[tuple[Item, list[tuple[str, Maker]]]] = []
        seen: set[str] = set()
        for item in dataset.items:
            if item.sha256 not in seen:
                seen.add(item.sha256)
                lacking = self._lacking(item, makers)
                if lacking:
                    tasks.append((item, lacking))
        known = len(seen) - len(tasks)
        self.already += known
        what = f"measuring on {dataset.name}"
        self.progress(what, known, len(seen))
        for done, ((item, _), work) in enumerate(self._in_order(self._work, tasks), known + 1):
            self.store.keep(item.sha256, work.status, work.outputs, work.measured.items())
            self.progress(what, done, len(seen))

    def _lacking(self, item: Item, makers: Sequence[Maker]) -> list[tuple[str, Maker]]:
        """Return who is still to be measured on a photograph, also where an earlier run failed."""
        if self.store.status(item.sha256) == NEAR_GRAY:
            return []
        lacking = []
        for maker in makers:
            identity = maker.identity(item)
            output = self.store.output(item.sha256, identity)
            if output is None or output.pixels is None or not self.store.has(item.sha256, output.pixels):
                lacking.append((identity, maker))
        return lacking

    def _work(self, task: tuple[Item, list[tuple[str, Maker]]]) -> _Work:
        """Measure one photograph, on a thread of the pool."""
        item, lacking = task
        try:
            original = read_original(item.source, self.request.protocol)
        except PhotoError as error:
            return _Work(f"{UNREADABLE}: {error}", {}, {})
        if original.near_gray:
            return _Work(NEAR_GRAY, {}, {})
        outputs: dict[str, Output] = {}
        pictures: dict[str, Pixels] = {}
        for identity, maker in lacking:
            try:
                pixels = maker.make(item, original)
            except DataOutOfReach:
                raise
            except TinctError as error:
                outputs[identity] = Output(None, str(error))
                continue
            digest = pixels_hash(pixels)
            outputs[identity] = Output(digest, None)
            pictures[digest] = pixels
        found = {digest: measure(original, pixels, self.groups) for digest, pixels in pictures.items()}
        return _Work(MEASURED, outputs, self.judges.look(original, pictures, found))

    def _photograph(self, item: Item) -> Photograph:
        status = self.store.status(item.sha256) or ""
        if status.startswith(UNREADABLE):
            return Photograph(item.source.name, item.sha256, "unreadable", status.removeprefix(f"{UNREADABLE}: "))
        return Photograph(item.source.name, item.sha256, "near gray" if status == NEAR_GRAY else "measured")

    def _cost(self, maker: Maker, items: Sequence[Item]) -> Cost:
        if "cost" not in self.groups or not isinstance(maker, (ModelMaker, CommandMaker)):
            return {}
        if isinstance(maker, CommandMaker):
            return {"milliseconds": maker.milliseconds}
        key = f"cost {maker.identity()} {self.request.device}"
        kept = self.store.note(key)
        if kept is None:
            self.progress(f"timing {maker.name}", 0, 0)
            levels = [read_original(item.source, self.request.protocol).levels for item in items[:PICTURES]]
            kept = json.dumps(measure_cost(maker.name, self.request.mode, self.request.device, levels))
            self.store.set_note(key, kept)
        spec = maker.backend.spec
        cost: dict[str, float | list[float] | None] = {**json.loads(kept), "parameters": spec.parameters or None}
        try:
            cost["gmacs"] = count_gmacs(spec)
        except TinctError as error:
            self.judges.reasons["gmacs"] = str(error)
        return cost

    def _hint_curve(self, model: ModelMaker, items: Sequence[Item]) -> list[dict[str, float]]:
        """Return the PSNR of each photograph by protocol and number of hints."""
        key = f"hints {model.identity()}"
        kept = {item.sha256: self.store.note(f"{key} {item.sha256}") for item in items}
        tasks = [item for item in items if kept[item.sha256] is None]

        def work(item: Item) -> str:
            return json.dumps(
                hints.measure_curve(model, read_original(item.source, self.request.protocol), item.sha256)
            )

        what = f"hint curve of {model.name}"
        for done, (item, found) in enumerate(self._in_order(work, tasks), len(items) - len(tasks) + 1):
            kept[item.sha256] = found
            self.store.set_note(f"{key} {item.sha256}", found)
            self.progress(what, done, len(items))
        return [json.loads(found) for found in kept.values() if found is not None]

    def _in_order(self, work: Callable[[Task], Done], tasks: Sequence[Task]) -> Iterator[tuple[Task, Done]]:
        """Work on the pool, a few ahead and no more, so that memory stays flat; yield in the order of the tasks."""
        ahead: deque[tuple[Task, Future[Done]]] = deque()
        for task in tasks:
            ahead.append((task, self.pool.submit(work, task)))
            if len(ahead) > 2 * self.jobs:
                first, future = ahead.popleft()
                yield first, future.result()
        while ahead:
            first, future = ahead.popleft()
            yield first, future.result()


def _nothing(dataset: Dataset, photographs: Sequence[Photograph]) -> DataError:
    unreadable = [p for p in photographs if p.status == UNREADABLE]
    if photographs and len(unreadable) == len(photographs):
        return DataError(
            f"{dataset.name}: none of the {len(photographs)} photographs can be read ({unreadable[0].reason})"
        )
    return DataError(
        f"{dataset.name}: there is no color in the set; all of its {len(dataset.items)} photographs have a mean chroma "
        f"under {protocol.LEAST_CHROMA:g}, so nobody can tell what their colors should be; give color photographs"
    )
