"""Dates and timestamps of the file as instants: a date means that whole day, in the time zone that the file names."""

import re
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_TIMESTAMP: Final = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:\d{2})?", re.ASCII)
_NEXT_DAY: Final = timedelta(days=1)


def zone(name: str) -> tzinfo | None:
    """The time zone of a name, or None if the database has none: it decides when a day begins."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # ZoneInfoNotFoundError is a KeyError; odd names raise the others
        return None


def is_moment(text: str) -> bool:
    """Whether the text is a date or a timestamp that exists."""
    return start_of(text, UTC) is not None and end_of(text, UTC) is not None


def start_of(text: str, zone: tzinfo) -> datetime | None:
    """When a date or timestamp begins, in UTC; None if it is neither."""
    found = _parsed(text, zone)
    return found and found[0]


def end_of(text: str, zone: tzinfo) -> datetime | None:
    """When a date or timestamp is over, in UTC: for a date the next midnight, so that the day itself still counts."""
    found = _parsed(text, zone)
    return found and found[1]


def first_day(start: datetime, zone: tzinfo) -> str:
    """What a file says of something that begins then: the date, or the timestamp where a day has begun already."""
    local = start.astimezone(zone)
    return local.date().isoformat() if local.time() == time() else local.isoformat(timespec="minutes")


def last_day(end: datetime, zone: tzinfo) -> str:
    """What a file says of something that is over then: the date of the last whole day, or a timestamp."""
    try:
        local = end.astimezone(zone)
    except OverflowError:  # the last day of all, which people write for "without end"
        return end.date().isoformat()
    return (local.date() - _NEXT_DAY).isoformat() if local.time() == time() else local.isoformat(timespec="minutes")


def _parsed(text: str, zone: tzinfo) -> tuple[datetime, datetime] | None:
    try:
        if _DATE.fullmatch(text):
            day = datetime.combine(datetime.fromisoformat(text), time(), zone)
            # Midnight to midnight by the calendar: days on which clocks change are not 24 hours long.
            return day.astimezone(UTC), _after(day)
        if _TIMESTAMP.fullmatch(text):
            moment = datetime.fromisoformat(text)
            instant = (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
            return instant, instant
    except (ValueError, OverflowError):
        pass
    return None


def _after(day: datetime) -> datetime:
    """The next midnight; people write the last day of all for "without end"."""
    try:
        return (day + _NEXT_DAY).astimezone(UTC)
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC)
