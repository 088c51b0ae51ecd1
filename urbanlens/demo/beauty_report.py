"""The tables of "The Usefulness of Class Activation Maps for Understanding Image Aesthetic Classifiers", anew."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from urbanlens.aesthetics.baselines import kept_baselines
from urbanlens.aesthetics.map_test import Correlation, MapTest, map_test, random_intensity
from urbanlens.aesthetics.random_heads import DRAWS, RandomHeads
from urbanlens.aesthetics.readings import HIGH, LOW, maps_key
from urbanlens.artifacts import ArtifactStore
from urbanlens.collection.votes import HIGH_LOW, is_extreme, is_high, votes_of
from urbanlens.demo import rules
from urbanlens.demo.beauty import HIGH_LOW_NETWORK, MARKS_NETWORK, JudgedAesthete, ceiling, demo_test_rows
from urbanlens.demo.beauty_truth import PLACELESS, rule_table
from urbanlens.demo.markdown import markdown, with_interval
from urbanlens.explain import kept_counts
from urbanlens.explain.trust import mean_interval

if TYPE_CHECKING:
    from urbanlens.collection import ImageCollection

TITLES = {MARKS_NETWORK: "marks and tags", HIGH_LOW_NETWORK: "high and low"}
PAPER_ACCURACY = {HIGH_LOW_NETWORK: "72 % (VGG-16)", MARKS_NETWORK: "75 % (MobileNetV2)"}
PAPER_R, PAPER_R_EXTREME, PAPER_SPLIT = 0.24, 0.34, 0.497


def beauty(collection: ImageCollection, networks: Mapping[str, JudgedAesthete]) -> str:
    """How well beauty is foretold, whether the maps' intensity tells of it, and what the maps lie on."""
    if not networks:
        return ""
    votes, test = votes_of(collection), demo_test_rows(collection)
    high, extreme = is_high(votes.mean[test]), is_extreme(votes.mean[test])
    return "\n\n".join([
        "## Beauty: aesthetic classifiers",
        "“The Usefulness of Class Activation Maps for Understanding Image Aesthetic Classifiers”. Theirs: 8,900 "
        "training and 2,203 test photographs of AVA, VGG-16 and MobileNetV2 with ImageNet weights, frozen. Ours: the "
        f"drawn world with the votes of some {rules.VOTERS} voters who follow a known rule, the first part of "
        "EfficientNet-Lite0 with ImageNet weights, frozen; so accuracies cannot be compared across the columns. "
        f"Of {int(test.sum())} test images {int(high.sum())} are high (mean mark above 5) and {int(extreme.sum())} "
        "extreme (below 4.5 or above 6.5).",
        "### High or low, and the votes",
        _quality(collection, networks),
        "### Tags",
        _tags(networks),
        "### Does the intensity of the maps tell of beauty?",
        _intensities(collection, networks, votes.mean, test),
        "### Does covering what a map points at change the answer?",
        _covered(collection, networks),
        "### Do the maps lie on what the rule names?",
        _objects(collection, networks, test),
    ])  # fmt: skip


def _quality(collection: ImageCollection, networks: Mapping[str, JudgedAesthete]) -> str:
    best = ceiling(collection)
    rows = [
        _quality_row(TITLES[name], one.metrics, PAPER_ACCURACY[name]) for name, one in networks.items()
    ] + [_quality_row("who knows the rule (ceiling)", best, "")]  # fmt: skip
    head = ("network", "balanced accuracy (95 %)", "accuracy (95 %)", "paper's accuracy", "EMD (95 %)",
            "over that of the mean distribution", "Spearman (95 %)")  # fmt: skip
    text = (
        "By chance the balanced accuracy is .5; always the more frequent answer has an accuracy of "
        f"{best['base_rate']:.3f} (in the paper's training images .72, which its accuracies hardly exceed). Always "
        f"answering the mean distribution has an EMD of {best['emd_of_mean']:.3f}. Who knows the rule still errs, "
        f"since each image has some {rules.VOTERS} voters, who differ by {rules.BEAUTY_SPREAD:g} marks."
    )
    return markdown(head, rows) + "\n\n" + text


def _quality_row(title: str, told: Mapping[str, Any], paper: str) -> tuple[str, ...]:
    def value(name: str) -> str:
        return with_interval(told[name], told[f"{name}_interval"]) if name in told else ""

    return (title, value("balanced_accuracy"), value("accuracy"), paper, value("emd"), value("emd_ratio"),
            value("spearman"))  # fmt: skip


def _tags(networks: Mapping[str, JudgedAesthete]) -> str:
    one = networks.get(MARKS_NETWORK)
    if one is None or "tags" not in one.metrics:
        return "No network of tags is here."
    told = one.metrics
    rows = [
        (name, f"{value:.3f}", f"{told['tags_base_rate'][name]:.3f}")
        for name, value in sorted(told["tags"].items(), key=lambda item: -(item[1] or 0)) if value is not None
    ]  # fmt: skip
    text = (
        f"Mean average precision {with_interval(told['tags_mean_ap'], told['tags_mean_ap_interval'])}; a random order "
        f"reaches {told['tags_mean_base_rate']:.3f}. The paper tells none. Its cross-entropy over all tags lets them "
        "compete, so a picture with many tags gives each a smaller share."
    )
    return markdown(("tag", "average precision", "by chance"), rows) + "\n\n" + text


