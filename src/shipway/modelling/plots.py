"""A verdict's plots as PNG files, drawn from the points that it keeps."""

from __future__ import annotations

import io
import textwrap
import warnings
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from shipway.core.models import Interval, Verdict

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIZE = (7.0, 5.6)
"""Inches."""

RESOLUTION = 110
"""Dots an inch."""

GREY = "0.55"
ROW_HEIGHT = 0.26
"""Inches a column of the table takes in the plot of importances."""

MOST_CLASSES_NAMED = 12
LONGEST_NAME = 28
LONGEST_COLUMN = 40
"""Characters; a column's name has the margin of its plot to itself."""
TITLE_WIDTH = 70


def draw(verdict: Verdict, *, title: str, stand_in: bool = False) -> dict[str, bytes]:
    """Draw each curve that *verdict* has.

    Args:
        title: The model's, such as the project's title; stands above what each plot shows.
        stand_in: Whether the rows were generated; then every title says so.

    Returns:
        PNG files by name: `roc.png`, `precision_recall.png`, `calibration.png`, `confusion_matrix.png`,
        `permutation_importance.png`.
    """
    above = f"{title} - STAND-IN DATA" if stand_in else title
    painters: dict[str, tuple[str, Callable[[Verdict, Axes], str]]] = {
        "roc": ("roc.png", _roc),
        "precision_recall": ("precision_recall.png", _precision_recall),
        "calibration": ("calibration.png", _calibration),
        "confusion": ("confusion_matrix.png", _confusion),
        "importance": ("permutation_importance.png", _importance),
    }
    return {file: _paint(verdict, above, paint) for curve, (file, paint) in painters.items() if verdict.curves.get(curve)}


