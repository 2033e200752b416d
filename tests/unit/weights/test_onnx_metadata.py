"""Metadata of ONNX files, against the library."""

from __future__ import annotations

import io

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from tinct.weights.onnx_metadata import read_metadata


def _model(metadata: dict[str, str]) -> bytes:
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [500]) for name in "xy"]
    weights = numpy_helper.from_array(np.ones(500, np.float32), "w")
    graph = helper.make_graph([helper.make_node("Mul", ["x", "w"], ["y"])], "g", ends[:1], ends[1:], [weights])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], producer_name="someone")
    helper.set_model_props(model, metadata)
    data: bytes = model.SerializeToString()
    return data


def test_metadata_are_those_that_were_written() -> None:
    metadata = {"tinct.spec": "{" + "x" * 300 + "}", "empty": "", "größe": "é\u4e2d"}
    assert read_metadata(io.BytesIO(_model(metadata))) == metadata


def test_a_file_without_metadata_has_none() -> None:
    assert read_metadata(io.BytesIO(_model({}))) == {}


@pytest.mark.parametrize("lost", [1, 100, 1500])
def test_a_cut_file_is_refused(lost: int) -> None:
    with pytest.raises(ValueError, match="ends early"):
        read_metadata(io.BytesIO(_model({"key": "value"})[:-lost]))


@pytest.mark.parametrize("data", [b"", b"\xff" * 40, b"this is a text\n", b"\x0b"])
def test_what_is_no_onnx_file_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"kind|early|long|empty"):
        read_metadata(io.BytesIO(data))
