"""The benchmark reports what it measured, and its peers compute what we compute."""

import itertools
import json
import os
from importlib.machinery import ModuleSpec
from pathlib import Path

import jax
import numpy as np
import pytest

from experiments import benchmark
from experiments.benchmarks import numpy_forward, ours, rows, torch_found
from experiments.benchmarks.rows import Row, Setting
from experiments.benchmarks.scale import COUNTS, scale_rows
from spectranet_jax.spectra import InputError
from spectranet_jax.training.steps import make_predict_step

SETTING = Setting(batch=5, repeats=1)


def noisy_variables(subject: str) -> dict:
    """Variables in which no parameter and no statistic keeps the value it is initialized to."""
    rng = np.random.default_rng(3)

    def draw(leaf: jax.Array) -> np.ndarray:
        noise = rng.normal(size=leaf.shape)
        change = 0.2 * np.abs(noise) if leaf.ndim == 1 else noise / np.sqrt(leaf[..., 0].size)
        return np.asarray(leaf + change, np.float32)

    return jax.tree.map(draw, ours.random_variables(subject))


def our_answer(subject: str, variables: dict) -> tuple[np.ndarray, np.ndarray]:
    """Normalized flux, and what our network makes of it."""
    network, task = ours.SUBJECTS[subject].build()
    batch = ours.spectra(SETTING.batch)
    answer = jax.jit(make_predict_step(network, task))(variables, batch["flux"], batch["ivar"])
    return np.asarray(task.inputs(batch["flux"], batch["ivar"])[0]), np.asarray(answer)


@pytest.mark.long
@pytest.mark.parametrize("subject", numpy_forward.FORWARD)
def test_numpy_computes_what_we_compute(subject: str):
    variables = noisy_variables(subject)
    flux, expected = our_answer(subject, variables)
    answer = numpy_forward.FORWARD[subject](variables, flux)
    assert answer.dtype == np.float32
    np.testing.assert_allclose(answer, expected, rtol=1e-5, atol=1e-5)
    assert np.abs(expected - expected.mean(axis=0)).max() > 1e-3  # it depends on the flux


@pytest.mark.parametrize("layout", ["PyTorch Conv1d", "PyTorch channels-last"])
@pytest.mark.parametrize("subject", numpy_forward.FORWARD)
def test_pytorch_computes_what_we_compute(subject: str, layout: str):
    torch = pytest.importorskip("torch", reason="the comparison with PyTorch needs torch")
    from experiments.benchmarks import torch_peers

    variables = noisy_variables(subject)
    flux, expected = our_answer(subject, variables)
    network = torch_peers.twin(subject, variables, layout).eval().cpu()
    with torch.inference_mode():
        answer = network(torch.tensor(flux)).numpy()
    np.testing.assert_allclose(answer, expected, rtol=1e-5, atol=1e-5)


def test_channels_last_lies_so_in_memory():
    torch = pytest.importorskip("torch", reason="the comparison with PyTorch needs torch")
    from experiments.benchmarks import torch_peers

    network = torch_peers.twin("Table 1", noisy_variables("Table 1"), "PyTorch channels-last")
    second = [layer for layer in network if isinstance(layer, torch.nn.Conv2d)][1]
    assert second.weight.shape == (100, 100, 1, 10)
    assert second.weight.is_contiguous(memory_format=torch.channels_last)
    assert not second.weight.is_contiguous()


def test_sides_take_turns_and_the_median_counts(monkeypatch: pytest.MonkeyPatch):
    clock = [0.0]
    monkeypatch.setattr(rows.time, "perf_counter", lambda: clock[0])
    called: list[str] = []
    lasts = {"ours": itertools.chain([99], [3, 1, 50]), "peer": itertools.chain([99], [4, 4, 9])}

    def side(name: str) -> None:
        called.append(name)
        clock[0] += next(lasts[name])

    sides = {name: lambda name=name: side(name) for name in lasts}
    seconds = rows.medians(sides, repeats=3)
    assert called == ["ours", "peer"] * 4
    assert seconds == {"ours": 3, "peer": 4}
    assert rows.rates("step", seconds, spectra=12) == [
        Row("step", 4, "peer", 3, "spectra/s", 4 / 3)
    ]


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system pins no process")
def test_one_core_is_kept_to_and_given_back():
    before = os.sched_getaffinity(0)
    with rows.one_core() as pinned:
        assert pinned and len(os.sched_getaffinity(0)) == 1
    assert os.sched_getaffinity(0) == before


def test_rows_are_printed_kept_and_added_to_the_document(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    row = Row("a step", 1234.5, "a peer", 0.12345, "spectra/s", 1.5)
    monkeypatch.setattr(benchmark, "cases", lambda: {"scale": lambda _: [row]})
    document, written = tmp_path / "benchmarks.md", tmp_path / "rows.json"
    document.write_text("# Benchmarks\n")
    config = benchmark.Config(what=("scale",), note="shared", document=document, json=written)
    benchmark.work(config)
    assert "a step" in capsys.readouterr().out
    text = document.read_text()
    assert text.startswith("# Benchmarks\n\n2")
    assert "| a step | 1,234 | a peer | 0.123 | spectra/s | 1.50 |" in text
    assert f"jax {jax.__version__}" in text and ", shared:" in text
    content = json.loads(written.read_text())
    assert set(content["rows"][0]) == {"case", "ours", "peer", "peer_figure", "unit", "ratio"}
    assert content["rows"][0]["ours"] == 1234.5
    assert content["device"] == jax.devices()[0].device_kind and content["date"][:2] == "20"


def test_where_there_is_no_document_none_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(benchmark, "cases", lambda: {"scale": lambda _: []})
    benchmark.work(benchmark.Config(what=("scale",), document=tmp_path / "none.md"))
    assert not list(tmp_path.iterdir())


def test_without_pytorch_one_sentence_names_the_extra(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    def find_spec(name: str) -> ModuleSpec | None:
        assert name == "torch"
        return None

    monkeypatch.setattr(torch_found.importlib.util, "find_spec", find_spec)
    assert torch_found.torch_peers() is None
    printed = capsys.readouterr().out
    assert printed.count("\n") == 1 and "spectranet-jax[compare]" in printed


@pytest.mark.parametrize("wrong", [{"batch": 0}, {"repeats": 0}])
def test_nothing_is_measured_with_no_spectra_or_no_turn(wrong: dict):
    with pytest.raises(InputError, match="--batch and --repeats"):
        benchmark.work(benchmark.Config(**wrong))


@pytest.mark.long
def test_scaling_compares_each_number_of_devices_with_one():
    rows = scale_rows(Setting(batch=8, repeats=1))
    assert len(rows) == 2 * len(COUNTS)
    assert {row.peer for row in rows} == {"one device"}
    assert all(row.ratio == 1 for row in rows if ", 1 x " in row.case)
    by_steps, by_spectra = rows[: len(COUNTS)], rows[len(COUNTS) :]
    for steps, spectra in zip(by_steps, by_spectra, strict=True):
        assert spectra.ours == pytest.approx(8 * steps.ours)
        assert steps.ratio == pytest.approx(steps.ours / steps.peer_figure)