def _paint(verdict: Verdict, above: str, paint: Callable[[Verdict, Axes], str]) -> bytes:
    # A figure of its own instead of pyplot's: pyplot keeps state, picks a screen and is not safe in threads.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    columns = len(verdict.curves["importance"]["columns"]) if paint is _importance else 0
    figure: Figure = Figure(figsize=(SIZE[0], max(SIZE[1], 1.6 + ROW_HEIGHT * columns)), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    shows = paint(verdict, axes)
    axes.set_title(f"{textwrap.fill(above, TITLE_WIDTH)}\n{shows}", fontsize=11)
    file = io.BytesIO()
    # without matplotlib's name and version in it, the same verdict gives the same bytes
    with warnings.catch_warnings():
        # a sign in a name that the font lacks is drawn as a box
        warnings.filterwarnings("ignore", message="Glyph")
        figure.savefig(file, format="png", dpi=RESOLUTION, metadata={"Software": None})
    return file.getvalue()


def _roc(verdict: Verdict, axes: Axes) -> str:
    curves = verdict.curves["roc"]
    for name, points in curves.items():
        axes.plot(points["false_positive_rate"], points["true_positive_rate"], label=_name(name))
    axes.plot([0, 1], [0, 1], color=GREY, linestyle=":", label="chance")
    axes.set_xlabel("False positive rate (share of the other rows called positive)")
    axes.set_ylabel("True positive rate (share of the class found)")
    _unit_square(axes, legend="lower right", classes=len(curves))
    return f"ROC on {verdict.rows:,} test rows\n{_figure(verdict, 'roc_auc', 'roc_auc_ovr')}"


def _precision_recall(verdict: Verdict, axes: Axes) -> str:
    curves = verdict.curves["precision_recall"]
    for name, points in curves.items():
        (line,) = axes.plot(points["recall"], points["precision"], label=_name(name))
        axes.axhline(points["share"], color=line.get_color(), linestyle=":", linewidth=1)
    axes.plot([], [], color=GREY, linestyle=":", label="share of the class among the rows")
    axes.set_xlabel("Recall (share of the class found)")
    axes.set_ylabel("Precision (share of those called positive that are)")
    _unit_square(axes, legend="lower left", classes=len(curves))
    return f"Precision and recall on {verdict.rows:,} test rows\n{_figure(verdict, 'average_precision', 'f1_macro')}"


def _calibration(verdict: Verdict, axes: Axes) -> str:
    curves = verdict.curves["calibration"]
    for name, points in curves.items():
        below = [value - low for value, low in zip(points["observed"], points["low"], strict=True)]
        over = [high - value for value, high in zip(points["observed"], points["high"], strict=True)]
        axes.errorbar(
            points["predicted"],
            points["observed"],
            # rounding may leave an end a hair inside the point
            yerr=[[max(value, 0) for value in side] for side in (below, over)],
            marker="o",
            markersize=4,
            capsize=2,
            linewidth=1,
            label=_name(name),
        )
    axes.plot([0, 1], [0, 1], color=GREY, linestyle=":", label="predicted = observed")
    axes.set_xlabel("Predicted probability (mean of the bin)")
    axes.set_ylabel("Observed share (95 % Wilson interval)")
    _unit_square(axes, legend="best", classes=len(curves))
    return f"Calibration on {verdict.rows:,} test rows, 10 bins\n{_figure(verdict, 'brier', 'log_loss')}"


def _confusion(verdict: Verdict, axes: Axes) -> str:
    curve = verdict.curves["confusion"]
    counts, names = curve["counts"], [_name(name) for name in curve["classes"]]
    shares = [[count / max(sum(line), 1) for count in line] for line in counts]
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    bar = axes.figure.colorbar(image, ax=axes, shrink=0.85)
    bar.set_label("Share of the true class")
    if len(names) <= MOST_CLASSES_NAMED:
        for row, line in enumerate(counts):
            for column, count in enumerate(line):
                share = shares[row][column]
                text = f"{count:,}\n{share:.1%}"
                axes.text(column, row, text, ha="center", va="center", color="white" if share > 0.5 else "black")
        axes.set_xticks(range(len(names)), names, rotation=30 if len(names) > 2 else 0)
        axes.set_yticks(range(len(names)), names)
    axes.set_xlabel("Answered class")
    axes.set_ylabel("True class")
    return f"Confusion matrix of {verdict.rows:,} test rows (count, share of the true class)"


def _importance(verdict: Verdict, axes: Axes) -> str:
    curve = verdict.curves["importance"]
    places = range(len(curve["columns"]))
    mean = curve["mean"]
    below = [max(value - low, 0) for value, low in zip(mean, curve["low"], strict=True)]
    over = [max(high - value, 0) for value, high in zip(mean, curve["high"], strict=True)]
    axes.barh(places, mean, xerr=[below, over], capsize=2, color="tab:blue", error_kw={"elinewidth": 1})
    axes.set_yticks(places, [_name(name, LONGEST_COLUMN) for name in curve["columns"]])
    axes.invert_yaxis()
    axes.axvline(0, color=GREY, linewidth=1)
    axes.set_xlabel(
        f"Loss of {curve['metric']} when the column is shuffled\n(mean, least and most of {curve['repeats']} shuffles)"
    )
    axes.set_ylabel("Column")
    title = f"Permutation importance on {curve['rows']:,} test rows"
    return f"{title}\n({curve['left_out']:,} more columns matter less)" if curve["left_out"] else title


def _unit_square(axes: Axes, *, legend: str, classes: int) -> None:
    axes.set_xlim(-0.01, 1.01)
    axes.set_ylim(-0.01, 1.01)
    axes.grid(alpha=0.3)
    if classes <= MOST_CLASSES_NAMED:
        axes.legend(loc=legend, fontsize=9)


def _figure(verdict: Verdict, *metrics: str) -> str:
    """The first of *metrics* that was measured, with its interval."""
    measured: Mapping[str, Interval] = verdict.metrics
    name = next(name for name in metrics if name in measured)
    figure = measured[name]
    return f"{name} {figure.value:.3f} (95 %: {figure.low:.3f} to {figure.high:.3f})"


def _name(text: Any, longest: int = LONGEST_NAME) -> str:
    # a dollar sign would start a formula
    plain = str(text).replace("$", r"\$")
    return plain if len(plain) <= longest else f"{plain[: longest - 1]}…"
