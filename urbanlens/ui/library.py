"""Which collections can be opened, and who may open a folder of this computer."""

from __future__ import annotations

import ipaddress
import os
import tomllib
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import streamlit as st

from urbanlens.ui.routes import ROOT

DEMO = "demo"
DEMO_FOLDER = ROOT / "assets" / "demo"


def known() -> dict[str, Path]:
    """Folders of the collections that any visitor may open, by the name that stands in the address."""
    from urbanlens.collection.library import list_collections

    found: dict[str, Path] = {}
    served = os.environ.get("URBANLENS_COLLECTION")
    if served:
        found[Path(served).name] = Path(served)
    if (DEMO_FOLDER / "collection.toml").is_file():
        found[DEMO] = DEMO_FOLDER
    for folder in list_collections():
        found.setdefault(folder.name, folder)
    return found


def local_folder(text: str) -> Path | None:
    """The folder named by an absolute path, for a visitor who sits at this computer; else None."""
    folder = Path(text)
    if not folder.is_absolute() or not visitor_is_local() or not (folder / "collection.toml").is_file():
        return None
    return folder


def titles(folders: Mapping[str, Path]) -> dict[str, str]:
    """The title of each collection, by its name in the address; equal ones are told apart by that name."""
    found = {name: title(folder, name) for name, folder in folders.items()}
    counts = Counter(found.values())
    return {name: text if counts[text] == 1 else f"{text} ({name})" for name, text in found.items()}


def title(folder: Path, fallback: str) -> str:
    """A collection's title, read from the head of its description only: the menu must not open every table."""
    try:
        described = tomllib.loads((folder / "collection.toml").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return fallback
    return str(described.get("title") or fallback)


def visitor_is_local() -> bool:
    """Whether the browser runs on this computer; only then may it name folders of its disk.

    A proxy in front makes every visitor look local, so the address must be a loopback one as well, both as the
    server sees it and as the browser says it.
    """
    headers = st.context.headers
    if any(headers.get(name) for name in ("X-Forwarded-For", "X-Forwarded-Host", "Forwarded", "X-Real-Ip")):
        return False
    if st.context.ip_address is not None and not _is_loopback(st.context.ip_address):
        return False
    hosts = [urlsplit(f"//{headers['Host']}").hostname] if headers.get("Host") else []
    hosts += [urlsplit(headers["Origin"]).hostname] if headers.get("Origin") else []
    return all(host == "localhost" or _is_loopback(host or "") for host in hosts)


def _is_loopback(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    # A server that listens on both kinds of address names a visitor by IPv4 ::ffff:127.0.0.1.
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback
