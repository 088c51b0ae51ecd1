"""Networks that judge beauty: their trunks, what their heads see, and how they are kept; and the paper's two trunks."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.models.small import AESTHETIC, aesthetic_classes, small
from urbanlens.collection.votes import MARK_NAMES
from urbanlens.errors import ModelError, UnknownNameError
from urbanlens.models import MODELS, ModelCard, build_model, load_model, save_model
from urbanlens.models.aesthetics import Aesthete, MarksAndTags, marks_like, mean_mark, tells_marks
from urbanlens.models.card import CARD_FILE
from urbanlens.models.layers import Normalize
from urbanlens.models.registry import AESTHETES, architectures
from urbanlens.models.trunk import trunk_of
from urbanlens.models.weights import round_weights

pytestmark = pytest.mark.usefixtures("one_thread")


def images(side: int = 64, count: int = 2, seed: int = 0) -> Tensor:
    return torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(seed))


def tiny(name: str, seed: int = 1, **changes: Any) -> Aesthete:
    options = {**AESTHETIC[name], **changes}
    module = build_model(name, len(aesthetic_classes(name)), task="aesthetics", seed=seed, **options).eval()
    assert isinstance(module, Aesthete)
    return module


def card_of(name: str, **changes: Any) -> ModelCard:
    options = {**AESTHETIC[name], **changes}
    return ModelCard("mine", "aesthetics", name, aesthetic_classes(name), 64, label="votes.mean", options=options)


def test_every_architecture_has_small_options() -> None:
    assert set(AESTHETIC) == set(AESTHETES.names())
    assert architectures("aesthetics") is AESTHETES
    assert not set(AESTHETES) & set(MODELS)


@pytest.mark.parametrize("name", AESTHETES.names())
@torch.no_grad()
def test_every_architecture_answers_what_it_should(name: str) -> None:
    module, classes = tiny(name), aesthetic_classes(name)
    for side in (64, 96):
        scores = module(images(side))
        assert scores.shape == (2, len(classes))
        assert scores.dtype == torch.float32
        assert scores.isfinite().all()
    assert not torch.equal(scores[0], scores[1])
    assert tells_marks(name) == (len(classes) > 2)
    if tells_marks(name):
        assert (scores[:, len(MARK_NAMES) :] >= 0).all()
    assert module.layers == ("trunk",)


@pytest.mark.parametrize("name", AESTHETES.names())
def test_round_trip(name: str, tmp_path: Path) -> None:
    """What is loaded answers as what was saved, once that is rounded to float16; its options are plain JSON."""
    module = tiny(name)
    card = save_model(module, card_of(name), tmp_path / "mine")
    loaded = load_model(tmp_path / "mine")
    round_weights(module)
    with torch.no_grad():
        assert torch.equal(loaded.module(images()), module(images()))
    assert loaded.card == card == ModelCard.read(tmp_path / "mine")
    assert (loaded.classes, loaded.layers, loaded.layer) == (aesthetic_classes(name), ("trunk",), "trunk")
    assert json.loads((tmp_path / "mine" / CARD_FILE).read_text())["options"] == AESTHETIC[name]
    assert not any(part.training for part in loaded.module.modules())


def test_the_default_is_the_papers() -> None:
    """On the meta device: its head alone has 120 million parameters."""
    with torch.device("meta"):
        high_low, marks = (
            build_model("vgg16_aesthetic", 2, task="aesthetics"),
            build_model("mobilenet_v2_aesthetic", 76, task="aesthetics"),
        )
    assert isinstance(high_low, Aesthete) and isinstance(marks, Aesthete)
    # VGG-16 with two classes in place of 1000, its pooling and dropout included.
    assert count(high_low) == 138_357_544 - 4097 * 998
    assert [type(part).__name__ for part in high_low.head] == ["Linear", "ReLU", "Dropout"] * 2 + ["Linear"]
    assert high_low.pool == 7
    assert count(marks) == 3_504_872 - 1281 * (1000 - 76)
    assert isinstance(marks.head, MarksAndTags)
    assert marks.head.dropout.p == 0.2
    assert (marks.head.marks.out_features, marks.head.tags.out_features) == (10, 66)


def count(module: nn.Module) -> int:
    return sum(part.numel() for part in module.parameters())


@torch.no_grad()
def test_a_vgg_begins_as_the_whole_network_does() -> None:
    """With the trunk and the layers of VGG16, and its normalisation, it answers as VGG16: nothing lies between."""
    network = build_model("vgg16", 2, seed=3, hidden=8, pool=2).eval()
    module = tiny("vgg16_aesthetic", layer=None, normalized=True)
    module.begin_from(network, network.layers[-1])
    module.head.load_state_dict(network.classifier.state_dict())
    seen = images(64, 3)  # 4 x 4 cells, which are pooled to 2 x 2
    assert module.trunk(seen).shape == (3, 512, 4, 4)
    assert torch.allclose(module(seen), network(seen), rtol=1e-4, atol=1e-6)
    normalized = module.trunk[0]
    assert isinstance(normalized, Normalize)
    assert torch.allclose(tiny_like(module)(normalized(seen)), network(seen), rtol=1e-4, atol=1e-6)


def tiny_like(module: Aesthete) -> Aesthete:
    """The same network without its normalisation."""
    plain = tiny("vgg16_aesthetic", layer=None)
    plain.head.load_state_dict(module.head.state_dict())
    plain.trunk.load_state_dict({f"{int(name.split('.')[0]) - 1}.{name.split('.', 1)[1]}": value
                                 for name, value in module.trunk.state_dict().items()})  # fmt: skip
    return plain


@torch.no_grad()
def test_a_mobilenet_begins_as_the_whole_network_does() -> None:
    network = build_model("mobilenet_v2", 13, seed=3).eval()
    module = tiny("mobilenet_v2_aesthetic", normalized=True)
    module.begin_from(network, network.layers[-1])
    linear = network.classifier[1]
    module.head.marks.load_state_dict({"weight": linear.weight[:10], "bias": linear.bias[:10]})
    module.head.tags.load_state_dict({"weight": linear.weight[10:], "bias": linear.bias[10:]})
    found, expected = module(images()), network(images())
    assert torch.allclose(found[:, :10], expected[:, :10], rtol=1e-4, atol=1e-6)
    assert torch.allclose(found[:, 10:], expected[:, 10:].relu(), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", MODELS.names())
@torch.no_grad()
def test_every_backbone_gives_its_trunk(name: str) -> None:
    network = build_model(name, 2, seed=5, **small(name)).eval()
    for part in network.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.running_mean.uniform_(-0.1, 0.1, generator=torch.Generator().manual_seed(0))
    module = tiny("high_low", backbone=name, layer=None, options=small(name), pool=1)
    before = {key: value.clone() for key, value in network.state_dict().items()}
    module.begin_from(network, network.layers[-1])
    plain = nn.Sequential(*(part for part in trunk_of(network, network.layers[-1]) if not isinstance(part, Normalize)))
    assert torch.equal(module.trunk(images()), plain(images()))
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())
    next(module.trunk.parameters()).add_(1)
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())


def test_another_trunk_does_not_fit() -> None:
    module = tiny("high_low")
    with pytest.raises(RuntimeError):
        module.begin_from(build_model("simpler", 2, **small("simpler")), "convolutions.2")
    with pytest.raises(RuntimeError):
        module.begin_from(build_model("simple", 2, **small("simple")), "convolutions.2")
    with pytest.raises(ModelError, match=r"no layer 'features\.3'"):
        module.begin_from(build_model("simple", 2, **small("simple")), "features.3")


@pytest.mark.parametrize("name", AESTHETES.names())
def test_colours_are_left_alone_unless_asked(name: str) -> None:
    kinds = [[type(part) for part in tiny(name, normalized=wish).trunk] for wish in (True, False)]
    assert kinds[0] == [Normalize, *kinds[1]]
    assert Normalize not in kinds[1]


@torch.no_grad()
def test_cells_are_pooled_as_vgg_does_and_averaged_else() -> None:
    module, maps = tiny("high_low", pool=2), images(4)
    pooled = tiny("high_low", pool=2, max_pooled=True)
    assert torch.equal(pooled.vectors(maps), functional.max_pool2d(maps, 2).flatten(1))
    assert (AESTHETES["vgg16_aesthetic"].options["max_pooled"], AESTHETES["high_low"].options["max_pooled"]) == (
        True,
        False,
    )
    for side in (2, 3, 5, 8):
        expected = functional.adaptive_avg_pool2d(images(side), 2).flatten(1)
        assert torch.equal(module.vectors(images(side)), expected)
    assert torch.equal(tiny("high_low", pool=1).vectors(images(2)), images(2).mean((2, 3)))


@torch.no_grad()
def test_a_head_without_hidden_layers_is_linear() -> None:
    module = tiny("high_low", hidden=0, pool=1)
    assert [type(part).__name__ for part in module.head] == ["Dropout", "Linear"]
    one, other = images(32, 1), images(32, 1, seed=4)
    vectors = [module.vectors(module.trunk(part)) for part in (one, other)]
    middle = module.head(sum(vectors) / 2)
    assert torch.allclose(middle, (module(one) + module(other)) / 2, atol=1e-6)


@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")
@torch.no_grad()
def test_a_network_of_marks_may_know_no_tags(tmp_path: Path) -> None:
    options = AESTHETIC["marks_and_tags"]
    module = build_model("marks_and_tags", 10, task="aesthetics", seed=0, **options).eval()
    assert module(images()).shape == (2, 10)
    card = replace(card_of("marks_and_tags"), classes=MARK_NAMES)
    save_model(module, card, tmp_path / "mine")
    round_weights(module)
    assert torch.equal(load_model(tmp_path / "mine").module(images()), module(images()))


def test_tags_begin_where_they_can_learn() -> None:
    head = MarksAndTags(8, 3, 0.0)
    vectors = 0.1 * torch.randn(20, 8, generator=torch.Generator().manual_seed(0))
    (slope,) = torch.autograd.grad(head(vectors)[:, 10:].sum(), head.tags.weight)
    assert (slope != 0).all()


def test_mean_marks_by_hand() -> None:
    scores = torch.randn(6, 13, generator=torch.Generator().manual_seed(0))
    shares = scores[:, :10].double().exp() / scores[:, :10].double().exp().sum(1, keepdim=True)
    expected = sum(mark * shares[:, mark - 1] for mark in range(1, 11))
    assert torch.allclose(mean_mark(scores).double(), expected, atol=1e-5)
    assert torch.equal(mean_mark(scores), mean_mark(scores[:, :10]))
    sure = torch.full((1, 10), -1e4)
    sure[0, 6] = 0
    assert mean_mark(sure) == 7
    assert marks_like(scores.double()).dtype == torch.float64
    assert marks_like(scores).tolist() == list(range(1, 11))


@pytest.mark.parametrize(
    ("name", "classes", "changes", "message"),
    [
        ("marks_and_tags", 9, {}, "9 outputs are too few: a network of marks has 10, and one for each tag"),
        ("mobilenet_v2_aesthetic", 2, {}, "2 outputs are too few"),
        ("high_low", 3, {}, "has 2 classes, not 3"),
        ("vgg16_aesthetic", 1, {}, "has 2 classes, not 1"),
        ("high_low", 2, {"hidden": -1}, "hidden layers of -1"),
        ("high_low", 2, {"pool": 0}, "0 x 0 cells cannot be: give at least 1"),
        ("marks_and_tags", 10, {"layer": "layer4"}, "has no layer 'layer4': it has blocks.2, blocks.4"),
        ("vgg16_aesthetic", 2, {"layer": "features.30"}, "has no layer 'features.30': it has features.8"),
        ("high_low", 2, {"options": {"width": 3}}, "simple has no option width"),
        ("high_low", 2, {"width": 3}, "high_low has no option width: it has backbone, pool"),
        ("vgg16_aesthetic", 2, {"backbone": "simple"}, "vgg16_aesthetic has no option backbone"),
        ("marks_and_tags", 10, {"pool": 2}, "marks_and_tags has no option pool"),
    ],
)
def test_what_makes_no_sense(name: str, classes: int, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        build_model(name, classes, task="aesthetics", **{**AESTHETIC[name], **changes})


def test_unknown_names_list_the_known() -> None:
    for build in (
        lambda: build_model("high_low", 2, task="aesthetics", backbone="resnet19"),
        lambda: build_model("high_lows", 2, task="aesthetics"),
        lambda: tells_marks("marks"),
    ):
        with pytest.raises(UnknownNameError, match="known are"):
            build()
    with pytest.raises(UnknownNameError):
        build_model("high_low", 2)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"classes": ["low"]}, "2 classes, not 1"),
        ({"options": {**AESTHETIC["high_low"], "pool": 3}}, "head.0.weight is"),
        ({"options": {**AESTHETIC["high_low"], "backbone": "resnet19"}}, "resnet19"),
        ({"options": {**AESTHETIC["high_low"], "layer": "convolutions.1"}}, "unknown trunk|head.0.weight is"),
        ({"architecture": "marks_and_tags"}, "marks_and_tags|too few"),
        ({"task": "classes"}, "high_low"),
    ],
)
def test_cards_that_do_not_fit_the_weights(change: dict[str, Any], message: str, tmp_path: Path) -> None:
    save_model(tiny("high_low"), card_of("high_low"), tmp_path / "mine")
    file = tmp_path / "mine" / CARD_FILE
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    with pytest.raises(ModelError, match=message):
        load_model(tmp_path / "mine")


def test_the_stages_of_vgg11_are_what_they_were() -> None:
    """The last ReLU before each pooling but the first: shipped networks name them in their cards."""
    for batch_norm, layers in ((False, (4, 9, 14, 19)), (True, (6, 13, 20, 27))):
        network = build_model("vgg11", 2, hidden=4, pool=1, batch_norm=batch_norm)
        assert network.layers == tuple(f"features.{number}" for number in layers)
        for number in layers:
            assert isinstance(network.features[number], nn.ReLU)
            assert isinstance(network.features[number + 1], nn.MaxPool2d)


PUBLISHED = {
    "vgg11": (132_863_336, 22),
    "vgg16": (138_357_544, 32),
    "mobilenet_v2": (3_504_872, 314),
    "resnet18": (11_689_512, 122),
    "resnet50": (25_557_032, 320),
}
"""Of torchvision's networks: parameters, and entries of the state dict."""


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_weights_find_their_places(name: str) -> None:
    with torch.device("meta"):
        network = build_model(name, 1000)
    assert (count(network), len(network.state_dict())) == PUBLISHED[name]


