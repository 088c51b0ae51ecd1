"""One server and one browser for all journeys; a journey fails on console errors and on requests to elsewhere."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from .chromium import FLAGS, find_or_install

ROOT = Path(__file__).parents[2]
READY = '[data-testid="stApp"][data-test-script-state="notRunning"]'
expect.set_options(timeout=30_000)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def serve(home: Path, script: Path = ROOT / "app.py", folder: Path = ROOT) -> Iterator[str]:
    """A fresh server of the app, or of a test's own script begun in `folder`; its address once it is healthy."""
    port = free_port()
    command = [sys.executable, "-m", "streamlit", "run", str(script), "--server.headless=true"]
    command += [f"--server.port={port}", "--server.address=127.0.0.1", "--server.fileWatcherType=none"]
    command += ["--browser.gatherUsageStats=false"]
    log = (home / "server.log").open("w")
    environment = {**os.environ, "URBANLENS_HOME": str(home), "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT)
    address = f"http://127.0.0.1:{port}"
    try:
        wait_for(f"{address}/_stcore/health", process)
        yield address
    finally:
        process.terminate()
        process.wait(20)
        log.close()


def wait_for(address: str, process: subprocess.Popen[bytes]) -> None:
    """Until the server answers; AssertionError where it has died."""
    while process.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=5) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            try:
                process.wait(0.2)
            except subprocess.TimeoutExpired:
                continue
    raise AssertionError("the Streamlit server stopped before it was ready")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    try:
        path = find_or_install()
    except RuntimeError as error:
        pytest.fail(str(error), pytrace=False)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="session")
def server(home: Path) -> Iterator[str]:
    yield from serve(home)


@pytest.fixture
def cold_server(tmp_path: Path) -> Iterator[str]:
    """A server that nobody has visited yet."""
    yield from serve(tmp_path)


@pytest.fixture
def visit(chromium: Browser) -> Iterator[Callable[..., Page]]:
    """Open an address in a fresh context. Afterwards nothing may have gone wrong in it."""
    faults: list[str] = []
    contexts = []

    def open_page(address: str, *, width: int = 1280, height: int = 900, dark: bool = False) -> Page:
        context = chromium.new_context(
            viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light"
        )
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(f"script error: {error}"))
        page.on("console", lambda line: faults.append(f"console: {line.text}") if is_fault(line) else None)
        page.on("request", lambda request: faults.append(f"left: {request.url}") if is_foreign(request.url) else None)
        page.goto(address)
        settle(page)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert faults == []


def is_fault(line) -> bool:  # type: ignore[no-untyped-def]
    """A console error, except Streamlit's own probe below a deep-linked page."""
    return line.type == "error" and not re.search(r"/\w+/_stcore/", line.location.get("url", ""))


def is_foreign(url: str) -> bool:
    return not url.startswith(("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "blob:", "about:"))


def settle(page: Page) -> None:
    """Until the script has run and nothing runs any more."""
    page.wait_for_selector(READY, timeout=60_000)
    page.wait_for_selector(".st-key-frame", state="attached", timeout=60_000)
    page.wait_for_selector(READY, timeout=60_000)
