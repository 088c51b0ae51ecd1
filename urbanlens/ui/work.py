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
from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from urbanlens.errors import Cancelled, UrbanLensError
from urbanlens.progress import Pace, Progress
from urbanlens.ui import state
from urbanlens.ui.pictures import plain

GRACE_S = 0.4
"""Work that ends within this time shows no progress bar."""

POLL_S = 0.5

_ENDED = "urbanlens.work-ended"
_BARS = "urbanlens.work-bars"
"""Where a session keeps the page of its last whole run, and the keys of the bars that were drawn in it."""

_STARTING = threading.Lock()


@dataclass
class Job:
    """One run of a long function in its own thread, which any number of visitors may wait for."""

    label: str
    watchers: dict[str, str] = field(default_factory=dict)
    """The visitors that wait for it, each with the session they came in."""

    started: float = field(default_factory=time.monotonic)
    done: int = 0
    total: int = 0
    what: str = ""
    result: Any = None
    error: str | None = None
    finished: threading.Event = field(default_factory=threading.Event)
    stop: threading.Event = field(default_factory=threading.Event)
    pace: Pace = field(default_factory=Pace)

    def progress(self, done: int, total: int, what: str) -> None:
        """What the function calls as it goes on; raises Cancelled once the visitor has asked to stop."""
        self.done, self.total, self.what = done, total, what
        self.pace.note(done, total)
        if self.stop.is_set():
            raise Cancelled("Stopped. Parts that were finished are kept.")

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

    def others(self, visitor: str) -> bool:
        """Whether somebody else still waits for it; a closed or reloaded page does not."""
        return any(_is_there(session) for name, session in self.watchers.items() if name != visitor)

    def left(self) -> str:
        """The time that the rest needs, in words; "" where it cannot be said yet."""
        if self.total and self.done >= self.total:
            return "finishing"
        seconds = self.pace.left()
        return "" if seconds is None else f"{duration(seconds)} left"


@st.cache_resource(show_spinner=False)
def _jobs() -> dict[str, Job]:
    """All running work of this server, so that it outlives a change of page; ended work is with those who wait."""
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


def _session() -> str:
    """Streamlit's own name for the session."""
    context = get_script_run_ctx()
    return context.session_id if context is not None else ""


def _is_there(session: str) -> bool:
    """Whether a browser still shows this session's page."""
    return not runtime.exists() or runtime.get_instance().is_active_session(session)


def private(name: str) -> str:
    """A key for work of this visitor alone."""
    return f"{name}:{_visitor()}"


def start(key: str, label: str, function: Callable[[Progress], Any], *, asked: bool = True) -> Job:
    """Begin `function(progress)` unless it runs already, for whomever; it must not call streamlit.

    Work that is being stopped is begun anew once it has ended. The end of what the visitor `asked` for is told on
    other pages too.
    """
    _pages()[key] = state.current_page()
    (_told().discard if asked else _told().add)(key)
    own: Job | None = st.session_state.get(_own(key))
    if own is not None:
        return own
    jobs = _jobs()
    with _STARTING:
        job, before = jobs.get(key), None
        if job is None or job.stop.is_set():
            job, before = Job(label), job
            jobs[key] = job
            threading.Thread(
                target=_run, args=(jobs, key, job, function, before), name=f"work {label}", daemon=True
            ).start()
            logging.getLogger(__name__).info("began: %s", label)
        job.watchers[_visitor()] = _session()
    st.session_state[_own(key)] = job
    return job


def _run(jobs: dict[str, Job], key: str, job: Job, function: Callable[[Progress], Any], before: Job | None) -> None:
    if before is not None:
        before.finished.wait()
    try:
        job.run(function)
    finally:
        with _STARTING:
            if jobs.get(key) is job:
                del jobs[key]


def running(key: str) -> Job | None:
    """The work begun under `key` whose end this visitor has not seen yet, or that runs for somebody else."""
    own: Job | None = st.session_state.get(_own(key))
    return own or _jobs().get(key)


def follow(key: str) -> Job | None:
    """Show how far the work is, or return it once it has ended: its `error` says whether well.

    Returns None while it runs: draw the rest of the page without its result. When it ends the page runs again, and
    each visitor who began it or waits for it sees the end once.
    """
    job = running(key)
    if job is None:
        return None
    if job.finished.wait(GRACE_S if time.monotonic() - job.started < GRACE_S else 0):
        forget(key)
        return job
    _bar(key)
    return None


def forget(key: str) -> None:
    """Let go of ended work whose result this visitor has by other ways."""
    st.session_state.pop(_own(key), None)


