"""A film colorized: one shot by itself, and all of them joined.

:func:`colorize_shot` needs the plan, the source and a model, and leaves one file; so shots may be worked on in any
order, on any machine that sees the folder. :func:`finish` joins them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import av.error
import numpy as np
from numpy.typing import NDArray

from tinct.errors import UnreadableVideo
from tinct.inference.backends import Backend
from tinct.inference.readout import saturate
from tinct.media.atomic import atomic_path
from tinct.video import anchors, state
from tinct.video.deflicker import deflicker
from tinct.video.encode import write_shot
from tinct.video.film import Reader, opened
from tinct.video.flow import Linker, one_thread
from tinct.video.join import join_shots
from tinct.video.marks import make_mark
from tinct.video.painting import Painter
from tinct.video.plan import Job, Plan, digest
from tinct.video.seeing import Seer, in_order
from tinct.video.shots import Shot
from tinct.video.steady import Colored, steady
from tinct.video.tones import Frame, Toner

Floats = NDArray[np.float32]


class Studio:
    """What the shots of one film share; used by one thread.

    Args:
        plan: of the film.
        backend: the model; several frames are given to it at once, so it needs one thread only.
        jobs: how many.
    """

    def __init__(self, plan: Plan, backend: Backend, jobs: int = 1) -> None:
        self.plan, self._backend, self._jobs = plan, backend, jobs
        self._reader = Reader(plan.film, plan.survey.ticks, seekable=plan.survey.seekable)
        self._toner = Toner(plan.film, colored=plan.survey.colored)
        self._painter = Painter(self._toner.table, deep=plan.encoding.depth > 8)
        height, width, aspect = self._toner.shape
        self._seer = Seer(backend, plan.options.colors, height, width, aspect)
        self.notes = [note for note in (self._seer.note,) if note]
        """What a user should know, a sentence each."""

    def colorize_shot(self, shot: Shot, on_frame: Callable[[], None] = lambda: None) -> Path:
        """Colorize a shot into its file, which is there whole or not at all.

        Args:
            shot: of the plan.
            on_frame: called after each frame.

        Raises:
            UnreadableVideo: the source isn't any more what it was.
            OutputError: the file can't be written.
            TinctError: a hint or a reference can't be used.
        """
        plan, path = self.plan, self.plan.piece(shot)
        with one_thread(), ThreadPoolExecutor(self._jobs, "tinct-seeing") as pool:
            change = self._carry(shot)
            with atomic_path(path, overwrite=True) as temporary:
                painted = self._paint(shot, pool, change, on_frame)
                count = write_shot(temporary, plan.film, plan.encoding, painted)
                if count != shot.count:
                    raise UnreadableVideo(
                        f"{plan.film.path} gave {count} frames where it had {shot.count}; it changed, or its disk fails"
                    )
        return path

    def is_done(self, shot: Shot) -> bool:
        """Tell whether the file of a shot is there and holds all its frames."""
        path = self.plan.piece(shot)
        if not path.is_file():
            return False
        try:
            with opened(path) as container:
                packets = container.demux(container.streams.video[0])
                return sum(packet.pts is not None for packet in packets) == shot.count
        except (UnreadableVideo, av.error.FFmpegError, IndexError):
            return False

    def _frames(self, numbers: range) -> Iterator[Frame]:
        decoded = self._reader.frames(numbers.start, len(numbers))
        frames = (self._toner.take(number, frame) for number, frame in zip(numbers, decoded, strict=False))
        return deflicker(frames) if self.plan.options.deflicker else frames

    def _paint(
        self, shot: Shot, pool: ThreadPoolExecutor, change: NDArray[np.float16] | None, on_frame: Callable[[], None]
    ) -> Iterator[NDArray[Any]]:
        options, own = self.plan.options, range(shot.first, shot.first + shot.count)
        seen = shot.seen if options.steady or options.deflicker else own
        looked = in_order(pool, self._frames(seen), self._seer.look, self._jobs + 2)
        pairs: Iterable[tuple[Colored, Floats]] = (
            steady(looked, Linker(self._seer.cells, self._seer.side))
            if options.steady
            else ((colored, colored.ab) for colored in looked)
        )
        for colored, steadied in pairs:
            if colored.frame.number not in own:
                continue
            ab = steadied
            if change is not None:
                ab = ab + change[colored.frame.number - shot.whole_first].astype(np.float32)
            if options.colors.saturation != 1:
                ab = saturate(colored.lightness, ab, options.colors.saturation)
            pixels = self._painter.paint(colored.frame, colored.lightness, ab, self._seer.cell)
            on_frame()
            yield self._toner.stored(pixels)

    def _carry(self, shot: Shot) -> NDArray[np.float16] | None:
        """Return the changes that hints and references make in a shot; None where there are none."""
        plan, options = self.plan, self.plan.options
        found = anchors.find_anchors(options.hints, options.references, shot.whole_first, shot.whole_count, plan.times)
        if not found:
            return None
        file = plan.change(shot)
        if not file.exists():
            differ = anchors.Differ(self._backend, options.colors, self._seer.cells)
            frames = self._frames(range(shot.whole_first, shot.whole_first + shot.whole_count))
            linker = Linker(self._seer.cells, self._seer.side)
            anchors.carry(frames, shot.whole_count, found, differ, self._seer.shrink, linker, file)
            self.notes += [note for note in differ.notes if note not in self.notes]
        return anchors.load(file)


def colorize_shot(plan: Plan, shot: Shot, backend: Backend, jobs: int = 1) -> Path:
    """Colorize one shot into its file; see :meth:`Studio.colorize_shot`."""
    return Studio(plan, backend, jobs).colorize_shot(shot)


def finish(job: Job, plan: Plan, backend: Backend) -> None:
    """Join the finished shots to the film, and delete them; their folder goes, too, unless it was there before.

    Raises:
        OutputExists: the target is there and may not be replaced.
        OutputError: it can't be written.
        UnreadableVideo: a shot is missing, or the source isn't any more what it was.
    """
    if digest(plan.film.path) != plan.source_hash:
        raise UnreadableVideo(f"{plan.film.path} changed while it was colorized; run the same command again")
    mark = None
    if job.mark:
        mark = make_mark(
            model=backend.spec.name,
            model_hash=backend.model_hash,
            source_hash=plan.source_hash,
            settings=plan.settings,
            output=plan.encoding.to_output(),
        )
    state.drop_unfinished(plan.folder)
    join_shots(
        plan.film,
        plan.encoding,
        plan.survey.ticks,
        [(shot, plan.piece(shot)) for shot in plan.survey.shots],
        Path(job.target),
        mark=mark,
        whole=job.options.seconds is None,
        overwrite=job.overwrite,
        on_file=partial(state.note_unfinished, plan.folder),
    )
    state.clear(plan.folder)
    state.release(plan.folder)
