"""A request: its body, and the records in it."""

from __future__ import annotations

import codecs
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.requests import ClientDisconnect, Request

from shipway.core.contract import Breach, Contract
from shipway.scoring.predictor import RecordError
from shipway.serving import structure
from shipway.serving.problems import Problem, gone

if TYPE_CHECKING:
    from shipway.serving.turns import Hold

BODY_LIMIT = 16 * 2**20
"""Bytes of a request's body; ten thousand records of the case studies are 2 to 7 MB."""
RECORD_LIMIT = 10_000
"""Records in one request. Larger tables are for batch prediction."""

TYPE_LENGTH = 200
"""Characters of a Content-Type; ours has 31 with its charset."""
LENGTH_DIGITS = 15
"""Of a Content-Length that is read as a number: a petabyte."""
SLACK = 1_000
"""Values that a body may have beyond twice those of its largest batch before it is refused unread: so batches of a few more, and
records of strange columns, are told what is wrong with them."""

SHAPES = 'one record object, {"records": [record, ...]} or {"columns": {name: [values]}}'


_MARKS = {codecs.BOM_UTF8: "UTF-8", codecs.BOM_UTF16_LE: "UTF-16", codecs.BOM_UTF16_BE: "UTF-16", codecs.BOM_UTF32_BE: "UTF-32"}


async def receive(request: Request, held: Hold, limit: int = BODY_LIMIT) -> bytes:
    """The body of *request*, which must say that it is JSON; its bytes are counted by *held*.

    Raises:
        Problem: 415, 413 once it is larger than *limit* bytes, 503 where too many bytes are held already, 400 to nobody where
            the client hung up.
    """
    _check_headers(request.headers)
    declared = request.headers.get("content-length", "")
    if declared.isascii() and declared.isdigit():
        if len(declared) > LENGTH_DIGITS or int(declared) > limit:
            raise _too_large(limit)
        held.check(int(declared))
    body = bytearray()
    try:
        async for chunk in request.stream():
            if len(body) + len(chunk) > limit:
                raise _too_large(limit)
            held.add(len(chunk))
            body += chunk
    except ClientDisconnect:
        raise gone() from None
    return bytes(body)


def size(body: bytes, contract: Contract) -> int:
    """About how many records *body* has; cheap, before it is read: a record has its bracket, or a comma between two values."""
    return max(1, body.count(b"{") - 1, body.count(b",") // len(contract.columns))


def records(body: bytes, contract: Contract, limit: int = RECORD_LIMIT) -> list[Any]:
    """The records of a body, not yet checked against *contract*.

    A cell is never a list or an object. So a body whose only member is `records` with a list, or `columns` with an object, is a
    batch, whatever the contract's columns are called; any other body is one record where the contract has a column of that
    name. A batch may be empty.

    Raises:
        Problem: 400 for what is no JSON object, or names a member twice; 422 for a batch of the wrong shape; 413 for more
            records than *limit*.
        RecordError: A body with more values than *limit* records of *contract* can have.
    """
    document = decode(body, SHAPES, SLACK + 2 * limit * len(contract.columns))
    for name, kind, words in (("records", list, "a list of record objects"), ("columns", dict, "an object of lists")):
        if name in document and (isinstance(document[name], kind) or name not in contract.columns):
            if len(document) > 1:
                if name in contract.columns:
                    continue
                raise Problem(422, f'"{name}" must be the only member of the body; send {SHAPES}.')
            if not isinstance(document[name], kind):
                raise Problem(422, f'"{name}" must be {words}.')
            if name == "columns":
                return _across(document[name], contract, limit)
            found: list[Any] = document[name]
            if len(found) > limit:
                raise too_many(limit)
            _check_widths([len(record) if isinstance(record, dict) else 0 for record in found], contract, limit)
            return found
    _check_widths([len(document)], contract, limit)
    return [document]


def decode(body: bytes, shapes: str, most: int) -> dict[str, Any]:
    """The JSON object that *body* is, of about *most* values.

    Raises:
        Problem: 400 for anything else, saying which *shapes* are taken; 413 for far more values.
    """
    for mark, name in _MARKS.items():
        if body.startswith(mark):
            raise Problem(400, f"The body begins with a byte order mark of {name}; send UTF-8 without one.")
    structure.check(body, most)
    try:
        document = msgspec.json.decode(body)
    except UnicodeDecodeError:
        raise Problem(400, "The body is not UTF-8.") from None
    except msgspec.DecodeError as error:
        raise Problem(400, f"The body can't be read as JSON: {str(error).partition(' - at')[0]}.") from None
    except RecursionError:
        raise Problem(400, "The body can't be read as JSON: it is nested too deeply.") from None
    if not isinstance(document, dict):
        raise Problem(400, f"The body must be a JSON object: {shapes}.")
    structure.check_names(body, document)
    return document


def _across(columns: Mapping[str, Any], contract: Contract, limit: int) -> list[dict[str, Any]]:
    """Records of a table that came column by column."""
    if not all(isinstance(values, list) for values in columns.values()):
        raise Problem(422, 'Each member of "columns" must be a list of values.')
    heights = {len(values) for values in columns.values()}
    if len(heights) > 1:
        raise Problem(
            422, f'The lists of "columns" must be equally long; they have from {min(heights)} to {max(heights)} values.'
        )
    height = max(heights, default=0)
    if height > limit:
        raise too_many(limit)
    _check_widths([len(columns)] * height, contract, limit)
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def _check_widths(widths: Sequence[int], contract: Contract, limit: int) -> None:
    """Refuse by one record what no batch can hold: naming millions of unknown columns one by one takes gigabytes."""
    most = len(contract.columns)
    if sum(widths) > limit * most:
        row = next(row for row, width in enumerate(widths) if width > most)
        raise RecordError([Breach(row, "", "unknown", f"expected at most {most} columns, got {widths[row]}")])


def _check_headers(headers: Mapping[str, str]) -> None:
    given = headers.get("content-type", "")
    kind, *parameters = given[:TYPE_LENGTH].split(";")
    if len(given) > TYPE_LENGTH or kind.strip().lower() != "application/json":
        raise Problem(415, "Send JSON, with the header Content-Type: application/json.")
    for name, _, value in (parameter.partition("=") for parameter in parameters):
        if name.strip().lower() == "charset" and value.strip().strip('"').lower() not in ("utf-8", "utf8"):
            raise Problem(415, "Send JSON in UTF-8.")
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise Problem(415, "Send the body as it is, without a Content-Encoding.")


def _too_large(limit: int) -> Problem:
    # the rest of the body is not read, so the connection can't be used again
    return Problem(413, f"The body is larger than {limit:,} bytes; send fewer records at a time.", {"Connection": "close"})


def too_many(limit: int) -> Problem:
    """413 for a batch of more than *limit*."""
    return Problem(413, f"The body has more than {limit:,} records; send fewer at a time.")