def wait(key: str, label: str, function: Callable[[Progress], Any]) -> Any:
    """The result of `function(progress)`; while it runs, a bar with a Cancel button and None.

    A failure is told once, with a button to try again; a wish to stop likewise.
    """
    failed = _failed(key)
    if failed in st.session_state:
        st.warning(plain(st.session_state[failed]))
        st.button("Try again", key=f"again-{key}", on_click=lambda: st.session_state.pop(failed))
        return None
    start(key, label, function, asked=_wish(key) in st.session_state)
    job = follow(key)
    if job is None:
        return None
    if job.error:
        st.session_state[failed] = job.error
        st.rerun()
    return job.result


def wait_when_asked(key: str, label: str, button: str, function: Callable[[Progress], Any]) -> Any:
    """`wait`, but only once the visitor has pressed `button`, or where the work runs for somebody else; else None."""
    if asked_for(key):
        _ask(key)
        return wait(key, label, function)
    st.button(button, key=f"button-{key}", on_click=_ask, args=(key,))
    return None


def asked_for(key: str) -> bool:
    """Whether this visitor wants the work, or it runs already."""
    return _wish(key) in st.session_state or running(key) is not None


def _ask(key: str) -> None:
    st.session_state[_wish(key)] = True


def _wish(key: str) -> str:
    """Where a session keeps that the visitor wants the work."""
    return f"urbanlens.asked-{key}"


def elsewhere() -> None:
    """Notes of the visitor's work that the page does not show; drawn where the run stands, the side bar.

    Called before the page is drawn, it goes by the bars of the page's last run, and looks again every other second
    while something runs. The end of work that was asked for is told until the next run.
    """
    page, bars = st.session_state.get(_BARS, ("", set()))
    here = state.current_page()
    st.session_state[_BARS] = (here, set())
    _told().update(st.session_state.pop(_ENDED, set()))
    running = any(not job.finished.is_set() for _, job, _ in _own_jobs())
    (_moving_notes if running else _notes)(bars if page == here else set())


@st.fragment(run_every=4 * POLL_S)
def _moving_notes(hidden: set[str]) -> None:
    _notes(hidden)
    hidden.clear()


def _notes(hidden: set[str]) -> None:
    """A line each, but for `hidden` at first: what has a bar on the page by then needs none."""
    _, bars = st.session_state.get(_BARS, ("", set()))
    for key, job, page in _own_jobs():
        parts = [f"{min(job.done / job.total, 1):.0%}" if job.total else "running", job.left()]
        if job.finished.is_set():
            if key in _told() or page == state.current_page():
                continue
            st.session_state.setdefault(_ENDED, set()).add(key)
            parts = ["stopped" if job.error else "done"]
        elif key in bars or key in hidden:
            continue
        st.caption(f"{plain(job.label)}: {' · '.join(part for part in (*parts, f'on the page {page}') if part)}")


def _own_jobs() -> list[tuple[str, Job, str]]:
    """The work that this visitor waits for: key, job, and the page that shows it."""
    held = ((key, st.session_state.get(_own(key)), page) for key, page in _pages().items() if page)
    return [(key, job, page) for key, job, page in held if job is not None]


def _told() -> set[str]:
    """Work whose end the visitor has heard of, or need not hear of."""
    told: set[str] = st.session_state.setdefault("urbanlens.work-told", set())
    return told


def _pages() -> dict[str, str]:
    """Which page shows the work of a key."""
    pages: dict[str, str] = st.session_state.setdefault("urbanlens.work-pages", {})
    return pages


def _own(key: str) -> str:
    """Where a session keeps the work that it waits for."""
    return f"urbanlens.job.{key}"


def _failed(key: str) -> str:
    """Where a session keeps why it does not wait for the work."""
    return f"urbanlens.failed.{key}"


@st.fragment(run_every=POLL_S)
def _bar(key: str) -> None:
    """The bar of running work, redrawn twice a second; those who wait for it can cancel it."""
    job = running(key)
    if job is None or job.finished.is_set():
        st.rerun()
    st.session_state.get(_BARS, ("", set()))[1].add(key)
    with st.container(border=True, key="work"):
        share = min(job.done / job.total, 1.0) if job.total else 0.0
        count = f"{plain(job.what)} {job.done:,} of {job.total:,}" if job.total else ""
        st.progress(share, " · ".join(part for part in (f"**{plain(job.label)}**", count, job.left()) if part))
        own = _visitor() in job.watchers or not job.others("")
        if job.stop.is_set():
            st.caption("Stopping…")
        elif own and st.button("Cancel", key=f"cancel-{key}", icon=":material/stop_circle:"):
            _cancel(key, job)


def _cancel(key: str, job: Job) -> None:
    """Stop the work, or leave it to the others who wait for it."""
    with _STARTING:
        job.watchers.pop(_visitor(), None)
        if not job.others(_visitor()):
            job.stop.set()
    if job.stop.is_set():
        st.caption("Stopping…")
        return
    forget(key)
    st.session_state[_failed(key)] = "Cancelled for you; somebody else waits for it, so it goes on."
    st.rerun()
