"""What a project file may say to the lifecycle: all of it is checked before anything runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from shipway.core import plan, project
from shipway.core.cache import Cache
from shipway.core.errors import UsageError
from shipway.steps import LIFECYCLE

CONTRACT = """\
target = "back"
[columns.pages]
type = "integer"
[columns.device]
type = "category"
[columns.note]
type = "text"
[columns.back]
type = "category"
levels = ["no", "yes"]
"""


def folder(root: Path, text: str, contract: str = CONTRACT) -> project.ProjectFolder:
    place = root / "visits"
    place.mkdir()
    (place / "project.toml").write_text(text)
    (place / "contract.toml").write_text(contract)
    return project.load(place)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[check]\nmax_bad_share = 5", r"\[check\] max_bad_share must be between 0 and 1; found 5"),
        ('[check]\nknown = ["page"]', r"\[check\] known: there is no column 'page'; did you mean 'pages'"),
        ("[split]\ntest_share = 1", r"\[split\] test_share must lie between 0 and 1"),
        ('[split]\ngroup = "devise"', r"\[split\] group = 'devise' must be a column .* did you mean 'device'"),
        ('[split]\nrare_classes = "merge"\nstratify = false', "needs stratify = true"),
        ('[prepare]\ndrop = ["page"]', r"\[prepare.drop\]: there is no column 'page'; did you mean 'pages'"),
        ("[prepare.rename]\npage = 'seen'", r"\[prepare.rename\]: there is no column 'page'"),
        ("[preprocess]\noutlier_share = 3", r"\[preprocess\] outlier_share = 3"),
        ("[preprocess.columns.page]\nmissing = 'mean'", r"\[preprocess.columns.page\]: there is no such column"),
        ("[preprocess.columns.pages]\nmissin = 'mean'", r"\[preprocess.columns.pages\] has no setting 'missin'; did you mean"),
        ("[preprocess.columns.device]\nskew = 'none'", r"\[preprocess.columns.device\] skew: the column is a category"),
        ("[preprocess.columns.note]\nmax_levels = 3", r"\[preprocess.columns.note\]: the column is free text"),
        ("[preprocess]\nmissing = 'constant'\nfill = nan", r"\[preprocess\] fill = nan: expected a finite number"),
        ("[tune]\nmetric = 'roc_au'", r"\[tune\] metric: no metric 'roc_au' for 2 classes; did you mean 'roc_auc'"),
        ("[tune]\nfolds = 1", r"\[tune\] folds = 1"),
        ("[tune]\nsearch = 'random'\ntrials = 0", r"\[tune\] trials = 0"),
        ("[tune.candidates.a]\nestimator = 'b.C'\ngrid = { d = [] }", r"\[tune.candidates.a\] grid.d is empty"),
        ("[train]\nthreshold = 2", r"\[train\] threshold = 2"),
        ("[train]\nthreshold = { false_positive = 0, false_negative = 1 }", r"\[train\] threshold: both costs"),
        ("[validate.gates]\nroc_au = { at_least = 0.8 }", r"\[validate.gates\] roc_au: no metric .* did you mean 'roc_auc'"),
        ("[validate.gates.f1]\nat_leest = 0.8", r"\[validate.gates.f1\] has no setting 'at_leest'; did you mean 'at_least'"),
        ("[validate.gates.f1]", r"\[validate.gates\] f1: a gate needs"),
        ("[validate]\nresamples = 0", r"\[validate\] resamples = 0"),
    ],
)
def test_a_wrong_setting_is_named_from_the_file_alone(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        plan.check_sections(LIFECYCLE, folder(tmp_path, text))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[prepare.add]\nz = 'page / 2'", r"\[prepare.add\] z = 'page / 2': there is no column 'page'"),
        ("[prepare.add]\nz = 'pages +'", "is no SQL expression"),
        ("[prepare.add]\nz = \"'a'\"\n[preprocess.columns.z]\nskew = 'none'", r"\[preprocess.columns.z\] skew: the column is"),
        (
            "[tune.candidates.a]\nestimator = 'sklearn.linear_model.LogisticRegression'\ngrid = { CC = [1] }",
            r"\[tune.candidates.a\]: .* has no parameter 'CC'; did you mean 'C'",
        ),
        ("[tune.candidates.a]\nestimator = 'sklearn.linear_model.Ridge'", "is no classifier with predict_proba"),
    ],
)
def test_what_takes_a_library_to_check_is_tried_on_no_rows(tmp_path: Path, text: str, message: str) -> None:
    found = folder(tmp_path, text)
    plan.check_sections(LIFECYCLE, found)
    with pytest.raises(UsageError, match=message):
        plan.rehearse(LIFECYCLE, LIFECYCLE, found, Cache(tmp_path / "cache", tmp_path / "staging"))


def test_classes_that_are_to_be_merged_may_have_the_metrics_of_two(tmp_path: Path) -> None:
    three = CONTRACT.replace('["no", "yes"]', '["no", "yes", "maybe"]')
    text = "[validate.gates]\nroc_auc = { at_least = 0.8 }\n"
    plan.check_sections(LIFECYCLE, folder(tmp_path, text + '[split]\nrare_classes = "merge"', three))
