"""The parts of the page Collections: what is at hand, checking it, and the ways to import."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import streamlit as st

from urbanlens.errors import Cancelled, UrbanLensError
from urbanlens.progress import Progress
from urbanlens.ui import caches, library, overview, pictures, state, uploads, work

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

    from urbanlens.collection import ImageCollection

_RESULT = "urbanlens.imported"
_COUNT = "urbanlens.imports"
_GIVEN = "urbanlens.given"
_CHECKED = "urbanlens.checked"

WAYS = {
    "photographs": "Several photographs",
    "zip": "A zip file",
    "folder": "A folder on this computer",
    "table": "A table on this computer (CSV, Parquet, GeoJSON)",
}
HELP = {
    "photographs": "Place, time and heading are read from the photographs where their camera has noted them.",
    "zip": "With photographs, or with a table and the images that it names.",
    "folder": "All photographs below it. Your files stay where they are; copies are made.",
    "table": "One row an image: a column with its path, and where known lat and lon, and any labels.",
}


def ways(local: bool) -> dict[str, str]:
    """The ways to import that this visitor may use."""
    return {name: title for name, title in WAYS.items() if local or name in ("photographs", "zip")}


def ask(way: str) -> None:
    """The form of one way to import."""
    # A finished import leaves an empty form behind.
    with st.form(f"import-{way}-{st.session_state.get(_COUNT, 0)}", border=True):
        pictures.quiet(HELP[way])
        given: Any
        if way == "photographs":
            given = st.file_uploader("Photographs", uploads.PHOTOGRAPHS, accept_multiple_files=True)
        elif way == "zip":
            given = st.file_uploader("Zip file", ["zip"])
        else:
            example = "/home/me/street-photos" if way == "folder" else "/home/me/street-photos/table.csv"
            kept = st.session_state.get(_GIVEN, {}).get(way, "")
            given = st.text_input("Folder" if way == "folder" else "Table", kept, placeholder=example)
        kept = st.session_state.get(_GIVEN, {}).get("title", "")
        title = st.text_input("Name of the new collection", kept, placeholder="My city")
        if st.form_submit_button("Import", type="primary", icon=":material/upload:"):
            begin(way, given, title.strip())


def begin(way: str, given: Any, title: str) -> None:
    """Start an import; what is missing is said instead."""
    from urbanlens.collection.library import collections_folder

    name = uploads.slug(title)
    if not given:
        st.error("Nothing to import was given: choose files, or name a folder or table.")
        return
    if not name:
        st.error("Give the new collection a name with at least one letter or digit.")
        return
    destination = collections_folder() / name
    if destination.exists() or name == library.DEMO:
        st.error(f"There is already a collection named {name}. Choose another name.")
        return
    if way in ("folder", "table"):
        if not library.visitor_is_local():
            st.error("Folders of the server can be named only by a browser on the server itself.")
            return
        function = from_path(Path(str(given)).expanduser(), destination, title)
    else:
        function = from_uploads([given] if way == "zip" else list(given), destination, title, as_one=way == "zip")
    st.session_state.pop(_RESULT, None)
    # Should it be cancelled, the form stands as it was; files have to be chosen again.
    st.session_state[_GIVEN] = {"title": title, way: given if isinstance(given, str) else ""}
    work.start(work.private("import"), f"Importing {title}", function)
    st.rerun()


def from_path(source: Path, destination: Path, title: str) -> Callable[[Progress], Any]:
    """The import of a folder or table of this computer, for `work.start`."""

    def function(progress: Progress) -> Any:
        from urbanlens.collection import import_images

        return import_images(source, destination, progress=progress, title=title)

    return function


def from_uploads(
    files: Sequence[UploadedFile], destination: Path, title: str, *, as_one: bool
) -> Callable[[Progress], Any]:
    """The import of uploaded files, for `work.start`; their copies are removed afterwards."""
    folder = uploads.stored(files, destination.name)

    def function(progress: Progress) -> Any:
        from urbanlens.collection import import_images

        try:
            source = next(folder.iterdir()) if as_one else folder
            return import_images(source, destination, progress=progress, title=title)
        finally:
            uploads.discard(folder)

    return function


def importing() -> bool:
    """Whether an import runs; then its progress is shown, and its end is kept for `show_import_result`."""
    key = work.private("import")
    if work.running(key) is None:
        return False
    job = work.follow(key)
    if job is None:
        return True
    if job.stop.is_set() and job.error:
        st.session_state[_RESULT] = Cancelled(f"{job.label} was cancelled. Nothing was kept; your files are untouched.")
    else:
        st.session_state[_RESULT] = job.error or job.result
    if not job.error:
        st.session_state[_COUNT] = st.session_state.get(_COUNT, 0) + 1
        st.session_state.pop(_GIVEN, None)
    st.rerun()


def show_import_result() -> None:
    """What the last import brought, and what it left out and why."""
    result = st.session_state.get(_RESULT)
    if result is None:
        return
    if isinstance(result, Cancelled):
        st.info(pictures.plain(str(result)))
        return
    if isinstance(result, str):
        st.error(pictures.plain(result))
        return
    with st.container(border=True):
        many = f"{result.imported:,} image{'s' * (result.imported != 1)} imported"
        st.subheader(many if result.imported else "Nothing was imported", anchor=False)
        for remark in map(str, result.notes):
            pictures.quiet(f"{remark[:1].upper()}{remark[1:]}.")
        name = Path(result.collection).name
        if result.imported:
            st.button("Open it", type="primary", on_click=open_collection, args=(name,), icon=":material/folder_open:")
        if result.rejected:
            left_out = pd.DataFrame(list(result.rejected), columns=["where", "why"])
            st.markdown(f"**{len(left_out):,} left out**")
            pictures.text_table(left_out)
            pictures.table_download(left_out, f"{name}-left-out", "What was left out (CSV)")


def open_collection(name: str) -> None:
    """Make a collection the current one; regions and images of another mean nothing there."""
    state.forget_choices()
    state.pick("collection", name)
    st.session_state.pop(_RESULT, None)


def card(name: str, folder: Path, current: ImageCollection | None) -> None:
    """One collection: what it holds, and what can be done with it."""
    with st.container(border=True, key=f"collection-{uploads.slug(name)}"):
        try:
            images = caches.collection(folder)
        except UrbanLensError as error:
            st.subheader(pictures.plain(library.title(folder, name)), anchor=False)
            st.error(pictures.plain(str(error)))
            return
        is_open = current is not None and images.root == current.root
        st.subheader(pictures.plain(images.title), anchor=False)
        if images.description:
            pictures.quiet(images.description)
        pictures.numbers(overview.counts(images))
        with st.container(horizontal=True):
            st.button(
                "This one is open" if is_open else "Open", key=f"open-{name}", on_click=open_collection, args=(name,),
                disabled=is_open, type="primary", icon=":material/folder_open:",
            )  # fmt: skip
            st.button(
                "Check", key=f"check-{name}", icon=":material/fact_check:", on_click=begin_check, args=(name, folder)
            )
        _show_check(name)


def begin_check(name: str, folder: Path) -> None:
    """Start to read every file of a collection."""
    st.session_state.setdefault(_CHECKED, {}).pop(name, None)

    def function(progress: Progress) -> Any:
        from urbanlens.collection import check

        return check(folder, progress=progress)

    work.start(work.private(f"check-{name}"), "Checking", function)


def _show_check(name: str) -> None:
    """How far the check is, or what it found."""
    kept: dict[str, Any] = st.session_state.setdefault(_CHECKED, {})
    key = work.private(f"check-{name}")
    if work.running(key) is not None:
        job = work.follow(key)
        if job is None:
            return
        kept[name] = job.error or job.result
    report = kept.get(name)
    if report is None:
        return
    if isinstance(report, str):
        st.error(pictures.plain(report))
    elif report.ok:
        st.success(f"Every file is in order: {report.images:,} images.")
    else:
        problems = pd.DataFrame(
            [(problem.where, problem.what) for problem in report.problems], columns=["where", "what"]
        )
        st.warning(f"{len(problems):,} problems.")
        pictures.text_table(problems)
        pictures.table_download(problems, f"{name}-problems", "Problems (CSV)")
