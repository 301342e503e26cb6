"""The breaker by a clock of its own: three failures in a row open it, and after 30 s one caller may look."""

import pytest

from marketplace.search.breaker import Breaker


class Clock:
    seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_three_failures_in_a_row_open_it_and_fewer_do_not(clock: Clock) -> None:
    breaker = Breaker(clock)
    for _ in range(2):
        breaker.failed()
    breaker.succeeded()
    for _ in range(2):
        breaker.failed()
        assert breaker.allows()
        assert not breaker.open
    breaker.failed()
    assert breaker.open
    assert not breaker.allows()


def test_after_thirty_seconds_one_caller_looks_whether_the_part_is_back(clock: Clock) -> None:
    breaker = Breaker(clock)
    for _ in range(3):
        breaker.failed()
    clock.seconds += 29.9
    assert not breaker.allows()
    clock.seconds += 0.2
    assert [breaker.allows() for _ in range(3)] == [True, False, False]
    breaker.failed()
    clock.seconds += 29.9
    assert not breaker.allows()
    clock.seconds += 0.2
    assert breaker.allows()
    breaker.succeeded()
    assert [breaker.allows() for _ in range(3)] == [True, True, True]


def test_a_caller_that_never_comes_back_from_looking_does_not_keep_it_open_for_ever(clock: Clock) -> None:
    breaker = Breaker(clock)
    for _ in range(3):
        breaker.failed()
    clock.seconds += 31
    assert breaker.allows()  # and is heard of no more
    clock.seconds += 31
    assert breaker.allows()
