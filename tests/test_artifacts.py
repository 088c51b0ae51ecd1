"""Kept results: whole or not at all, and under a key that covers everything."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from urbanlens.artifacts import ArtifactKey, ArtifactStore, write_atomically
from urbanlens.errors import ArtifactError

KEY = ArtifactKey("masks", "abc", "model", {"layer": "layer4"}, 0)


@pytest.mark.parametrize(
    "other",
    [
        ArtifactKey("maps", "abc", "model", {"layer": "layer4"}, 0),
        ArtifactKey("masks", "abd", "model", {"layer": "layer4"}, 0),
        ArtifactKey("masks", "abc", "other", {"layer": "layer4"}, 0),
        ArtifactKey("masks", "abc", "model", {"layer": "layer3"}, 0),
        ArtifactKey("masks", "abc", "model", {"layer": "layer4"}, 1),
    ],
)
def test_key_covers_every_part(other: ArtifactKey) -> None:
    assert other.digest != KEY.digest
    assert KEY.digest == ArtifactKey("masks", "abc", "model", {"layer": "layer4"}, 0).digest


def test_written_whole_or_not_at_all(tmp_path: Path) -> None:
    store = ArtifactStore(tmp_path)
    with pytest.raises(RuntimeError), store.write(KEY) as folder:
        (folder / "half.txt").write_text("half")
        raise RuntimeError("killed")
    assert store.find(KEY) is None
    assert list((tmp_path / "masks").iterdir()) == []
    with store.write(KEY, images=3) as folder:
        (folder / "all.txt").write_text("all")
    found = store.find(KEY)
    assert found is not None
    assert (found / "all.txt").read_text() == "all"
    assert store.manifest(KEY)["images"] == 3


def test_second_writer_keeps_the_first(tmp_path: Path) -> None:
    store = ArtifactStore(tmp_path)
    with store.write(KEY) as slow:
        with store.write(KEY) as fast:
            (fast / "x").write_text("fast")
        (slow / "x").write_text("slow")
    found = store.find(KEY)
    assert found is not None
    assert (found / "x").read_text() == "fast"
    assert len(list((tmp_path / "masks").iterdir())) == 1


def test_read_from_any_write_to_the_last(tmp_path: Path) -> None:
    shipped, own = tmp_path / "shipped", tmp_path / "own"
    with ArtifactStore(shipped).write(KEY):
        pass
    both = ArtifactStore(shipped, own)
    assert both.find(KEY) == shipped / "masks" / KEY.digest
    other = ArtifactKey("masks", "new")
    with both.write(other):
        pass
    assert both.find(other) == own / "masks" / other.digest
    with pytest.raises(ArtifactError, match="compute it first"):
        both.manifest(ArtifactKey("masks", "never"))


def test_atomic_file_survives_a_failure(tmp_path: Path) -> None:
    file = tmp_path / "a" / "b.txt"
    write_atomically(file, b"first")
    with pytest.raises(TypeError):
        write_atomically(file, "text")  # type: ignore[arg-type]
    assert file.read_bytes() == b"first"
    assert [p.name for p in file.parent.iterdir()] == ["b.txt"]


@pytest.mark.parametrize(("number", "words"), [(errno.ENOSPC, "is full: make room"), (errno.EACCES, "permissions")])
def test_a_disk_that_takes_no_more_is_told_in_words(tmp_path: Path, number: int, words: str) -> None:
    """And nothing half-written is left, nor anything lost that was there."""
    store = ArtifactStore(tmp_path)
    with store.write(KEY) as folder:
        (folder / "a.txt").write_text("first")
    other = ArtifactKey("kind", "another")
    with pytest.raises(ArtifactError, match=words), store.write(other) as folder:
        (folder / "a.txt").write_text("half")
        raise OSError(number, "as the system says it")
    assert store.find(other) is None
    found = store.find(KEY)
    assert found is not None
    assert (found / "a.txt").read_text() == "first"
    assert [file.name for file in (tmp_path / "kind").iterdir()] == []
