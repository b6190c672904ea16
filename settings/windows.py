"""Times of the week, in UTC: maintenance, backups and trading hours, and whether two of them overlap."""

from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from settings.base import Model

MINUTES_PER_DAY = 24 * 60
MINUTES_PER_WEEK = 7 * MINUTES_PER_DAY

TimeOfDay = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$", examples=["02:00"])]
"""Hours and minutes in UTC, `hh:mm`."""

Interval = tuple[int, int]
"""Minutes since Monday 00:00 UTC: first minute inside, first minute outside. Never wraps around the end of the week."""


class Day(StrEnum):
    """Days in the order in which AWS counts maintenance windows for us: Monday first."""

    MONDAY = "monday"
    TUESDAY = "tuesday"
    WEDNESDAY = "wednesday"
    THURSDAY = "thursday"
    FRIDAY = "friday"
    SATURDAY = "saturday"
    SUNDAY = "sunday"

    @property
    def number(self) -> int:
        """0 for Monday."""
        return list(Day).index(self)

    @property
    def short(self) -> str:
        """Three letters, as RDS and ElastiCache write days: `mon`."""
        return self.value[:3]


def minutes(time: str) -> int:
    """Minutes since midnight of an `hh:mm` time."""
    hours, minute = time.split(":")
    return int(hours) * 60 + int(minute)


def clock(minute: int) -> str:
    """The `hh:mm` time of a minute of the day or week."""
    return f"{minute // 60 % 24:02d}:{minute % 60:02d}"


def _split_at_end_of_week(start: int, duration: int) -> Iterator[Interval]:
    start %= MINUTES_PER_WEEK
    end = start + duration
    if end <= MINUTES_PER_WEEK:
        yield start, end
    else:
        yield start, MINUTES_PER_WEEK
        yield 0, end - MINUTES_PER_WEEK


class WeeklyWindow(Model):
    """Once a week, in UTC."""

    day: Day = Field(description="Day on which the window starts, in UTC.", examples=["saturday"])
    time: TimeOfDay = Field(description="Start, in UTC.")
    duration_minutes: Annotated[int, Field(ge=60, le=480)] = Field(
        default=60,
        description="Length in minutes. At least 60: the least that ElastiCache takes.",
        examples=[60],
    )

    def intervals(self) -> tuple[Interval, ...]:
        """The minutes of the week inside the window."""
        return tuple(_split_at_end_of_week(self.day.number * MINUTES_PER_DAY + minutes(self.time), self.duration_minutes))

    @property
    def aws_range(self) -> str:
        """`ddd:hh:mm-ddd:hh:mm`, as RDS and ElastiCache write a window."""
        start = self.day.number * MINUTES_PER_DAY + minutes(self.time)
        end = (start + self.duration_minutes) % MINUTES_PER_WEEK
        end_day = list(Day)[end // MINUTES_PER_DAY]
        return f"{self.day.short}:{self.time}-{end_day.short}:{clock(end)}"


class DailyWindow(Model):
    """Every day, in UTC."""

    time: TimeOfDay = Field(description="Start, in UTC.")
    duration_minutes: Annotated[int, Field(ge=30, le=480)] = Field(
        default=60, description="Length in minutes. At least 30 (RDS); 60 for snapshots of ElastiCache.", examples=[60]
    )

    def intervals(self) -> tuple[Interval, ...]:
        """The minutes of the week inside the window."""
        return tuple(
            interval
            for day in range(7)
            for interval in _split_at_end_of_week(day * MINUTES_PER_DAY + minutes(self.time), self.duration_minutes)
        )

    @property
    def aws_range(self) -> str:
        """`hh:mm-hh:mm`, as RDS and ElastiCache write a daily window."""
        return f"{self.time}-{clock(minutes(self.time) + self.duration_minutes)}"


def intervals_between(days: Iterable[Day], begins: str, ends: str) -> tuple[Interval, ...]:
    """The minutes of the week from one time of these days to another; not later means on the next day."""
    start = minutes(begins)
    length = (minutes(ends) - start) % MINUTES_PER_DAY or MINUTES_PER_DAY
    return tuple(interval for day in days for interval in _split_at_end_of_week(day.number * MINUTES_PER_DAY + start, length))


class TradingHours(Model):
    """When markets are open: no maintenance, no snapshot and no practice run may fall into these hours."""

    days: tuple[Day, ...] = Field(min_length=1, description="Days on which a session opens, in UTC.", examples=[["monday"]])
    opens: TimeOfDay = Field(description="Opening of the extended session, in UTC.")
    closes: TimeOfDay = Field(description="Close of the extended session, in UTC; earlier than `opens` means on the next day.")

    @property
    def minutes_per_day(self) -> int:
        """Length of one session."""
        return (minutes(self.closes) - minutes(self.opens)) % MINUTES_PER_DAY or MINUTES_PER_DAY

    def intervals(self) -> tuple[Interval, ...]:
        """The minutes of the week inside trading hours."""
        return intervals_between(self.days, self.opens, self.closes)


def overlap(first: tuple[Interval, ...], second: tuple[Interval, ...]) -> bool:
    """Whether two sets of intervals share a minute."""
    return any(a_start < b_end and b_start < a_end for a_start, a_end in first for b_start, b_end in second)
