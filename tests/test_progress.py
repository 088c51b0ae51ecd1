"""The time that is left is told by the speed of late, and parts as progress of the whole."""

import pytest

from urbanlens.progress import Pace, part_of


class Clock:
    """Time that a test moves."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def run(pace: Pace, clock: Clock, steps: range, seconds: float, total: int = 1000) -> None:
    for step in steps:
        pace.note(step, total)
        clock.now += seconds


def test_nothing_is_said_before_a_second_of_work(clock: Clock) -> None:
    pace = Pace(clock=clock)
    assert pace.left() is None
    run(pace, clock, range(4), 0.2)
    assert pace.left() is None


def test_even_work_is_told_exactly(clock: Clock) -> None:
    pace = Pace(clock=clock)
    run(pace, clock, range(101), 0.1)
    assert pace.left() == pytest.approx(90 - 0.1)


def test_work_that_grows_slower_is_told_by_its_new_speed(clock: Clock) -> None:
    pace = Pace(window_s=10, clock=clock)
    run(pace, clock, range(500), 0.01)
    run(pace, clock, range(500, 521), 1)
    assert pace.left() == pytest.approx(480, rel=0.1)


def test_what_was_kept_from_an_earlier_run_counts_for_no_speed(clock: Clock) -> None:
    pace = Pace(clock=clock)
    run(pace, clock, range(900, 910), 2)
    assert pace.left() == pytest.approx(2 * 91 - 2)


def test_steps_longer_than_the_window_are_counted_down_while_they_last(clock: Clock) -> None:
    pace = Pace(window_s=10, clock=clock)
    run(pace, clock, range(3), 60, total=10)
    assert pace.left() == pytest.approx(60 * 8 - 60)
    clock.now += 1e6
    assert pace.left() == 0


def test_another_part_of_the_work_begins_anew(clock: Clock) -> None:
    pace = Pace(clock=clock)
    run(pace, clock, range(100), 0.1)
    pace.note(0, 5)
    assert pace.left() is None
    clock.now += 30
    pace.note(1, 5)
    assert pace.left() == pytest.approx(120)


def test_parts_are_told_as_progress_of_the_whole() -> None:
    told: list[tuple[int, int, str]] = []

    def note(done: int, total: int, what: str) -> None:
        told.append((done, total, what))

    first = part_of(note, 0, 30, 50, "step")
    second = part_of(note, 30, 20, 50, "image", "network 2 of 2")
    first(0, 0, "nothing yet")
    first(5, 10, "epoch 1 of 2, batch")
    for done in (0, 7, 20):
        second(done, 20, "reading image")
    assert told == [
        (0, 50, "nothing yet, step"),
        (15, 50, "epoch 1 of 2, step"),
        *((30 + done, 50, "network 2 of 2, image") for done in (0, 7, 20)),
    ]
