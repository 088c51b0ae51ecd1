"""The command line: answers as JSON, and one line with exit code 2 on bad input."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
from PIL import Image

from urbanlens.cli import MOST_LINES, build_parser, main, show


def photographs(folder: Path) -> Path:
    folder.mkdir()
    for name, colour in (("a", "red"), ("b", "blue")):
        Image.new("RGB", (64, 48), colour).save(folder / f"{name}.jpg")
    (folder / "broken.jpg").write_bytes(b"no picture")
    return folder


def test_import_and_check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, destination = photographs(tmp_path / "source"), tmp_path / "city"
    assert main(["import", str(source), str(destination), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["imported"] == 2
    assert "broken.jpg" in answer["rejected"][0]["where"]
    assert main(["check", str(destination), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["problems"] == []
    next((destination / "images").rglob("a.jpg")).write_bytes(b"")
    assert main(["check", str(destination)]) == 1
    assert "a.jpg" in capsys.readouterr().out


@pytest.mark.parametrize("words", [["check", "nowhere"], ["import", "nowhere", "x"], ["train", "city", "nowhere"]])
def test_bad_input_is_one_line(words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [str(tmp_path / word) if word in ("nowhere", "x") else word for word in words]
    assert main(words) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    assert "nowhere" in lines[0]


def test_long_lists_are_printed_in_part_and_given_in_full_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    answer = {"rejected": [{"where": f"line {number}", "why": "gone"} for number in range(MOST_LINES + 7)]}
    show(answer, as_json=False)
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == MOST_LINES + 2 and printed[-1] == "  and 7 more, which --json prints"
    show(answer, as_json=True)
    assert json.loads(capsys.readouterr().out) == answer


def test_doctor(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["device"]


def test_every_command_has_help() -> None:
    assert len(build_parser().format_help().splitlines()) > 8


def test_the_commands_of_the_readme_are_known() -> None:
    readme = (Path(__file__).parents[1] / "README.md").read_text()
    lines = [line for line in readme.splitlines() if line.startswith("python -m urbanlens ")]
    lines += [f"python -m urbanlens {line}" for line in re.findall(r"`(demo train [^`]+)`", readme)]
    assert len(lines) > 10
    for line in lines:
        build_parser().parse_args(shlex.split(line)[3:])
