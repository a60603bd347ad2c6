"""A bundle, loaded and answering: rows as a caller sends them become labels, probabilities and remarks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import msgspec

from shipway.core import contract as contracts
from shipway.core import disk, profile
from shipway.core.contract import Breach, Level
from shipway.core.errors import DataError, OutsideError
from shipway.core.models import Model, ModelCard
from shipway.core.profile import Remark

if TYPE_CHECKING:
    import polars
    from numpy.typing import NDArray

PIPELINE, CARD, SELF_TESTS, MANIFEST = "pipeline.skops", "card.json", "example.json", "manifest.json"


class SelfTest(msgspec.Struct, frozen=True, kw_only=True):
    """A record as a caller would send it, and the probabilities that the model gave it when the bundle was made."""

    record: dict[str, Any]
    probabilities: list[float]


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """The sha256 of each file of a bundle, and the versions of the libraries that it was made with."""

    files: dict[str, str]
    made_with: dict[str, str]


class RecordError(DataError):
    """Rows break the contract; `breaches` says which, where and how, never a value."""

    def __init__(self, breaches: Sequence[Breach]) -> None:
        self.breaches = list(breaches)
        first = self.breaches[0]
        rows = len({breach.row for breach in self.breaches})
        where = f"row {first.row}" + (f", column {first.column!r}" if first.column else "")
        super().__init__(
            f"{rows} {'row breaks' if rows == 1 else 'rows break'} the contract; the first is {where}: {first.message} "
            f"(rule {first.rule}). Mend the rows, or the rule in contract.toml"
        )


@dataclass(frozen=True)
class Predictions:
    """Answers in the order of the rows.

    Attributes:
        labels: Typed as the contract's levels.
        probabilities: float64, shape (rows, classes), columns in the order of the card's classes.
        remarks: Row -> warnings; rows without one are left out.
    """

    labels: list[Level]
    probabilities: NDArray[Any]
    remarks: dict[int, list[Remark]]


@dataclass(frozen=True)
class Predictor:
    """A model version that answers.

    Attributes:
        self_tests: Records with the probabilities that they must get; the first is a typical record, made up.
    """

    model: Model
    manifest: Manifest
    self_tests: list[SelfTest]

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Load the bundle in *folder*. Raises OutsideError naming the file that is not what the manifest says."""
        manifest = verify(folder)
        return cls(Model.load(folder), manifest, read_self_tests(folder))

    @property
    def card(self) -> ModelCard:
        return self.model.card

    @property
    def example(self) -> dict[str, Any]:
        """A valid record that is nobody's: middle values and commonest levels."""
        return self.self_tests[0].record

    def predict(self, rows: polars.DataFrame | Sequence[Mapping[str, Any]]) -> Predictions:
        """Answer *rows*, whose cells may be typed or the texts of a CSV.

        Raises:
            RecordError: Rows that break the contract, or whose numbers are too extreme to compute with.
        """
        import numpy

        reading = contracts.read(self.card.contract, rows, target=False)
        if reading.breaches:
            raise RecordError(reading.breaches)
        if not reading.frame.height:
            return Predictions([], numpy.empty((0, len(self.card.classes))), {})
        probabilities = self._score(reading.frame)
        labels = [self.card.classes[index] for index in self.model.decide(probabilities).tolist()]
        return Predictions(labels, probabilities, profile.compare(self.card.profile, reading.frame))

    def _score(self, frame: polars.DataFrame) -> NDArray[Any]:
        try:
            return self._finite(frame)
        except (ValueError, DataError):
            # Numbers that overflow on their way through the pipeline, or values that an expression of [prepare] can't take:
            # neither scikit-learn nor Polars says in which rows, and what they say would show the value.
            row = self._first_unfit(frame)
            if not self._fits(contracts.read(self.card.contract, [self.example], target=False).frame):
                raise
            message = "the values are too extreme or too strange for the model to compute with"
            raise RecordError([Breach(row, "", "range", message)]) from None

    def _finite(self, frame: polars.DataFrame) -> NDArray[Any]:
        import numpy

        with numpy.errstate(over="ignore", invalid="ignore"):
            probabilities = self.model.probabilities(frame)
        if not numpy.isfinite(probabilities).all():
            raise ValueError("the model gave a probability that is not finite")
        return probabilities

    def _fits(self, frame: polars.DataFrame) -> bool:
        try:
            self._finite(frame)
        except (ValueError, DataError):
            return False
        return True

    def _first_unfit(self, frame: polars.DataFrame) -> int:
        """The first row that can't be scored, by halving: trying each row of a large batch would take minutes."""
        fit, unfit = 0, frame.height
        while unfit - fit > 1:
            middle = (fit + unfit) // 2
            if self._fits(frame[:middle]):
                fit = middle
            else:
                unfit = middle
        return unfit - 1


def verify(folder: Path) -> Manifest:
    """Compare each file of the bundle in *folder* with its manifest. Raises OutsideError naming the first that differs."""
    again = "export or build the bundle again, such as with `shipway run PROJECT --force compile`"
    try:
        manifest = msgspec.json.decode((folder / MANIFEST).read_bytes(), type=Manifest)
    except FileNotFoundError:
        raise OutsideError(f"{folder} is no bundle: it has no {MANIFEST}; {again}") from None
    except msgspec.DecodeError as error:
        raise OutsideError(f"{folder / MANIFEST} can't be read ({error}); {again}") from None
    for name in sorted({PIPELINE, CARD, SELF_TESTS, *manifest.files}):
        expected = manifest.files.get(name)
        try:
            found = disk.sha256_of(folder / name)
        except FileNotFoundError:
            raise OutsideError(f"{folder / name} is missing; {again}") from None
        if found != expected:
            told = f"sha256 {expected[:12]}…" if expected else "no such file"
            raise OutsideError(f"{folder / name} was changed: {MANIFEST} says {told}, found sha256 {found[:12]}…; {again}")
    return manifest


def read_card(folder: Path) -> ModelCard:
    """The card of the bundle in *folder*, without the pipeline and the libraries that it needs."""
    return msgspec.json.decode((folder / CARD).read_bytes(), type=ModelCard)


def read_self_tests(folder: Path) -> list[SelfTest]:
    """The self-tests of the bundle in *folder*; the first is a typical record, made up."""
    return msgspec.json.decode((folder / SELF_TESTS).read_bytes(), type=list[SelfTest])