@pytest.mark.parametrize(
    ("name", "shapes"),
    [
        ("vgg16", {"features.0.weight": (64, 3, 3, 3), "features.2.bias": (64,), "features.28.weight": (512, 512, 3, 3),
                   "classifier.0.weight": (4096, 25088), "classifier.3.weight": (4096, 4096),
                   "classifier.6.bias": (1000,)}),
        ("mobilenet_v2", {"features.0.0.weight": (32, 3, 3, 3), "features.0.1.running_mean": (32,),
                          "features.1.conv.0.0.weight": (32, 1, 3, 3), "features.1.conv.1.weight": (16, 32, 1, 1),
                          "features.1.conv.2.bias": (16,), "features.2.conv.0.0.weight": (96, 16, 1, 1),
                          "features.2.conv.1.0.weight": (96, 1, 3, 3), "features.2.conv.2.weight": (24, 96, 1, 1),
                          "features.2.conv.3.num_batches_tracked": (), "features.17.conv.3.weight": (320,),
                          "features.18.0.weight": (1280, 320, 1, 1), "features.18.1.bias": (1280,),
                          "classifier.1.weight": (1000, 1280)}),
    ],
)  # fmt: skip
def test_names_are_torchvisions(name: str, shapes: dict[str, tuple[int, ...]]) -> None:
    with torch.device("meta"):
        state = build_model(name, 1000).state_dict()
    assert {key: tuple(state[key].shape) for key in shapes} == shapes


