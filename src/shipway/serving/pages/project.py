"""The page of one model."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from shipway.core.contract import text_of
from shipway.serving.live import Live
from shipway.serving.pages import card, features, form, traffic
from shipway.serving.pages.document import data, named, notice, state, whole
from shipway.serving.traffic import Recent

BATCH = 1000
"""Records of a file that are sent at a time."""

_LEAD = Markup(
    '<p class="lead">Predicts <strong>{target}</strong>. <span class="meta"><code>{name}</code> version {version} · data {data} '
    '· {state}</span></p>{notice}<nav aria-label="On this page"><a href="#try">Try it</a><a href="#file">Score a file</a>'
    '<a href="#traffic">Traffic</a><a href="#model">The model</a><a href="#features">Features</a>'
    '<a href="docs#{name}">How to ask</a></nav>'
)
_FILE = Markup(
    '<section class="panel" id="file" aria-labelledby="file-title" data-project="{project}" data-columns="{columns}" '
    'data-required="{required}" data-classes="{classes}" data-target="{target}" data-batch="{batch}">'
    '<h2 id="file-title">Score a file</h2><p>A CSV with a row for each record comes back with label and probabilities. It is '
    "read here and sent {batch:,} rows at a time.</p>"
    '<div class="drop"><label for="table">Drop a CSV here, or choose one</label><input id="table" type="file" '
    'accept=".csv,.tsv,.txt,text/csv,text/tab-separated-values"></div>'
    '<div id="scoring" hidden><p id="progress-text" role="status"></p><progress id="progress" max="1" value="0" '
    'aria-label="Share of the file that is scored"></progress><button type="button" id="cancel">Cancel</button></div>'
    '<div id="scored" role="status" aria-live="polite"></div></section>'
)


def page(live: Live, recent: Recent, order: Sequence[str], *, record_limit: int) -> str:
    """The page of a model.

    Args:
        order: The features, the most important ones first; only a wide form follows it.
        record_limit: Records that one request may have.
    """
    release, contract = live.release, live.card.contract
    lead = _LEAD.format(
        target=named(contract.target),
        name=release.name,
        version=release.version,
        data=release.data_version,
        state=state(live),
        notice=notice(live),
    )
    file = _FILE.format(
        project=release.name,
        columns=data(list(contract.columns)),
        required=data([name for name in contract.features if not contract.columns[name].nullable]),
        classes=data([text_of(level) for level in live.card.classes]),
        target=data(contract.target),
        batch=min(BATCH, record_limit),
    )
    body = [
        form.section(live, order),
        file,
        traffic.section(live, recent, address=f"{release.name}/traffic"),
        card.section(live),
        features.section(live),
    ]
    above = Markup('<p class="path"><a href="./">Models</a></p>')
    scripts = ("asking", "answer", "form", "table", "scoring", "traffic")
    return whole(release.title or release.name, body, above=above, lead=lead, scripts=scripts)
