from collections.abc import Callable

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from tinct.color import lab, tensors  # noqa: E402
from tinct.errors import OptionError  # noqa: E402


def images(count: int = 2, size: int = 16) -> np.ndarray:
    return np.random.default_rng(13).random((count, size, size, 3))


def test_agree_with_numpy() -> None:
    rgb = images()
    rgb[0, :8] *= 0.05
    expected = lab.srgb_to_lab(rgb)
    result = tensors.srgb_to_lab(torch.from_numpy(rgb).permute(0, 3, 1, 2))
    assert result.dtype == torch.float64
    assert np.abs(result.permute(0, 2, 3, 1).numpy() - expected).max() < 1e-4
    back = tensors.lab_to_srgb(result)
    assert np.abs(back.permute(0, 2, 3, 1).numpy() - rgb).max() < 1e-5


def test_agree_with_numpy_outside_the_gamut() -> None:
    colors = np.random.default_rng(14).uniform([0, -128, -128], [100, 127, 127], (1, 8, 8, 3))
    result = tensors.lab_to_srgb(torch.from_numpy(colors).permute(0, 3, 1, 2))
    assert np.abs(result.permute(0, 2, 3, 1).numpy() - lab.lab_to_srgb(colors)).max() < 1e-4


def test_keep_single_precision_under_autocast() -> None:
    rgb = torch.from_numpy(images().astype(np.float32)).permute(0, 3, 1, 2)
    expected = tensors.srgb_to_lab(rgb.double())
    with torch.autocast("cpu", torch.bfloat16):
        result = tensors.srgb_to_lab(rgb)
        back = tensors.lab_to_srgb(result)
    assert result.dtype == torch.float32
    assert (result - expected).abs().max() < 1e-3
    assert (back - rgb).abs().max() < 1e-4


@pytest.mark.parametrize(
    ("function", "low", "high"),
    [(tensors.srgb_to_lab, [-0.1] * 3, [1.1] * 3), (tensors.lab_to_srgb, [1, -100, -100], [99, 100, 100])],
)
def test_gradients(function: Callable[..., object], low: list[float], high: list[float]) -> None:
    colors = np.random.default_rng(15).uniform(low, high, (1, 3, 3, 3)).transpose(0, 3, 1, 2)
    image = torch.tensor(colors, requires_grad=True)
    assert torch.autograd.gradcheck(function, (image,), eps=1e-6, atol=1e-4)


def test_gradients_are_finite_at_black_and_white() -> None:
    for level in (0.0, 1.0):
        rgb = torch.full((1, 3, 2, 2), level, requires_grad=True)
        tensors.lab_to_srgb(tensors.srgb_to_lab(rgb)).sum().backward()
        assert rgb.grad is not None
        assert torch.allclose(rgb.grad, torch.ones_like(rgb), atol=1e-3)


def test_refuse_other_shapes() -> None:
    for function in (tensors.srgb_to_lab, tensors.lab_to_srgb):
        with pytest.raises(OptionError, match="expected"):
            function(torch.zeros(3, 4, 4))
        with pytest.raises(OptionError, match="expected"):
            function(torch.zeros(1, 4, 4, 3))
        with pytest.raises(OptionError, match="expected"):
            function(torch.zeros(1, 3, 4, 4, dtype=torch.uint8))
