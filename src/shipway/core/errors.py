"""One root error, few children; each knows its exit code on the command line and its HTTP status."""

from __future__ import annotations


class ShipwayError(Exception):
    """Something that the user can act on: the message names what, what was expected, and the next step."""

    exit_code = 1
    status = 500


class UsageError(ShipwayError):
    """Wrong usage, or a project, contract or settings file that can't be right."""

    exit_code = 2
    status = 400


class DataError(ShipwayError):
    """The data breaks the contract too often, or is not the data that was asked for."""

    exit_code = 3
    status = 422


class OutsideError(ShipwayError):
    """Something outside is missing or away: a network, a server, a tool, an extra."""

    exit_code = 5
    status = 503


class DataAwayError(OutsideError):
    """A named dataset is not at hand and could not be fetched; a stand-in would do to try things out."""


class InterruptedRun(ShipwayError):
    """The user pressed Ctrl-C; what was finished is kept."""

    exit_code = 130
    status = 503
