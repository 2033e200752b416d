from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from unittest.mock import Mock

import pytest

from tinct.errors import ConfigError
from tinct.settings import Settings, add_file, load_folder, load_server_settings, load_settings


def test_defaults() -> None:
    assert load_settings({}) == Settings()


def test_the_environment_is_read_and_others_variables_are_not() -> None:
    given = {
        "TINCT_MODEL": "mine.onnx",
        "TINCT_JOBS": "3",
        "TINCT_MAX_PIXELS": "1000",
        "MODEL": "x",
    }
    expected = Settings(model="mine.onnx", jobs=3, max_pixels=1000)
    assert load_settings({**given, "TINCT_DEVICE": ""}) == expected


def test_a_folder_is_read_whatever_else_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TINCT_JOBS", "abc")
    monkeypatch.setenv("TINCT_WEIGHTS", "w")
    monkeypatch.setenv("TINCT_DATA", "")
    assert load_folder("weights") == Path("w")
    assert load_folder("data") is None


def test_a_file_gives_what_the_environment_doesn_t(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("# comment\nexport TINCT_DEVICE='cpu'\nTINCT_JOBS=2\nOTHER=3\n#TINCT_MODEL=no\n", encoding="utf-8")
    environment = {"TINCT_JOBS": "5"}
    add_file(file, environment)
    assert environment == {"TINCT_JOBS": "5", "TINCT_DEVICE": "cpu"}


def test_a_missing_file_is_no_fault(tmp_path: Path) -> None:
    environment: dict[str, str] = {}
    add_file(tmp_path / ".env", environment)
    assert environment == {}


def test_a_file_that_can_t_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / ".env"
    file.touch()
    monkeypatch.setattr(Path, "read_text", Mock(side_effect=PermissionError(13, "Permission denied")))
    with pytest.raises(ConfigError, match=r"\.env: 1 fault\n  - can't be read \(Permission denied\); allow it"):
        add_file(file, {})


def test_only_the_command_reads_the_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("TINCT_JOBS=abc\n", encoding="utf-8")
    code = "import tinct; from tinct.settings import load_settings; print(*tinct.list_models(), load_settings().jobs)"
    used = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (used.stdout.split()[0], used.stdout.split()[-1]) == ("tinct", "None"), used.stderr
    command = [sys.executable, "-m", "tinct", "colorize", "photo.jpg"]
    refused = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "TINCT_JOBS is 'abc'" in refused.stderr
    assert refused.returncode == 2


def test_all_faults_at_once() -> None:
    with pytest.raises(ConfigError) as raised:
        load_settings({"TINCT_DEVICE": "tpu", "TINCT_JOBS": "0", "TINCT_MAX_PIXELS": "many"})
    assert [fault.split()[0] for fault in raised.value.faults] == ["TINCT_DEVICE", "TINCT_JOBS", "TINCT_MAX_PIXELS"]


def test_a_server_s_settings(tmp_path: Path) -> None:
    plain = load_server_settings(None, {"XDG_DATA_HOME": "x"})
    assert plain.data.is_absolute()
    assert plain.database_url == f"sqlite:///{plain.data / 'tinct.sqlite'}"
    given = {
        "TINCT_DATA_DIR": "elsewhere",
        "TINCT_DATABASE_URL": "postgresql+psycopg://h/n",
        "TINCT_QUEUE_URL": "redis://h:6379/0",
        "TINCT_HOSTS": "Photos.example, b.example",
        "TINCT_PROXIES": "10.0.0.1, fd00::/8",
        "TINCT_UPLOAD_BYTES": "1000",
    }
    found = load_server_settings(tmp_path, given)
    assert found.data == tmp_path
    assert found.hosts == ("photos.example", "b.example")
    assert found.proxies == ("10.0.0.1", "fd00::/8")
    assert plain.proxies == ("127.0.0.0/8", "::1")
    assert (found.upload_bytes, found.queue_url) == (1000, "redis://h:6379/0")
    assert load_server_settings(None, given).data == Path("elsewhere").absolute()


def test_all_faults_of_a_server_at_once() -> None:
    with pytest.raises(ConfigError) as raised:
        load_server_settings(None, {"TINCT_REQUESTS": "no", "TINCT_QUEUE_URL": "amqp://x", "TINCT_PROXIES": "nginx"})
    assert [fault.split()[0] for fault in raised.value.faults] == ["TINCT_REQUESTS", "TINCT_QUEUE_URL", "TINCT_PROXIES"]


def test_files_are_kept_for_ever_unless_days_are_given(tmp_path: Path) -> None:
    assert load_server_settings(tmp_path, {}).keep_days is None
    assert load_server_settings(tmp_path, {"TINCT_KEEP_DAYS": "30"}).keep_days == 30
    with pytest.raises(ConfigError, match="TINCT_KEEP_DAYS is '0'; give a whole number from 1 up"):
        load_server_settings(tmp_path, {"TINCT_KEEP_DAYS": "0"})
