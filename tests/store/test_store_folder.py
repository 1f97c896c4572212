"""The folder: whole files or none, damage found and said, old entries let go."""

import os
import stat

import numpy as np
import pytest
from store_samples import Bench

from circuitcheck.store import Store
from circuitcheck.store.entries import DamagedEntry, Entry, decode, encode
from circuitcheck.store.facts import place_of
from circuitcheck.store.opening import sentences

ENTRY = Entry({"kind": "profile", "version": 1}, {"a": [1, None, 0.1]}, {"x": np.linspace(0, 1, 7)})
PLACE = place_of("profile", ENTRY)


def same(one, other):
    return (
        one.key == other.key
        and one.facts == other.facts
        and one.arrays.keys() == other.arrays.keys()
        and all(np.array_equal(array, other.arrays[name]) for name, array in one.arrays.items())
    )


def test_an_entry_comes_back_bit_for_bit():
    assert same(decode(encode(ENTRY)), ENTRY)
    assert same(decode(encode(Entry({"a": 1}))), Entry({"a": 1}))


def test_the_words_of_an_entry_can_be_read_in_its_file(tmp_path):
    store = Store(tmp_path / "store")
    store.write(PLACE, ENTRY)
    assert b'\\"kind\\": \\"profile\\"' in (tmp_path / "store" / PLACE).read_bytes()


def test_bytes_cut_short_changed_or_foreign_are_damaged():
    data = encode(ENTRY)
    flipped = bytes([*data[:-1], data[-1] ^ 1])
    words = data.replace(b"0.1", b"0.2")
    assert words != data
    for wrong in (data[:-1], data[:20], b"", b"nothing of ours", flipped, words, bytes(64)):
        with pytest.raises(DamagedEntry):
            decode(wrong)


@pytest.mark.parametrize("damage", ["cut", "emptied", "another entry"])
def test_a_damaged_entry_is_not_found_and_taken_away_and_remembered(tmp_path, damage):
    store = Store(tmp_path)
    store.write(PLACE, ENTRY)
    path = tmp_path / PLACE
    other = encode(Entry({"kind": "fit"}, ENTRY.facts, ENTRY.arrays))
    path.write_bytes({"cut": path.read_bytes()[:-9], "emptied": b"", "another entry": other}[damage])
    assert store.read(PLACE) is None
    assert store.damaged == [path]
    assert not path.exists()
    assert store.read(PLACE) is None
    assert store.damaged == [path], "said once"


def test_the_folder_keeps_itself_out_of_version_control(tmp_path):
    Store(tmp_path / "a" / "store").write(PLACE, ENTRY)
    assert (tmp_path / "a" / "store" / ".gitignore").read_text().splitlines()[-1] == "*"
    assert not (tmp_path / "a" / ".gitignore").exists()


def test_a_store_that_only_reads_makes_no_folder(tmp_path):
    store = Store(tmp_path / "store")
    assert store.read(PLACE) is None
    assert store.holding(PLACE.parent) == {}
    store.trim()
    assert not (tmp_path / "store").exists()


def test_a_fresh_store_finds_only_what_it_wrote_itself(tmp_path):
    Store(tmp_path).write(PLACE, ENTRY)
    fresh = Store(tmp_path, fresh=True)
    assert fresh.read(PLACE) is None
    fresh.write(PLACE, ENTRY)
    assert same(fresh.read(PLACE), ENTRY)


def test_a_folder_that_cannot_be_made_is_said_once_and_nothing_is_raised(tmp_path):
    (tmp_path / "file").write_text("in the way")
    store = Store(tmp_path / "file" / "store")
    store.write(PLACE, ENTRY)
    first = store.fault
    store.write(PLACE, ENTRY)
    assert store.fault == first
    assert first.startswith(
        f"measurements cannot be stored in {tmp_path / 'file' / 'store'} (Not a directory), so"
    )


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_is_read(tmp_path):
    Store(tmp_path).write(PLACE, ENTRY)
    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    store = Store(tmp_path)
    assert same(store.read(PLACE), ENTRY)
    tmp_path.chmod(stat.S_IRWXU)


def test_a_disk_that_is_full_leaves_no_half_file(tmp_path, monkeypatch):
    def full(path, data):
        path.touch()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    store = Store(tmp_path)
    (tmp_path / ".gitignore").touch()
    store.write(PLACE, ENTRY)
    assert "No space left on device" in store.fault
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [tmp_path / ".gitignore"]


def entries(store, count):
    found = [Entry({"kind": "fit", "number": number}, "x" * 1000) for number in range(count)]
    for number, entry in enumerate(found):
        place = place_of("fit", entry)
        store.write(place, entry)
        os.utime(store.folder / place, (number, number))
    return [place_of("fit", entry) for entry in found]


def test_what_was_used_longest_ago_goes_when_there_is_too_much(tmp_path):
    store = Store(tmp_path)
    places = entries(store, 6)
    store.limit = 3 * (tmp_path / places[0]).stat().st_size + 5
    assert store.read(places[0]) is not None, "used now, so that it stays"
    store.trim()
    assert [place for place in places if (tmp_path / place).exists()] == [places[0], *places[4:]]
    store.trim()
    assert len(list(store.paths())) == 3


def test_files_of_killed_writers_go_after_an_hour(tmp_path):
    for name, age in {"old": 2, "new": 1_900_000_000}.items():
        (tmp_path / f"{name}.unfinished").write_bytes(b"half")
        os.utime(tmp_path / f"{name}.unfinished", (age, age))
    Store(tmp_path).trim()
    assert [path.name for path in tmp_path.iterdir()] == ["new.unfinished"]


def test_damage_and_faults_are_said_in_one_sentence_each():
    assert sentences([], "") == []
    assert sentences(["a", "b", "c"], "it is full.") == [
        "it is full.",
        "the stored measurements in a and 2 more were damaged, and were made again.",
    ]


def test_a_damaged_file_of_measurements_is_measured_again(tmp_path):
    Bench(tmp_path).measure()
    (path,) = (tmp_path / "measured").rglob("*.safetensors")
    path.write_bytes(path.read_bytes()[:-9])
    again = Bench(tmp_path)
    again.measure()
    assert len(again.asked) == 5
    assert again.engine.provenance["store"]["damaged"] == [str(path)]
    last = Bench(tmp_path)
    last.measure()
    assert last.asked == []
