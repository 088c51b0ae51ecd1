"""Work that takes more than a moment: it runs beside the page, says how long it still needs, and can be stopped."""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from urbanlens.errors import Cancelled, UrbanLensError
from urbanlens.progress import Progress
from urbanlens.ui.pictures import plain

GRACE_S = 0.4
"""Work that ends within this time shows no progress bar."""

POLL_S = 0.5

_STARTING = threading.Lock()


@dataclass
class Job:
    """One run of a long function in its own thread, which any number of visitors may wait for."""

    label: str
    watchers: set[str] = field(default_factory=set)
    """Visitors that have not seen its end yet."""

    started: float = field(default_factory=time.monotonic)
    done: int = 0
    total: int = 0
    what: str = ""
    result: Any = None
    error: str | None = None
    finished: threading.Event = field(default_factory=threading.Event)
    stop: threading.Event = field(default_factory=threading.Event)

    def progress(self, done: int, total: int, what: str) -> None:
        """What the function calls as it goes on; raises Cancelled once the visitor has asked to stop."""
        self.done, self.total, self.what = done, total, what
        if self.stop.is_set():
            raise Cancelled("stopped; what was finished is kept")

    def run(self, function: Callable[[Progress], Any]) -> None:
        """Run `function(progress)` to its end; what a user can put right becomes `error`."""
        error = "It stopped for a reason that the server's log tells."
        try:
            self.result = function(self.progress)
        except (UrbanLensError, OSError, MemoryError) as problem:
            error = str(problem) or type(problem).__name__
        else:
            error = ""
        finally:
            self.error = error or None
            self.finished.set()

    def cancel(self, visitor: str) -> bool:
        """A visitor wants no more of it. True: it stops; False: others wait for it, so it goes on without this one."""
        if self.watchers <= {visitor}:
            self.stop.set()
            return True
        self.watchers.discard(visitor)
        return False

    def left(self) -> str:
        """The time that the rest needs, in words; "" where it cannot be said yet."""
        passed = time.monotonic() - self.started
        if not self.done or not self.total or passed < 1:
            return ""
        return f"{duration(passed / self.done * (self.total - self.done))} left"


@st.cache_resource(show_spinner=False)
def _jobs() -> dict[str, Job]:
    """All running work of this server, so that it outlives a change of page."""
    return {}


def duration(seconds: float) -> str:
    """A time as one says it: "40 seconds", "3 minutes"."""
    if seconds < 90:
        count = max(1, round(seconds))
        return f"{count} second{'s' if count != 1 else ''}"
    return f"{round(seconds / 60)} minutes"


def _visitor() -> str:
    """A name for this visitor's session."""
    return str(st.session_state.setdefault("urbanlens.visitor", uuid.uuid4().hex))


def private(name: str) -> str:
    """A key for work of this visitor alone."""
    return f"{name}:{_visitor()}"


def start(key: str, label: str, function: Callable[[Progress], Any]) -> Job:
    """Begin `function(progress)` unless it runs already, for whomever; it must not call streamlit."""
    jobs, visitor = _jobs(), _visitor()
    with _STARTING:
        job = jobs.get(key)
        if job is None or ((job.finished.is_set() or job.stop.is_set()) and visitor not in job.watchers):
            job = jobs[key] = Job(label)
            threading.Thread(target=job.run, args=(function,), name=f"work {label}", daemon=True).start()
            logging.getLogger(__name__).info("began: %s", label)
        job.watchers.add(visitor)
    return job


def running(key: str) -> Job | None:
    """The work begun under `key` that goes on, or whose end this visitor has not seen yet."""
    job = _jobs().get(key)
    return None if job is None or (job.finished.is_set() and _visitor() not in job.watchers) else job


def follow(key: str) -> Job | None:
    """Show how far the work is, or return it once it has ended: its `error` says whether well.

    Returns None while it runs: draw the rest of the page without its result. When it ends the page runs again. Each
    visitor who waits sees the end once; the last of them forgets it.
    """
    job = running(key)
    if job is None:
        return None
    if job.finished.wait(GRACE_S if time.monotonic() - job.started < GRACE_S else 0):
        with _STARTING:
            job.watchers.discard(_visitor())
            if not job.watchers and _jobs().get(key) is job:
                _jobs().pop(key)
        return job
    _bar(key)
    return None


def wait(key: str, label: str, function: Callable[[Progress], Any]) -> Any:
    """The result of `function(progress)`; while it runs, a bar with a Cancel button and None.

    A failure is told once, with a button to try again; a wish to stop likewise.
    """
    failed = _failed(key)
    if failed in st.session_state:
        st.warning(plain(st.session_state[failed]))
        st.button("Try again", key=f"again-{key}", on_click=lambda: st.session_state.pop(failed))
        return None
    start(key, label, function)
    job = follow(key)
    if job is None:
        return None
    if job.error:
        st.session_state[failed] = job.error
        st.rerun()
    return job.result


def _failed(key: str) -> str:
    """Where a session keeps why it does not wait for the work."""
    return f"urbanlens.failed.{key}"


@st.fragment(run_every=POLL_S)
def _bar(key: str) -> None:
    """The bar of running work, redrawn twice a second."""
    job = _jobs().get(key)
    if job is None or job.finished.is_set():
        st.rerun()
    with st.container(border=True, key="work"):
        share = min(job.done / job.total, 1.0) if job.total else 0.0
        count = f"{job.done:,} of {job.total:,}" if job.total else ""
        st.progress(share, " · ".join(part for part in (f"**{plain(job.label)}**", count, job.left()) if part))
        if job.stop.is_set():
            st.caption("Stopping…")
        elif st.button("Cancel", key=f"cancel-{key}", icon=":material/stop_circle:"):
            with _STARTING:
                stops = job.cancel(_visitor())
            if stops:
                st.rerun(scope="fragment")
            st.session_state[_failed(key)] = "Cancelled for you; somebody else waits for it, so it goes on."
            st.rerun()
