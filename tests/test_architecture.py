"""The direction of imports, and what must stay light."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CORE = (
    "collection", "models", "explain", "embedding", "training", "engine", "plots", "demo", "siam", "aesthetics",
    "transformation",
)  # fmt: skip
FOUNDATION = {"errors", "registry", "artifacts", "chunks", "progress", "threads"}
LAYERS = [
    FOUNDATION,
    {"collection", "models"},
    {"engine", "explain", "embedding", "siam", "aesthetics", "transformation", "training"},
    {"plots", "demo"},
    {"ui", "cli", "commands", "terminal", "__main__"},
]


def layer(part: str) -> int:
    return next(number for number, parts in enumerate(LAYERS) if part in parts)


def modules_of(path: Path) -> set[str]:
    """Every module that a file imports, lazily or not."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names if node.module == "urbanlens")
    return names


PACKAGE = sorted((ROOT / "urbanlens").rglob("*.py"))


@pytest.mark.parametrize("path", PACKAGE, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_down(path: Path) -> None:
    """A module imports only from its own part, or from one that lies below."""
    inside = path.relative_to(ROOT / "urbanlens").parts
    own = inside[0].removesuffix(".py")
    if own == "__init__":
        return
    for name in modules_of(path):
        parts = name.split(".")
        if parts[0] == "streamlit":
            assert own == "ui", f"{path.name} imports streamlit: only urbanlens/ui may"
        if parts[0] == "urbanlens" and len(parts) > 1 and parts[1] in set().union(*LAYERS):
            assert layer(parts[1]) <= layer(own), f"{path.name} ({own}) imports {name}, which lies above it"


@pytest.mark.parametrize("path", sorted((ROOT / "pages").glob("*.py")), ids=lambda path: path.name)
def test_pages_are_thin(path: Path) -> None:
    """A page reads, chooses and draws: no tensors, no caches, no files, at most 130 lines."""
    text = path.read_text()
    assert "torch" not in {name.split(".")[0] for name in modules_of(path)}
    assert "cache_data" not in text
    assert "cache_resource" not in text
    assert "open(" not in text.replace(".open(", "")
    assert len(text.splitlines()) <= 130


@pytest.mark.parametrize(
    ("module", "forbidden"),
    [
        ("urbanlens", {"torch", "streamlit", "pandas"}),
        ("urbanlens.collection", {"torch", "streamlit", "geopandas", "sklearn"}),
        ("urbanlens.demo", {"torch", "streamlit", "skia", "sklearn"}),
        ("urbanlens.ui", {"torch", "geopandas", "sklearn", "skia", "umap"}),
    ],
)
def test_light_imports(module: str, forbidden: set[str]) -> None:
    """What opens the first page does not pay for what later pages need."""
    code = f"import sys, {module}; print(' '.join(sorted(set({sorted(forbidden)!r}) & set(sys.modules))))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


@pytest.mark.parametrize(
    "command", [["ruff", "check", "."], ["ruff", "format", "--check", "."], ["mypy"]], ids=" ".join
)
def test_gates(command: list[str]) -> None:
    """Lint, layout and types are clean."""
    done = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
