"""Whether networks beat the linear probe, in a sentence for each dataset and protocol."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from reno_store.conclusions.comparisons import Comparison
from reno_store.conclusions.sentences import in_points
from reno_store.studies.classifiers import LINEAR_PROBE, describe_estimator
from reno_store.studies.scores import METRIC_TITLES

__all__ = ["probe_sentences"]

_MOST_NAMED = 6


def probe_sentences(comparisons: Iterable[Comparison]) -> list[str]:
    """Say where the paper's networks do not beat logistic regression on the same embeddings.

    Parameters
    ----------
    comparisons : Iterable[Comparison]
        Those that `compare_study` gave. Those of other kinds are ignored.

    Returns
    -------
    list of str
        A sentence for each dataset, protocol and metric, in the order of the comparisons.
    """
    groups: dict[tuple[str, str, str], list[Comparison]] = {}
    for each in comparisons:
        if each.kind == "network-probe":
            groups.setdefault((each.dataset, each.protocol, each.metric), []).append(each)
    return [_sentence(own) for own in groups.values()]


def _sentence(comparisons: Sequence[Comparison]) -> str:
    first = comparisons[0]
    title = describe_estimator(LINEAR_PROBE).title
    n, higher = len(comparisons), [each for each in comparisons if each.verdict == "higher"]
    lower = [each for each in comparisons if each.verdict == "lower"]
    open_ = [each for each in comparisons if each.verdict not in ("higher", "lower")]
    cells = f"{n} network{'s' if n > 1 else ''}"
    parts = [f"{len(higher)} of {cells} score higher than {title} on the same embeddings"]
    if lower:
        parts.append(f"{len(lower)} score lower ({_named(lower)})")
    if open_:
        parts.append(f"{len(open_)} cannot be told from it ({_named(open_)})")
    return (
        f"On {first.dataset} under protocol {first.protocol}, by {METRIC_TITLES[first.metric]}: "
        f"{'; '.join(parts)}."
    )


def _named(comparisons: Sequence[Comparison]) -> str:
    """Name networks with their differences in points, the lowest first."""
    ordered = sorted(comparisons, key=lambda each: each.difference)
    names = [
        f"{describe_estimator(each.first.estimator).title} on {' + '.join(each.first.models)} "
        f"{in_points(each.difference)}"
        for each in ordered[:_MOST_NAMED]
    ]
    n_more = len(ordered) - len(names)
    return ", ".join([*names, *([f"{n_more} more"] if n_more else [])])
