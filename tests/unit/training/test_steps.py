"""The steps of a run against plain retypings of what they stand for."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tinct.data.batches import Batch
from tinct.errors import OptionError, TrainingError
from tinct.training.adversarial import AdversarialStep, CollapseWatch
from tinct.training.config import AdversarialConfig, TrainConfig
from tinct.training.losses import ColorLoss
from tinct.training.prepare import make_accelerator
from tinct.training.step import PlainStep

PLAIN = {"kind": "adam", "rate": 0.01, "weight_decay": 0, "warmup": 0, "schedule": "constant", "clip": 0}


class Tiny(nn.Module):
    """Three layers that give ab; an encoder of its own and batch normalization where wanted."""

    def __init__(self, *, norm: bool = False) -> None:
        super().__init__()
        self.encoder = nn.Conv2d(1, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4) if norm else nn.Identity()
        self.head = nn.Conv2d(4, 2, 3, padding=1)

    def forward(self, lightness: Tensor) -> Tensor:
        ab: Tensor = self.head(self.norm(self.encoder(lightness / 100)).relu()) * 20
        return ab


def config(*, adversarial: dict[str, Any] | None = None, **optimizer: Any) -> TrainConfig:
    return TrainConfig(
        name="tiny",
        architecture="lab_cnn",
        loss={"mse": 1.0},
        adversarial=adversarial,
        optimizer={**PLAIN, "encoder_rate": 0.01, **optimizer},
    )


def make(kind: type[PlainStep], settings: TrainConfig, network: nn.Module) -> PlainStep:
    return kind(settings, network, ColorLoss("ab", {"mse": 1.0}), False, make_accelerator("fp32", "cpu"))


def batch(seed: int, count: int = 5) -> Batch:
    generator = torch.Generator().manual_seed(seed)
    planes = torch.rand(count, 3, 16, 16, generator=generator)
    return Batch(planes[:, :1] * 100, planes[:, 1:] * 80 - 40, torch.zeros(count, 3, 16, 16))


def same(one: nn.Module, other: nn.Module, tolerance: float = 1e-6) -> None:
    for mine, theirs in zip(one.state_dict().values(), other.state_dict().values(), strict=True):
        torch.testing.assert_close(mine, theirs, atol=tolerance, rtol=1e-4)


@pytest.fixture
def network() -> Tiny:
    torch.manual_seed(0)
    return Tiny()


@pytest.mark.parametrize("parts", [2, 3, 9])
def test_a_batch_worked_off_in_parts_gives_the_same_step(network: Tiny, parts: int) -> None:
    whole = make(PlainStep, config(), copy.deepcopy(network))
    split = make(PlainStep, config(accumulate=parts), network)
    for number in range(3):
        values = [step.take(batch(number), number, 0.0) for step in (whole, split)]
        assert values[0]["loss"] == pytest.approx(values[1]["loss"], rel=1e-5)
    same(whole.bare(), split.bare(), 1e-5)


def test_a_plain_step_against_a_retyping(network: Tiny) -> None:
    mine = copy.deepcopy(network)
    optimizer = torch.optim.AdamW(mine.parameters(), lr=0.01, weight_decay=0.1)
    step = make(PlainStep, config(kind="adamw", weight_decay=0.1, clip=0.5), network)
    for number in range(2):
        given = batch(number)
        loss = ((mine(given.lightness) - given.ab) / 110).square().mean()
        loss.backward()
        nn.utils.clip_grad_norm_(mine.parameters(), 0.5)
        optimizer.step()
        optimizer.zero_grad()
        assert step.take(given, number, 0.0)["loss"] == pytest.approx(float(loss.detach()), rel=1e-5)
    same(mine, step.bare())


def test_rate_zero_freezes_the_encoder(network: Tiny) -> None:
    before = copy.deepcopy(network)
    step = make(PlainStep, config(encoder_rate=0), network)
    step.take(batch(0), 0, 0.0)
    same(before.encoder, step.bare().encoder, 0)
    assert not torch.equal(before.head.weight, step.bare().head.weight)


@pytest.mark.parametrize("frozen", [False, True])
def test_batch_normalization_can_be_frozen(frozen: bool) -> None:
    step = make(PlainStep, config(freeze_norms=frozen), Tiny(norm=True))
    step.take(batch(0), 0, 0.0)
    assert (int(step.bare().norm.num_batches_tracked) == 0) is frozen


@pytest.mark.parametrize("clip", [0, 0.5])
def test_a_gradient_that_is_no_number_changes_nothing(network: Tiny, clip: float) -> None:
    before = copy.deepcopy(network)
    step = make(PlainStep, config(clip=clip), network)
    network.head.weight.register_hook(lambda slope: slope * float("nan"))
    with pytest.raises(TrainingError, match="the gradient's norm is nan at step 0; the last checkpoint is from"):
        step.take(batch(0), 0, 0.0)
    same(before, step.bare(), 0)


def test_a_discriminator_s_gradient_must_be_a_number_too(network: Tiny) -> None:
    step = make(AdversarialStep, config(adversarial={"width": 4, "layers": 1}), network)
    assert isinstance(step, AdversarialStep)
    next(step.discriminator.parameters()).register_hook(lambda slope: slope * float("inf"))
    with pytest.raises(TrainingError, match="the gradient's norm is"):
        step.take(batch(0), 0, 0.0)


def test_to_check_a_state_changes_nothing_of_it() -> None:
    torch.manual_seed(0)
    step = make(PlainStep, config(), Tiny(norm=True))
    step.take(batch(0), 0, 0.0)
    before, chance = copy.deepcopy(step.bare()), torch.get_rng_state()
    step.check(batch(0), 1)
    same(before, step.bare(), 0)
    assert torch.equal(torch.get_rng_state(), chance)
    with torch.no_grad():
        step.bare().head.weight.fill_(1e38)
    with pytest.raises(TrainingError, match=r"the loss is (nan|inf) at step 1"):
        step.check(batch(0), 1)


def test_an_adversarial_step_against_a_retyping(network: Tiny) -> None:
    settings = config(adversarial={"width": 4, "layers": 1, "pixel": 7.0, "factor": 0.5, "rate": 0.02})
    step = make(AdversarialStep, settings, copy.deepcopy(network))
    assert isinstance(step, AdversarialStep)
    judge = copy.deepcopy(step.discriminator)
    own, its = torch.optim.Adam(network.parameters(), 0.01), torch.optim.Adam(judge.parameters(), 0.02, (0.5, 0.999))
    for number in range(3):
        given = batch(number)
        made = network(given.lightness)
        real, fake = judge(given.lightness, given.ab), judge(given.lightness, made.detach())
        ones = torch.ones_like(real)
        its_loss = 0.5 * F.binary_cross_entropy(real.sigmoid(), ones)
        its_loss = its_loss + 0.5 * F.binary_cross_entropy(fake.sigmoid(), 0 * ones)
        pixel = ((made - given.ab) / 110).square().mean()
        fooled = F.binary_cross_entropy(judge(given.lightness, made).sigmoid(), ones)
        loss = 7 * pixel + 0.5 * fooled
        its_slopes = torch.autograd.grad(its_loss, list(judge.parameters()))
        slopes = torch.autograd.grad(loss, list(network.parameters()))
        for module, found, optimizer in ((judge, its_slopes, its), (network, slopes, own)):
            for parameter, slope in zip(module.parameters(), found, strict=True):
                parameter.grad = slope
            optimizer.step()
        values = step.take(given, number, 0.0)
        right = ((real > 0).float().mean() + (fake <= 0).float().mean()) / 2
        expected = {"loss": loss, "pixel": pixel, "adversarial": fooled, "discriminator": its_loss, "accuracy": right}
        for name, value in expected.items():
            assert values[name] == pytest.approx(float(value.detach()), rel=1e-4), name
        assert values["colorfulness_original"] > values["colorfulness"] > 0
    same(network, step.bare(), 1e-5)
    same(judge, step.discriminator, 1e-5)


@pytest.mark.parametrize("clip", [0, 0.1])
def test_a_loss_scale_changes_no_step(network: Tiny, clip: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """As 16 bits on a GPU have it; the arithmetic stays in 32 here, and the scale is another after each step."""
    settings = config(clip=clip, adversarial={"width": 4, "layers": 1, "rate": 0.02})
    torch.manual_seed(0)
    plain = make(AdversarialStep, settings, copy.deepcopy(network))
    torch.manual_seed(0)
    scaled = make(AdversarialStep, settings, network)
    for number in range(3):
        plain.take(batch(number), number, 0.0)
    scaled.accelerator.scaler = torch.amp.GradScaler("cpu", growth_interval=1)
    scaled.accelerator.native_amp = True
    monkeypatch.setattr(type(scaled.accelerator), "mixed_precision", "fp16")
    for number in range(3):
        scaled.take(batch(number), number, 0.0)
    assert scaled.accelerator.scaler.get_scale() == 2.0**19
    assert isinstance(plain, AdversarialStep)
    assert isinstance(scaled, AdversarialStep)
    same(plain.bare(), scaled.bare(), 1e-5)
    same(plain.discriminator, scaled.discriminator, 1e-5)
    moments = [step.judges.state_dict()["state"].values() for step in (plain, scaled)]
    for mine, theirs in zip(*moments, strict=True):
        torch.testing.assert_close(mine["exp_avg"], theirs["exp_avg"], rtol=1e-3, atol=1e-7)


def test_the_adversary_waits_for_its_start(network: Tiny) -> None:
    step = make(AdversarialStep, config(adversarial={"width": 4, "layers": 1, "start": 0.5}), network)
    assert isinstance(step, AdversarialStep)
    before = copy.deepcopy(step.discriminator)
    values = step.take(batch(0), 0, 0.4)
    assert values["discriminator"] != values["discriminator"]
    assert values["loss"] == pytest.approx(100 * values["mse"], rel=1e-5)
    same(before, step.discriminator, 0)
    assert step.take(batch(0), 1, 0.5)["discriminator"] > 0


@pytest.mark.parametrize(
    ("accuracy", "colorfulness", "message"), [(1.0, 0.9, "right about 9"), (0.6, 0.01, "of the photos' colorfulness")]
)
def test_a_collapse_is_told_after_so_many_steps(accuracy: float, colorfulness: float, message: str) -> None:
    watch = CollapseWatch(AdversarialConfig(collapse_steps=10))
    for number in range(1000):
        watch.note(0.7, 0.6, number)
    for number in range(1000, 1200):
        watch.note(accuracy, colorfulness, number)
        if watch.steps == 9:
            break
    again = CollapseWatch(AdversarialConfig(collapse_steps=10))
    again.load(watch.state())
    with pytest.raises(TrainingError, match=rf"collapsed at step {number + 1}: for 10 steps .*{message}"):
        again.note(accuracy, colorfulness, number + 1)
    watch.note(0.0, 9.0, number)
    assert watch.steps == 0


def test_devices_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(TrainingError, match="no CUDA device here"):
        make_accelerator("fp32", "cuda")
    with pytest.raises(OptionError, match="choose one of auto, cpu, cuda"):
        make_accelerator("fp32", "tpu")
