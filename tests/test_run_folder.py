"""What a run folder refuses, and the errors of a damaged or full one."""

from pathlib import Path

import numpy as np
import orbax.checkpoint as ocp
import pytest
from killed_writers import ended_process, left_by

from spectranet_jax.spectra import InputError
from spectranet_jax.training import checkpoint, run


def test_damaged_metrics_and_a_full_disk_are_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / run.METRICS).write_text('{"loss": 1.0}\n')
    with pytest.raises(InputError, match=run.METRICS):
        run.read_metrics(tmp_path)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(InputError, match=r"metrics\.jsonl.*No space left on device"):
        run.append_metrics(tmp_path, [])
    monkeypatch.setattr(ocp.Checkpointer, "save", full)
    with pytest.raises(InputError, match=rf"\b3\b.*{tmp_path.name}"):
        checkpoint.save(tmp_path, checkpoint.LAST, 3, {"x": np.zeros(2)})


def test_a_run_folder_keeps_its_settings(tmp_path: Path):
    config = {"seed": 1, "network": {"name": "x"}, "versions": {"jax": "1"}}
    run.write_config(tmp_path / "run", config)
    run.write_config(tmp_path / "run", config | {"versions": {"jax": "2"}})
    assert run.read_config(tmp_path / "run") == config
    with pytest.raises(InputError, match=r"seed, network\.name.*--out"):
        run.write_config(tmp_path / "run", config | {"network": {"name": "y"}, "seed": 2})
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.tex").touch()
    with pytest.raises(InputError, match=r"other.*--out"):
        run.write_config(tmp_path / "other", config)
    with pytest.raises(InputError, match=run.CONFIG):
        run.read_config(tmp_path / "other")


def test_a_run_killed_while_it_wrote_its_settings_begins_again(tmp_path: Path):
    left = left_by(ended_process(), tmp_path / "run")
    run.write_config(tmp_path / "run", {"seed": 1})
    assert run.read_config(tmp_path / "run") == {"seed": 1} and not left.exists()
