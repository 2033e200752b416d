"""A Turing test through the API: made by a worker, taken pair by pair, scored; nothing tells which picture is which."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tinct.evaluation.trials import load_trials

COUNTS = {"count": 3, "catch": 1, "practice": 1}


@pytest.fixture
def test_id(client: Any, colorful: bytes) -> str:
    data = client.post("datasets", files={"file": ("colors.zip", colorful)}).json()["id"]
    started = client.post("turing", json={"name": "my test", "data": data, **COUNTS})
    assert started.status_code == 202, started.text
    job = client.wait(started.json()["id"])
    assert job["state"] == "done", job
    return str(job["id"])


def test_from_photographs_to_a_score(server: Any, client: Any, test_id: str) -> None:
    listed = next(test for test in client.get("turing").json() if test["id"] == test_id)
    assert (listed["name"], listed["facts"]["photos"], listed["facts"]["models"]) == ("my test", 3, ["quick"])
    trials = load_trials(server.data / "turing" / test_id)  # as `tinct turing` has them
    assert trials.models() == ["quick"]

    sitting = client.post(f"turing/{test_id}/sittings").json()
    assert (sitting["answered"], sitting["total"], sitting["practice"]) == (0, 5, 1)
    deck = trials.deck(0)
    told = []
    while (due := sitting["next"]) is not None:
        pair = f"turing/sittings/{sitting['id']}/pairs/{due['number']}"
        showing = deck[due["number"]]
        assert due["practice"] == (showing.trial.kind == "practice")
        for place in ("first", "second"):
            picture = client.get(f"{pair}/{place}")
            assert picture.content == (server.data / "turing" / test_id / "pictures" / showing.file(place)).read_bytes()
            assert not {"ETag", "Last-Modified", "Content-Disposition"} & set(picture.headers)
        # Right each time but for the first pair that counts.
        right = "second" if showing.original_first else "first"
        wrong = "first" if showing.original_first else "second"
        fooled = due["number"] == next(one.number for one in deck if one.trial.kind == "test")
        answer = client.post(pair, json={"choice": wrong if fooled else right, "seconds": 1.5})
        assert answer.status_code == 200, answer.text
        assert client.post(pair, json={"choice": right, "seconds": 1.5}).status_code == 409  # once
        told.append(answer.json()["right"])
        sitting = answer.json()["sitting"]
    assert told == [True, None, None, None, None]
    assert client.get(f"turing/sittings/{sitting['id']}/pairs/0/first").status_code == 404
    found = client.get(f"turing/{test_id}/score").json()
    assert [(row["model"], row["answers"]) for row in found["models"]] == [("quick", 3)]
    assert found["models"][0]["fooled_percent"] == pytest.approx(100 / 3)
    assert (found["participants"][0]["catch"], found["participants"][0]["caught"]) == (1, 1)

    assert client.post(f"turing/{test_id}/sittings").json()["answered"] == 0  # once more, in another order
    assert client.delete(f"turing/{test_id}").status_code == 204
    assert not (server.data / "turing" / test_id).exists()
    assert client.get(f"turing/{test_id}/score").status_code == 404


def test_what_no_test_can_be_made_of_is_said(client: Any, colorful: bytes, small_photo: Path) -> None:
    def start(**given: Any) -> tuple[int, str]:
        answer = client.post("turing", json={"name": "t", **COUNTS, **given})
        return answer.status_code, answer.json().get("detail", "")

    assert "too small" in start(data="cifar10")[1]
    assert start(data="corrections")[0] == 422
    assert "no data set" in start(data="nothing")[1]
    data = client.post("datasets", files={"file": ("colors.zip", colorful)}).json()["id"]
    assert "no model named" in start(data=data, models=["nobody"])[1] or start(data=data, models=["nobody"])[0] == 422
    assert start(data=data, count=0)[0] == 422
    job = client.wait(client.post("turing", json={"name": "t", "data": data, "count": 50}).json()["id"])
    assert job["state"] == "failed"
    assert "6 color photographs" in job["error"]
    assert "lower count, catch or practice" in job["error"]  # its fields, not the command's options
