"""The preparation, the preprocessing and the candidates of a search, tried out on no rows: what is wrong with them shows at once.

This module imports scikit-learn and Polars by way of others at its top, so it is itself imported only inside functions.
"""

from __future__ import annotations

from collections.abc import Sequence

from shipway.core.contract import Contract, read
from shipway.modelling import kinds, pipeline, preprocessing, search
from shipway.modelling.candidates import Setting
from shipway.modelling.preparation import Prepare
from shipway.modelling.prepare import Preparer
from shipway.modelling.preprocessing import Preprocess


def rehearse(settings: Sequence[Setting], *, contract: Contract, prepare: Prepare, preprocess: Preprocess, seed: int) -> None:
    """Raises as `search.run` does before it fits anything, but for what only rows can show."""
    nothing = read(contract, [], target=False).frame.select(contract.features)
    prepared = Preparer.of(prepare).fit(nothing).transform(nothing)
    texts = pipeline.free_text(contract, prepare, preprocess)
    preprocessing.check(preprocess, kinds.kinds_of(prepared, texts), texts)
    search.check_weights(search.group(settings, seed), contract, preprocess)