def _intensities(
    collection: ImageCollection, networks: Mapping[str, JudgedAesthete], means: NDArray[np.float64],
    test: NDArray[np.bool_],
) -> str:  # fmt: skip
    store, val = ArtifactStore(collection.root / "artifacts"), np.asarray(collection.table["split"] == "val")
    rows, told = [], []
    for name, one in networks.items():
        rows.append(
            _test_row(f"maps of {HIGH}, {TITLES[name]}", map_test(one.readings.intensity[:, 1], means, test, val))
        )
        held = kept_baselines(one.readings, collection, one.card, store=store)
        if held is not None:
            told.append(f"{TITLES[name]}: {_reach(held.heads, means)}")
            rows.append(_test_row(f"the same network with random weights, {TITLES[name]}",
                                  map_test(held.random, means, test, val)))  # fmt: skip
    shape = next(iter(networks.values())).readings.maps.shape[2:]
    chance = random_intensity(len(means), (shape[0], shape[1]))
    rows.append(_test_row("maps drawn by chance", map_test(chance, means, test, val)))
    rows.append(("the paper's", f"{PAPER_R:+.2f}", "", f"{PAPER_R_EXTREME:+.2f}", "", f"{PAPER_SPLIT:.3f}", "", ""))
    head = ("mean intensity of", "r, all (95 %)", "p", "r, extremes (95 %)", "p", "accuracy of a split (95 %)",
            "balanced accuracy", "base rate")  # fmt: skip
    text = (
        "Pearson's r between the mean of a map, scaled to [0, 1], and the mean mark of the voters; p by shuffling the "
        "marks 2,000 times. The split, the intensity above which a picture is called high, is chosen on the validation "
        "images. Where a network with random weights has an r as far from 0, intensity says nothing of what was learnt."
    )
    if told:
        text += (
            f" {DRAWS} heads as chance makes them, on the same trunk, for the network of {'; of '.join(told)}. An r "
            "within their reach needs no learning."
        )
    return markdown(head, rows) + "\n\n" + text


def _reach(heads: RandomHeads, means: NDArray[np.float64]) -> str:
    """How far from 0 correlations get under random heads."""
    parts = []
    for what, extremes in (("all images", False), ("extremes", True)):
        away = np.abs(heads.correlations(means, extremes=extremes))
        parts.append(f"|r| of {away.mean():.2f} on average, of over {np.quantile(away, 0.95):.2f} in 5 of 100 ({what})")
    return ", ".join(parts)


def _test_row(title: str, found: MapTest) -> tuple[str, ...]:
    def told(one: Correlation) -> str:
        return with_interval(one.r, one.interval, "+")

    split = with_interval(found.accuracy, found.accuracy_interval)
    return (title, told(found.everywhere), _p(found.everywhere.p), told(found.extremes), _p(found.extremes.p), split,
            f"{found.balanced:.3f}", f"{found.base_rate:.3f}")  # fmt: skip


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def _covered(collection: ImageCollection, networks: Mapping[str, JudgedAesthete]) -> str:
    store, rows = ArtifactStore(collection.root / "artifacts"), []
    for name, one in networks.items():
        held = kept_baselines(one.readings, collection, one.card, store=store)
        if held is None:
            continue
        found = held.covered
        for number, target in enumerate(HIGH_LOW):
            fall, elsewhere = found.fall[:, number].astype(float), found.elsewhere[:, number].astype(float)
            known = np.isfinite(fall)
            columns = (fall[known], elsewhere[known], (fall - elsewhere)[known])
            what = "mean mark" if name == MARKS_NETWORK else f"probability of {target}"
            way = "rises" if name == MARKS_NETWORK and target == LOW else "falls"
            rows.append((
                f"maps of {target}, {TITLES[name]}", int(known.sum()), f"{what} {way}",
                *(_mean(column) for column in columns),
            ))  # fmt: skip
    head = ("covered, where strongest", "images", "so the", "by (95 %)", "covered elsewhere", "difference")
    text = (
        "A fifth of the picture is blurred away: where the map is strongest, or the same shape pushed to three places "
        "where it overlaps least with itself. A map that shows what speaks for an answer should make it fall further "
        "than the other part does. Negative: the picture is called more so without it."
    )
    return markdown(head, rows) + "\n\n" + text if rows else "Nothing has been covered up yet."


def _mean(values: NDArray[np.float64]) -> str:
    mean, low, high, _ = mean_interval(values)
    return with_interval(mean, (low, high), "+")


def _objects(collection: ImageCollection, networks: Mapping[str, JudgedAesthete], test: NDArray[np.bool_]) -> str:
    store, rows = ArtifactStore(collection.root / "artifacts"), []
    for name, one in networks.items():
        counts = {
            target: found.of(test) for target in HIGH_LOW
            if (found := kept_counts(collection, maps_key(collection, one.card, target), store=store)) is not None
        }  # fmt: skip
        if len(counts) < len(HIGH_LOW):
            continue
        for row in rule_table(counts, collection.object_names).to_dict("records"):
            rows.append((
                row["rule"], "raises the mark" if row["raises"] else "lowers it", row["images"], TITLES[name],
                *(_lift(row, target) for target in reversed(HIGH_LOW)), row["verdict"],
            ))  # fmt: skip
    head = ("part of the rule", "which", "images", "network", "in the maps of high", "in those of low", "so")
    text = (
        "R minus its base rate (95 %) at a threshold of 0.5, as for the cities' networks: above 0, more of the thing "
        "lies inside the map than if it lay anywhere. Found: so in the map of what the thing does to the mark. Clutter "
        "is how many kinds of objects a picture shows: its small things stand for it. Other parts of the rule have no "
        f"place in a picture: {'; '.join(PLACELESS)}."
    )
    return markdown(head, rows) + "\n\n" + text if rows else "The objects in the maps have not been counted."


def _lift(row: Mapping[Any, Any], target: str) -> str:
    low, high = row[f"{target}_lift_low"], row[f"{target}_lift_high"]
    return with_interval(row[f"{target}_lift"], (low, high), "+")
