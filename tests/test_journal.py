"""An append-only journal: complete records come back, and nothing else."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spectranet_jax.datasets.journal import FILE_NAME, FORMAT, Journal, journal
from spectranet_jax.spectra import InputError

RECORDS = st.lists(st.binary(max_size=40), min_size=1, max_size=4)
shared_folder = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def written(folder: Path, records: list[bytes], key: str = "key") -> Path:
    """The file of a journal of these records."""
    record = Journal(folder, key)
    record.clear()
    for content in records:
        record.add(content)
    return record.path


@shared_folder
@given(records=RECORDS, cut=st.integers(1, 200))
def test_a_journal_that_was_cut_holds_the_whole_records_and_goes_on_after_them(
    tmp_path: Path, records: list[bytes], cut: int
):
    path = written(tmp_path / "j", records)
    whole = path.read_bytes()
    path.write_bytes(whole[: max(len(f"{FORMAT} key\n"), len(whole) - cut)])
    resumed = Journal(tmp_path / "j", "key")
    kept = list(resumed.records())
    assert kept == records[: len(kept)] and len(kept) < len(records)
    for content in records[len(kept) :]:
        resumed.add(content)
    assert path.read_bytes() == whole


@pytest.mark.slow
@shared_folder
@given(records=RECORDS, place=st.integers(0, 10**6), bit=st.integers(0, 7))
def test_no_flipped_bit_gives_another_record(
    tmp_path: Path, records: list[bytes], place: int, bit: int
):
    path = written(tmp_path / "j", records)
    content = bytearray(path.read_bytes())
    begin = len(f"{FORMAT} key\n")
    content[begin + place % (len(content) - begin)] ^= 1 << bit
    path.write_bytes(content)
    kept = list(Journal(tmp_path / "j", "key").records())
    assert kept == records[: len(kept)] and len(kept) < len(records)


def test_zeros_after_the_last_record_are_none(tmp_path: Path):
    """As a file system may leave them after a crash of the machine."""
    path = written(tmp_path / "j", [b"first"])
    path.write_bytes(path.read_bytes() + bytes(4096))
    assert list(Journal(tmp_path / "j", "key").records()) == [b"first"]


def test_a_record_counts_once_the_next_is_asked_for(tmp_path: Path):
    written(tmp_path / "j", [b"first", b"second", b"third"])
    record = Journal(tmp_path / "j", "key")
    for content in record.records():
        if content == b"second":
            break
    record.add(b"another")
    assert list(Journal(tmp_path / "j", "key").records()) == [b"first", b"another"]


def of_another_key(folder: Path) -> None:
    written(folder, [b"a"], key="another")


def of_another_format(folder: Path) -> None:
    path = written(folder, [b"a"])
    path.write_bytes(path.read_bytes().replace(FORMAT.encode(), FORMAT.encode()[:-1] + b"1"))


def of_rows_before_version_2(folder: Path) -> None:
    folder.mkdir()
    (folder / "journal.jsonl").write_text('key\n{"file": "rows-000000.fits"}\n')


def of_a_dataset_before_version_2(folder: Path) -> None:
    folder.write_bytes(b"key\nSNF1" + bytes(40))


@pytest.mark.parametrize(
    "make",
    [of_another_key, of_another_format, of_rows_before_version_2, of_a_dataset_before_version_2],
)
def test_what_is_not_ours_is_removed_with_a_note(
    tmp_path: Path, make, capsys: pytest.CaptureFixture
):
    make(tmp_path / "j")
    assert capsys.readouterr().err == ""
    record = Journal(tmp_path / "j", "key")
    note = capsys.readouterr().err
    assert str(tmp_path / "j") in note and "another version" in note and note.count("\n") == 1
    assert list(record.records()) == [] and record.is_empty
    assert [path.name for path in (tmp_path / "j").iterdir()] == [FILE_NAME]


@pytest.mark.parametrize(
    ("error", "is_short", "kept"),
    [
        (InputError, False, True),
        (InputError, True, False),
        (KeyboardInterrupt, True, True),
        (None, False, False),
    ],
)
def test_it_stays_after_a_mistake_and_goes_when_the_result_is_whole(
    tmp_path: Path, error, is_short, kept, capsys: pytest.CaptureFixture
):
    def work() -> None:
        with journal(tmp_path / "out", "key", is_short) as record:
            record.add(b"done")
            if error:
                raise error

    if error:
        with pytest.raises(error):
            work()
    else:
        work()
    assert (tmp_path / ".finished-out" / FILE_NAME).exists() == kept
    note = capsys.readouterr().err
    assert ("same command" in note) == kept


def test_an_empty_one_never_stays_but_one_of_an_earlier_run_does(tmp_path: Path):
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt), journal(tmp_path / "out", "key"):
            raise KeyboardInterrupt
        assert list(tmp_path.iterdir()) == []
    written(tmp_path / ".finished-out", [b"done"])
    with pytest.raises(InputError), journal(tmp_path / "out", "key"):
        raise InputError("a mistake before anything is read")
    assert list(Journal(tmp_path / ".finished-out", "key").records()) == [b"done"]


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"cannot write .*\.finished-out"):
        Journal(tmp_path / "file" / ".finished-out", "key")
