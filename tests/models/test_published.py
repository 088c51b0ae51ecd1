"""Published weights: fetched once, checked, and kept; each fault says which file it is and what to do."""

from __future__ import annotations

import hashlib
import io
import pickle
import socket
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
import torch

from urbanlens.errors import Cancelled, ModelError
from urbanlens.models import build_model, published
from urbanlens.models.published import FILES, SOURCE, published_weights

WEIGHTS = {"features.0.weight": torch.arange(12.0).reshape(3, 4), "features.0.bias": torch.ones(3)}
CODE = "the pickle's own code ran"


class Code:
    """An object whose pickle runs code where it is read."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (exec, (f"raise RuntimeError({CODE!r})",))


def packed(thing: object) -> bytes:
    buffer = io.BytesIO()
    torch.save(thing, buffer)
    return buffer.getvalue()


class Server(HTTPServer):
    """Serves `data` under any name; what is asked for is noted."""

    data = b""
    kind = "whole"

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.asked: list[str] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/models/"


class Answer(BaseHTTPRequestHandler):
    """A file; cut short, without its length, in chunks that break off, or no HTTP at all."""

    server: Server

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        data, kind = self.server.data, self.server.kind
        if kind == "missing":
            self.send_error(404)
            return
        if kind == "noise":
            self.wfile.write(b"\0\0 no answer of any kind \r\n\r\n")
            return
        self.send_response(200)
        if kind == "chunks that break off":
            self.send_header("Transfer-Encoding", "chunked")
        elif kind != "unknown length":
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if kind == "chunks that break off":
            data = b"ffff\r\n" + data
        self.wfile.write(data[: len(data) // 2] if kind == "cut short" else data)

    def log_message(self, *_told: object) -> None:
        """Nothing on the terminal."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with Server() as here:
        thread = Thread(target=here.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield here
        here.shutdown()
        thread.join()


def publish(server: Server, monkeypatch: pytest.MonkeyPatch, data: bytes, kind: str = "whole") -> str:
    """Make the data the published file of vgg16; returns its name."""
    name = f"vgg16-{hashlib.sha256(data).hexdigest()[:8]}.pth"
    monkeypatch.setitem(FILES, "vgg16", name)
    server.data, server.kind = data, kind
    return name


def same(found: dict[str, torch.Tensor]) -> bool:
    return found.keys() == WEIGHTS.keys() and all(torch.equal(found[key], value) for key, value in WEIGHTS.items())


def test_fetched_once_and_kept(server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    name = publish(server, monkeypatch, packed(WEIGHTS))
    folder = tmp_path / "deep" / "weights"
    assert same(published_weights("vgg16", folder, source=server.address))
    assert [path.name for path in folder.iterdir()] == [name]
    assert (folder / name).read_bytes() == server.data
    server.kind = "missing"
    assert same(published_weights("vgg16", folder, source=server.address))
    assert same(published_weights("vgg16", folder))
    assert server.asked == [f"/models/{name}"]


@pytest.mark.parametrize("kind", ["whole", "unknown length"])
def test_progress_tells_the_megabytes(
    kind: str, server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    name = publish(server, monkeypatch, packed({"weight": torch.zeros(3 * 2**18)}), kind)
    told: list[tuple[int, int, str]] = []
    published_weights("vgg16", tmp_path, source=server.address, progress=lambda *one: told.append(one))
    assert len(told) >= 12
    assert [done for done, _, _ in told] == sorted(done for done, _, _ in told)
    assert told[-1] == (3, 3, f"fetching {name}, MB")
    assert all(done <= total for done, total, _ in told)
    assert kind == "unknown length" or {total for _, total, _ in told} == {3}


def test_a_stopped_fetch_leaves_nothing(server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    publish(server, monkeypatch, packed(WEIGHTS))

    def stop(done: int, total: int, what: str) -> None:
        raise Cancelled("stop")

    with pytest.raises(Cancelled):
        published_weights("vgg16", tmp_path / "weights", source=server.address, progress=stop)
    assert not (tmp_path / "weights").exists()
    assert same(published_weights("vgg16", tmp_path / "weights", source=server.address))


def test_another_file_than_was_published(server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    name = publish(server, monkeypatch, packed(WEIGHTS))
    server.data = packed({"weight": torch.ones(2)})
    found = hashlib.sha256(server.data).hexdigest()[:8]
    with pytest.raises(
        ModelError, match=rf"{name} is not the published file .* begins with {found}, not with .* try again"
    ):
        published_weights("vgg16", tmp_path, source=server.address)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["cut short", "chunks that break off", "missing", "noise"])
def test_answers_that_are_no_file(kind: str, server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    name = publish(server, monkeypatch, packed(WEIGHTS), kind)
    with pytest.raises(ModelError, match=name) as caught:
        published_weights("vgg16", tmp_path, source=server.address)
    assert "again" in str(caught.value) or "copy the file to" in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_without_a_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with socket.socket() as taken:  # bound, but nobody listens
        taken.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{taken.getsockname()[1]}/"
        path = tmp_path / "weights" / FILES["mobilenet_v2"]
        with pytest.raises(ModelError) as caught:
            published_weights("mobilenet_v2", path.parent, source=address)
    said = str(caught.value)
    assert f"{address}{path.name} cannot be fetched" in said
    assert f"without a network, copy the file to {path}, or start from efficientnet_lite0" in said
    assert "\n" not in said
    assert not path.parent.exists()


def test_a_kept_file_that_was_cut_short(server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    name = publish(server, monkeypatch, packed(WEIGHTS))
    published_weights("vgg16", tmp_path, source=server.address)
    for data in (server.data[:-1], b""):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(ModelError, match=rf"{name} is not the published file .*: it was cut short .*delete it"):
            published_weights("vgg16", tmp_path, source=server.address)
    (tmp_path / name).unlink()
    assert same(published_weights("vgg16", tmp_path, source=server.address))


def test_what_nobody_published() -> None:
    with pytest.raises(ModelError, match="published for simple: there are vgg11, vgg16, resnet18"):
        published_weights("simple", Path("/nowhere"))


def test_code_in_a_file_does_not_run(server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Even where its checksum is right."""
    publish(server, monkeypatch, packed({"weight": Code()}))
    with pytest.raises(RuntimeError, match=CODE):
        torch.load(io.BytesIO(server.data), weights_only=False)
    with pytest.raises(pickle.UnpicklingError):
        published_weights("vgg16", tmp_path, source=server.address)


def test_the_published_files() -> None:
    """torchvision's own names, over a connection that nobody can change."""
    assert SOURCE.startswith("https://")
    for name, file in FILES.items():
        begins = file.removesuffix(".pth").removeprefix(f"{name}-")
        assert len(begins) == 8
        int(begins, 16)
        with torch.device("meta"):
            build_model(name, 1000)
    assert published.PIECE <= 2**20