@pytest.mark.parametrize(
    ("name", "strides"), [("vgg16", {"features.8": 2, "features.15": 4, "features.22": 8, "features.29": 16}),
                          ("mobilenet_v2", {"features.6": 8, "features.13": 16, "features.18": 32})]
)  # fmt: skip
@torch.no_grad()
def test_stages_have_their_strides(name: str, strides: dict[str, int]) -> None:
    network = build_model(name, 2, seed=0, **small(name)).eval()
    assert network.layers == tuple(strides)
    for layer, stride in strides.items():
        assert trunk_of(network, layer)(images(64, 1)).shape[-2:] == (64 // stride, 64 // stride)


@torch.no_grad()
def test_vggs_hidden_layers_are_taken_over_with_its_trunk() -> None:
    shape = {"hidden": 8, "pool": 2}
    vgg = build_model("vgg16", 5, seed=3, **shape)
    module = build_model("vgg16_aesthetic", 2, task="aesthetics", seed=4, **shape)
    assert isinstance(module, Aesthete)
    assert module.begin_from(vgg, "features.29") == 2
    theirs, mine = vgg.get_submodule("classifier"), module.head
    assert isinstance(theirs, nn.Sequential) and isinstance(mine, nn.Sequential)
    for number in (0, 3):
        assert torch.equal(mine[number].weight, theirs[number].weight)
        assert torch.equal(mine[number].bias, theirs[number].bias)
    assert mine[6].weight.shape == (2, 8)
    free = build_model("high_low", 2, task="aesthetics", seed=4, **shape)
    assert isinstance(free, Aesthete)
    assert free.begin_from(vgg, "features.29") == 0
