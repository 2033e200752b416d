"""What working on a film shot by shot must know, in a folder beside the result, so that a killed run can go on."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import scenedetect
from numpy.typing import NDArray

import tinct
from tinct.errors import HintError, OptionError, OutputExists, UnreadableVideo
from tinct.inference.backends import Backend
from tinct.video import state
from tinct.video.anchors import check_references
from tinct.video.codecs import Encoding, choose_encoding
from tinct.video.film import Film, examine
from tinct.video.join import check_target
from tinct.video.options import FilmOptions
from tinct.video.shots import Shot, Survey, survey

FOLDER = ".shots"
"""Ending of the folder's name."""


@dataclass(frozen=True, slots=True)
class Job:
    """What is asked for."""

    source: str
    target: str
    options: FilmOptions = FilmOptions()  # noqa: RUF009 - frozen
    codec: str | None = None
    """See :func:`~tinct.video.codecs.choose_encoding`."""
    depth: int | None = None
    quality: int | None = None
    without: tuple[str, ...] = ()
    state: str | None = None
    """Folder of the finished shots; None for one beside the target."""
    mark: bool = True
    """Whether the film says that a model colored it."""
    overwrite: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """A film, looked through; whoever has it and the source can colorize any of its shots."""

    film: Film
    encoding: Encoding
    survey: Survey
    options: FilmOptions
    folder: Path
    """Where finished shots go."""
    source_hash: str
    """SHA-256 of the source, in hex."""
    settings: dict[str, Any]
    """For the mark."""
    notes: tuple[str, ...]
    """What a user should know, a sentence each."""

    def piece(self, shot: Shot) -> Path:
        """Return the file of a shot; it is there once the shot is finished, and whole."""
        return self.folder / f"shot-{shot.number:05}.mkv"

    def change(self, shot: Shot) -> Path:
        """Return the file of the changes that hints and references make in a shot."""
        return self.folder / f"change-{shot.whole_first:07}.npy"

    @property
    def times(self) -> NDArray[np.float64]:
        """When each frame is shown, (n,), in seconds from the first."""
        return _times(self.film, self.survey)


def make_plan(job: Job, backend: Backend, on_frame: Callable[[int], None] = lambda _number: None) -> Plan:
    """Look through a film, or remember what an earlier run of the same job found.

    Other runs are kept off the folder until :func:`~tinct.video.work.finish`, or until this process ends. Finished
    shots of a job with other options, another source or model are deleted.

    Args:
        job: what is asked for.
        backend: the model.
        on_frame: called with the number of each frame that is looked at.

    Raises:
        UnreadableVideo: the source can't be used.
        OptionError: the options don't go together, the target is the source, or two references are for one frame.
        HintError: a hint or a reference lies after the film's end; those after a preview's end are left out.
        OutputExists, OutputError: the target or the folder can't be written, or another run has the folder.
    """
    target = Path(job.target)
    if target.exists() and Path(job.source).exists() and target.samefile(job.source):
        raise OptionError(f"{target} is the film itself, which is never replaced; give another name")
    if target.exists() and not job.overwrite:
        raise OutputExists(f"{target} exists; give another name, or allow overwriting it (--overwrite)")
    film = examine(job.source)
    encoding = choose_encoding(film, target, job.codec, job.depth, job.quality, job.without)
    left_out = check_target(film, encoding)
    hashes = {path: digest(path) for path in {found.path for found in job.options.references}}
    source_hash = digest(job.source)
    folder = Path(job.state) if job.state is not None else target.with_name(target.name + FOLDER)
    fingerprint = {
        "source": source_hash,
        "settings": job.options.to_settings(hashes),
        # The rest of it matters only when shots are joined.
        "encoding": [encoding.codec, encoding.depth, encoding.pixel_format, encoding.quality],
        "model": backend.model_hash,
        # Another version may find other shots, or encode in a way that doesn't join.
        "versions": [tinct.__version__, av.ffmpeg_version_info, cv2.__version__, scenedetect.__version__],
    }
    state.take(folder)
    try:
        known = state.recall(folder, fingerprint)
        found = known if known is not None else survey(film, job.options.seconds, on_frame)
        options, later = _choose_given(job.options, film, found)
        if known is None:
            state.note_down(folder, fingerprint, found)
    except BaseException:
        state.release(folder)
        raise
    settings, notes = options.to_settings(hashes), (*found.notes, *left_out, *later)
    return Plan(film, encoding, found, options, folder, source_hash, settings, notes)


def digest(path: str) -> str:
    """Return the SHA-256 of a file, in hex.

    Raises:
        UnreadableVideo: it can't be read.
    """
    try:
        with Path(path).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UnreadableVideo(f"{path} can't be read ({error.strerror or error})") from error


def _choose_given(options: FilmOptions, film: Film, found: Survey) -> tuple[FilmOptions, list[str]]:
    """Return the options with the hints and references of what was looked at, and what a user should know of others.

    Raises:
        HintError: one lies after the end of the whole film.
        OptionError: two references are for one frame.
    """
    times = _times(film, found)
    end = float(times[-1]) + float(1 / film.rate)
    hints = tuple(hint for hint in options.hints if hint.time < end)
    references = tuple(one for one in options.references if one.time is None or one.time < end)
    check_references(references, times)
    given = [hint.time for hint in options.hints]
    given += [reference.time for reference in options.references if reference.time is not None]
    late = [time for time in given if time >= end]
    if not late:
        return options, []
    if options.seconds is None:
        raise HintError(f"{late[0]:g} seconds, the time of a hint or reference, lie after the end at {end:.2f}")
    note = f"the preview ends at {end:.2f} seconds; of the hints and references, {len(late)} for later were left out"
    return replace(options, hints=hints, references=references), [note]


def _times(film: Film, found: Survey) -> NDArray[np.float64]:
    times: NDArray[np.float64] = (found.ticks - found.ticks[0]).astype(np.float64) * float(film.time_base)
    return times
