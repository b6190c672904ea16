"""Times of the week: overlaps, and how AWS writes them."""

import re
from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from settings.windows import DailyWindow, Day, Interval, TradingHours, WeeklyWindow, overlap

DAY = 24 * 60
WEEK = 7 * DAY
SHORT_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

times = st.tuples(st.integers(0, 23), st.integers(0, 59)).map(lambda time: f"{time[0]:02d}:{time[1]:02d}")
weekly = st.builds(WeeklyWindow, day=st.sampled_from(Day), time=times, duration_minutes=st.integers(60, 480))
daily = st.builds(DailyWindow, time=times, duration_minutes=st.integers(30, 480))
trading = st.builds(TradingHours, days=st.lists(st.sampled_from(Day), min_size=1, unique=True).map(tuple), opens=times, closes=times)
any_window = st.one_of(weekly, daily, trading)


def minute_of_day(time: str) -> int:
    return int(time[:2]) * 60 + int(time[3:])


def from_start(starts: Iterable[int], duration: int) -> set[int]:
    """The minutes of the week that a person with a calendar would tick."""
    return {(start + minute) % WEEK for start in starts for minute in range(duration)}


def ticked(window: WeeklyWindow | DailyWindow | TradingHours) -> set[int]:
    if isinstance(window, WeeklyWindow):
        return from_start([list(Day).index(window.day) * DAY + minute_of_day(window.time)], window.duration_minutes)
    if isinstance(window, DailyWindow):
        return from_start([day * DAY + minute_of_day(window.time) for day in range(7)], window.duration_minutes)
    length = minute_of_day(window.closes) - minute_of_day(window.opens)
    starts = [list(Day).index(day) * DAY + minute_of_day(window.opens) for day in window.days]
    return from_start(starts, length if length > 0 else length + DAY)


def covered(intervals: tuple[Interval, ...]) -> set[int]:
    return {minute for start, end in intervals for minute in range(start, end)}


def parsed(moment: str) -> int:
    day, hour, minute = moment.split(":")
    return SHORT_DAYS.index(day) * DAY + int(hour) * 60 + int(minute)


@given(any_window)
def test_a_window_covers_the_minutes_that_a_calendar_would(window: WeeklyWindow | DailyWindow | TradingHours) -> None:
    assert covered(window.intervals()) == ticked(window)


@given(any_window)
def test_intervals_stay_within_the_week(window: WeeklyWindow | DailyWindow | TradingHours) -> None:
    assert all(0 <= start < end <= WEEK for start, end in window.intervals())


@given(any_window, any_window)
def test_overlap_is_symmetric(first: WeeklyWindow, second: WeeklyWindow) -> None:
    assert overlap(first.intervals(), second.intervals()) is overlap(second.intervals(), first.intervals())


@given(any_window, any_window)
def test_windows_overlap_exactly_where_they_share_a_minute(first: WeeklyWindow, second: WeeklyWindow) -> None:
    assert overlap(first.intervals(), second.intervals()) is bool(ticked(first) & ticked(second))


def test_windows_that_touch_do_not_overlap() -> None:
    first = WeeklyWindow(day=Day.SUNDAY, time="22:00", duration_minutes=120)
    assert not overlap(first.intervals(), WeeklyWindow(day=Day.MONDAY, time="00:00").intervals())
    assert overlap(first.intervals(), WeeklyWindow(day=Day.SUNDAY, time="23:59").intervals())


def test_a_window_over_the_end_of_the_week_reaches_into_monday() -> None:
    window = WeeklyWindow(day=Day.SUNDAY, time="23:00", duration_minutes=120)
    assert overlap(window.intervals(), WeeklyWindow(day=Day.MONDAY, time="00:30").intervals())
    assert window.aws_range == "sun:23:00-mon:01:00"


@given(weekly)
def test_a_weekly_range_is_written_as_rds_reads_it_and_ends_after_its_duration(window: WeeklyWindow) -> None:
    moment = r"(?:mon|tue|wed|thu|fri|sat|sun):(?:[01]\d|2[0-3]):[0-5]\d"
    assert re.fullmatch(f"{moment}-{moment}", window.aws_range)
    start, end = map(parsed, window.aws_range.split("-"))
    assert start == list(Day).index(window.day) * DAY + minute_of_day(window.time)
    assert (end - start) % WEEK == window.duration_minutes


@given(daily)
def test_a_daily_range_is_written_as_rds_reads_it_and_ends_after_its_duration(window: DailyWindow) -> None:
    moment = r"(?:[01]\d|2[0-3]):[0-5]\d"
    assert re.fullmatch(f"{moment}-{moment}", window.aws_range)
    start, end = map(minute_of_day, window.aws_range.split("-"))
    assert start == minute_of_day(window.time)
    assert (end - start) % DAY == window.duration_minutes


def test_trading_hours_past_midnight_reach_into_the_next_day() -> None:
    friday = TradingHours(days=(Day.FRIDAY,), opens="08:00", closes="01:00")
    assert overlap(friday.intervals(), WeeklyWindow(day=Day.SATURDAY, time="00:00").intervals())
    assert not overlap(friday.intervals(), WeeklyWindow(day=Day.SATURDAY, time="01:00").intervals())
    assert not overlap(friday.intervals(), WeeklyWindow(day=Day.FRIDAY, time="07:00").intervals())


def test_trading_hours_of_sunday_past_midnight_reach_into_monday() -> None:
    sunday = TradingHours(days=(Day.SUNDAY,), opens="22:00", closes="02:00")
    assert overlap(sunday.intervals(), WeeklyWindow(day=Day.MONDAY, time="01:00").intervals())


def test_markets_that_close_when_they_open_never_close() -> None:
    always = TradingHours(days=tuple(Day), opens="00:00", closes="00:00")
    assert covered(always.intervals()) == set(range(WEEK))
