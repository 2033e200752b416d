from __future__ import annotations

from pathlib import Path
from unittest.mock import Mock

import pytest

from tinct.errors import ConfigError
from tinct.settings import Settings, load_server_settings, load_settings


def test_defaults() -> None:
    assert load_settings({}, file=None) == Settings()


def test_the_environment_is_read_and_others_variables_are_not() -> None:
    given = {
        "TINCT_MODEL": "mine.onnx",
        "TINCT_JOBS": "3",
        "TINCT_MAX_PIXELS": "1000",
        "TINCT_WEIGHTS": "w",
        "MODEL": "x",
    }
    expected = Settings(model="mine.onnx", jobs=3, max_pixels=1000, weights=Path("w"))
    assert load_settings({**given, "TINCT_DEVICE": ""}, file=None) == expected


def test_a_file_gives_what_the_environment_doesn_t(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("# comment\nexport TINCT_DEVICE='cpu'\nTINCT_JOBS=2\nOTHER=3\n#TINCT_MODEL=no\n", encoding="utf-8")
    assert load_settings({"TINCT_JOBS": "5"}, file=file) == Settings(device="cpu", jobs=5)


def test_a_missing_file_is_no_fault(tmp_path: Path) -> None:
    assert load_settings({}, file=tmp_path / ".env") == Settings()


def test_a_file_that_can_t_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / ".env"
    file.touch()
    monkeypatch.setattr(Path, "read_text", Mock(side_effect=PermissionError(13, "Permission denied")))
    with pytest.raises(ConfigError, match=r"\.env: 1 fault\n  - can't be read \(Permission denied\); allow it"):
        load_settings({}, file=file)


def test_all_faults_at_once() -> None:
    with pytest.raises(ConfigError) as raised:
        load_settings({"TINCT_DEVICE": "tpu", "TINCT_JOBS": "0", "TINCT_MAX_PIXELS": "many"}, file=None)
    assert [fault.split()[0] for fault in raised.value.faults] == ["TINCT_DEVICE", "TINCT_JOBS", "TINCT_MAX_PIXELS"]


def test_a_server_s_settings(tmp_path: Path) -> None:
    plain = load_server_settings(None, {"XDG_DATA_HOME": "x"}, file=None)
    assert plain.data.is_absolute()
    assert plain.database_url == f"sqlite:///{plain.data / 'tinct.sqlite'}"
    given = {
        "TINCT_DATA_DIR": "elsewhere",
        "TINCT_DATABASE_URL": "postgresql+psycopg://h/n",
        "TINCT_QUEUE_URL": "redis://h:6379/0",
        "TINCT_HOSTS": "Photos.example, b.example",
        "TINCT_UPLOAD_BYTES": "1000",
    }
    found = load_server_settings(tmp_path, given, file=None)
    assert found.data == tmp_path
    assert found.hosts == ("photos.example", "b.example")
    assert (found.upload_bytes, found.queue_url) == (1000, "redis://h:6379/0")
    assert load_server_settings(None, given, file=None).data == Path("elsewhere").absolute()


def test_all_faults_of_a_server_at_once() -> None:
    with pytest.raises(ConfigError) as raised:
        load_server_settings(None, {"TINCT_REQUESTS": "no", "TINCT_QUEUE_URL": "amqp://x"}, file=None)
    assert [fault.split()[0] for fault in raised.value.faults] == ["TINCT_REQUESTS", "TINCT_QUEUE_URL"]
