"""Work that several visitors wait for."""

import threading
from collections.abc import Iterator

import pytest
from streamlit.testing.v1 import AppTest

from urbanlens.ui import work

GATE = threading.Event()
RUNS: list[str] = []


def count(progress: object) -> int:
    """Long work: it ends when the test lets it."""
    RUNS.append("begun")
    GATE.wait(20)
    progress(1, 1, "counting")  # type: ignore[operator]
    return 7


def _page() -> None:
    import streamlit as st

    from tests.ui.test_work import count
    from urbanlens.ui import work

    result = work.wait("shared", "Counting", count)
    if result is not None:
        st.write(f"result {result}")


@pytest.fixture
def visitors() -> Iterator[tuple[AppTest, AppTest]]:
    GATE.clear()
    RUNS.clear()
    work._jobs().clear()
    yield AppTest.from_function(_page).run(), AppTest.from_function(_page).run()
    GATE.set()


def _end() -> None:
    jobs = list(work._jobs().values())
    GATE.set()
    assert all(job.finished.wait(20) for job in jobs)


def click(visitor: AppTest, key: str) -> AppTest:
    visitor.button(key=key).click().run()
    assert not visitor.exception
    return visitor


def test_everybody_who_waits_sees_the_end_and_then_forgets_it(visitors: tuple[AppTest, AppTest]) -> None:
    _end()
    for visitor in visitors:
        assert visitor.run().markdown[-1].value == "result 7"
        assert work._own("shared") not in visitor.session_state
    assert RUNS == ["begun"]


def test_one_visitor_cannot_cancel_what_another_waits_for(visitors: tuple[AppTest, AppTest]) -> None:
    first, second = visitors
    assert "goes on" in click(first, "cancel-shared").warning[0].value
    _end()
    assert second.run().markdown[-1].value == "result 7"
    assert RUNS == ["begun"]


def test_the_last_who_waits_stops_it_and_is_told(visitors: tuple[AppTest, AppTest]) -> None:
    first, second = visitors
    click(first, "cancel-shared")
    click(second, "cancel-shared")
    _end()
    assert "Stopped" in second.run().warning[0].value


def test_a_page_that_was_closed_does_not_keep_work_alive(
    visitors: tuple[AppTest, AppTest], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "_is_there", lambda session: False)
    click(visitors[0], "cancel-shared")
    assert work._jobs()["shared"].stop.is_set()


def test_work_after_one_that_was_stopped_begins_anew(visitors: tuple[AppTest, AppTest]) -> None:
    first, second = visitors
    click(first, "cancel-shared")
    click(second, "cancel-shared")
    click(first, "again-shared")
    assert RUNS == ["begun"]
    _end()
    assert first.run().markdown[-1].value == "result 7"
    assert "Stopped" in second.run().warning[0].value
    assert RUNS == ["begun", "begun"]


def _two_pages() -> None:
    import streamlit as st

    from tests.ui.test_work import count
    from urbanlens.ui import state, work

    page = st.selectbox("page", ["Here", "There"])
    state.enter(page)
    work.elsewhere()
    if page == "Here":
        work.wait("usual", "Looking", count)
        work.wait_when_asked("mine", "Counting", "Count", count)


def test_other_pages_tell_of_work_and_of_the_end_of_what_was_asked_for() -> None:
    GATE.clear()
    work._jobs().clear()
    visitor = AppTest.from_function(_two_pages).run()
    visitor.button(key="button-mine").click().run()
    assert not visitor.caption, "the page shows both itself"
    visitor.selectbox[0].select("There").run()
    running = ["Looking: running · on the page Here", "Counting: running · on the page Here"]
    assert [one.value for one in visitor.caption] == running
    _end()
    assert [one.value for one in visitor.run().caption] == ["Counting: done · on the page Here"]
    assert not visitor.run().caption, "told once"
    visitor.selectbox[0].select("Here").run()
    assert not visitor.run().caption, "never on the page that shows it"
