"""SHA256SUMS prove the files of a folder, and themselves."""

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spectranet_jax.datasets import checksums
from spectranet_jax.spectra import InputError


def folder_of(path: Path) -> Path:
    """A folder of two files, with its sums."""
    (path / "deep").mkdir(parents=True)
    (path / "a").write_bytes(b"one")
    (path / "deep" / "b c").write_bytes(bytes(range(256)))
    checksums.write(path)
    return path


@pytest.mark.slow
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 10**6), bit=st.integers(0, 7), cut=st.booleans())
def test_no_flipped_bit_and_no_cut_passes(tmp_path: Path, place: int, bit: int, cut: bool):
    shutil.rmtree(tmp_path / "d", ignore_errors=True)
    folder = folder_of(tmp_path / "d")
    assert checksums.damage(folder) == ""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    assert {path.name for path in files} == {"a", "b c", checksums.FILE_NAME}
    for path in files:
        content = bytearray(path.read_bytes())
        at = place % len(content)
        changed = bytes(content[:at]) if cut else bytearray(content)
        if isinstance(changed, bytearray):
            changed[at] ^= 1 << bit
        path.write_bytes(changed)
        assert path.relative_to(folder).as_posix() in checksums.damage(folder)
        path.write_bytes(content)


def test_a_missing_file_is_named(tmp_path: Path):
    folder = folder_of(tmp_path / "d")
    for name in ("a", "deep/b c", checksums.FILE_NAME):
        content = (folder / name).read_bytes()
        (folder / name).unlink()
        assert checksums.damage(folder) == f"{name} is missing"
        (folder / name).write_bytes(content)
    assert checksums.damage(folder) == ""


def test_sums_reach_no_file_outside_their_folder(tmp_path: Path):
    (tmp_path / "secret").touch()
    folder = folder_of(tmp_path / "d")
    for name in ("../secret", str(tmp_path / "secret")):
        lines = f"{checksums.sha256_of(tmp_path / 'secret')}  {name}\n"
        checksum_line = f"{checksums._COMMENT}{checksums._digest(lines)}\n"
        (folder / checksums.FILE_NAME).write_text(lines + checksum_line)
        assert name in checksums.damage(folder)


def test_sha256sum_reads_them(tmp_path: Path):
    if shutil.which("sha256sum") is None:
        pytest.skip("no sha256sum on this machine")
    folder = folder_of(tmp_path / "d")
    checked = subprocess.run(
        ["sha256sum", "--check", "--strict", checksums.FILE_NAME],
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert checked.returncode == 0 and checked.stdout.count(": OK") == 2


def test_a_folder_without_sums_is_reported_of(tmp_path: Path, capsys: pytest.CaptureFixture):
    checksums.check(folder_of(tmp_path / "d"), "copy it again")
    assert capsys.readouterr().err == ""
    (tmp_path / "d" / checksums.FILE_NAME).unlink()
    checksums.check(tmp_path / "d", "copy it again")
    assert f"{tmp_path / 'd'} has no {checksums.FILE_NAME}" in capsys.readouterr().err
    checksums.write(tmp_path / "d", ["a"])
    (tmp_path / "d" / "a").write_bytes(b"two")
    with pytest.raises(InputError, match=r"a differs.*copy it again"):
        checksums.check(tmp_path / "d", "copy it again")
