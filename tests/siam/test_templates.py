"""Templates for maps that stay as they are: planted ones are found again, and the problem is the one that is said."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from urbanlens.errors import Cancelled, CollectionError, ModelError
from urbanlens.siam.templates import SMOOTH, SPARSE, Moments, Templates, fit_templates

SIDE = 6
PLANTED = torch.zeros(4, SIDE, SIDE)
PLANTED[0, :2], PLANTED[0, 4:] = 0.3, -0.2
PLANTED[1] = -0.1
PLANTED[3, :, :3] = 0.02
"""Of both signs; the third attribute does not count; the fourth's maps are ten times as strong."""
STRENGTH = torch.tensor([1.0, 1.0, 1.0, 10.0])[:, None, None]
BIAS = 5.0


def drawn(count: int = 600, noise: float = 0.1, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Smooth maps of blobs, not centred, and the scores that planted templates make of them."""
    generator = torch.Generator().manual_seed(seed)
    rough = torch.randn(count, 4, 3, 3, generator=generator)
    maps = torch.nn.functional.interpolate(rough, (SIDE, SIDE), mode="bilinear", align_corners=False)
    maps = STRENGTH * (maps + 0.5 + 0.3 * torch.randn(maps.shape, generator=generator))
    score = torch.einsum("nahw,ahw->n", maps, PLANTED) + BIAS
    return maps, score + noise * torch.randn(count, generator=generator)


def test_planted_templates_are_found_again() -> None:
    maps, scores = drawn()
    found = fit_templates(maps, scores, drawn(200, seed=1))
    assert isinstance(found, Templates)
    assert found.templates.shape == PLANTED.shape
    used = PLANTED != 0
    used[0, [1, 4]] = False  # at an edge neighbours share
    assert (found.templates.sign() == PLANTED.sign())[used].float().mean() > 0.97
    parts = (found.templates * STRENGTH).abs().mean((1, 2))
    assert parts[2] < 0.1 * parts[[0, 1, 3]].min()
    test, truth = drawn(200, seed=2)
    left = torch.einsum("nahw,ahw->n", test, found.templates) + found.bias - truth
    assert left.pow(2).mean().sqrt() < 0.25 * truth.std()
    assert found.sparse in SPARSE
    assert found.smooth in SMOOTH


def test_every_pair_is_tried_and_the_strongest_within_one_standard_error_is_chosen() -> None:
    maps, scores = drawn(300)
    held_out = drawn(200, seed=1)
    found = fit_templates(maps, scores, held_out)
    assert {(sparse, smooth) for sparse, smooth, _ in found.tried} == {(a, b) for a in SPARSE for b in SMOOTH}
    errors = {(sparse, smooth): error for sparse, smooth, error in found.tried}
    left = torch.einsum("nahw,ahw->n", held_out[0], found.templates) + found.bias - held_out[1]
    assert float(left.pow(2).mean().sqrt()) == pytest.approx(errors[found.sparse, found.smooth], rel=1e-3)
    for (sparse, smooth), error in errors.items():
        if error <= errors[found.sparse, found.smooth]:
            assert (smooth, sparse) <= (found.smooth, found.sparse)


def test_without_penalties_it_is_ordinary_least_squares() -> None:
    maps, scores = drawn(500, noise=0.5)
    maps, planted = maps[:, :, :3, :3], 9 * 4
    moments = Moments(maps, scores)
    found = moments.solve(0.0, 0.0, steps=6000) / moments.scale[:, None, None]
    table = np.column_stack([maps.flatten(1).double().numpy(), np.ones(500)])
    expected = np.linalg.lstsq(table, scores.double().numpy(), rcond=None)[0]
    assert np.allclose(found.flatten(), expected[:planted], atol=2e-3)
    one = fit_templates(maps, scores, (maps, scores), sparse=(1e-9,), smooth=(1e-9,))
    fitted = torch.einsum("nahw,ahw->n", maps, one.templates) + one.bias
    assert np.allclose(fitted, table @ expected, atol=0.02)
    assert one.tried[0][2] == pytest.approx(float(np.std(scores.numpy() - table @ expected)), rel=1e-3)


def test_the_solution_is_the_least_of_the_problem_that_is_said() -> None:
    """No step from it makes the sum of the three terms smaller."""
    maps, scores = drawn(300)
    moments = Moments(maps, scores)
    sparse, smooth = 1e-2, 0.1
    peak = float(moments.product.abs().max())

    def cost(templates: Tensor) -> float:
        divided = (maps / moments.scale[:, None, None]).flatten(1).double()
        centred, wanted = divided - divided.mean(0), (scores - scores.mean()).double()
        error = 0.5 * (centred @ templates.flatten().double() - wanted).pow(2).mean()
        rough = templates.diff(dim=1).pow(2).sum() + templates.diff(dim=2).pow(2).sum()
        return float(error + sparse * peak * templates.abs().sum() + smooth / 2 * rough)

    best = moments.solve(sparse, smooth, steps=3000)
    generator = torch.Generator().manual_seed(0)
    least = cost(best)
    assert least < min(cost(torch.zeros_like(best)), cost(PLANTED * moments.scale[:, None, None]))
    for size in (1e-3, 1e-2, 0.1):
        for _ in range(20):
            assert cost(best + size * torch.randn(best.shape, generator=generator)) > least
        assert cost(best * (1 + size)) > least < cost(best * (1 - size))


def test_the_whole_sparse_penalty_leaves_nothing() -> None:
    moments = Moments(*drawn(200))
    assert moments.solve(1.01, 0.03).abs().max() == 0
    assert moments.solve(0.9, 0.03).abs().max() > 0


def test_a_stronger_smoothness_makes_templates_smoother() -> None:
    moments = Moments(*drawn(200))
    steps = [moments.solve(1e-4, smooth).diff(dim=1).pow(2).sum() for smooth in (0.0, 0.1, 10.0)]
    assert steps[0] > steps[1] > steps[2]


def test_templates_are_for_the_maps_as_they_were_given() -> None:
    """Maps in other units give templates in other units, and the same scores."""
    maps, scores = drawn(300)
    factor = torch.tensor([100.0, 0.01, 1.0, 3.0])[:, None, None]
    one = fit_templates(maps, scores, (maps, scores), sparse=(1e-3,), smooth=(0.1,))
    other = fit_templates(maps * factor, scores, (maps * factor, scores), sparse=(1e-3,), smooth=(0.1,))
    assert torch.allclose(other.templates * factor, one.templates, atol=1e-4)
    assert other.bias == pytest.approx(one.bias, abs=1e-3)
    up = fit_templates(maps, 10 * scores + 7, (maps, 10 * scores + 7), sparse=(1e-3,), smooth=(0.1,))
    assert torch.allclose(up.templates, 10 * one.templates, atol=1e-3)
    assert up.bias == pytest.approx(10 * one.bias + 7, abs=1e-2)


def test_attributes_that_mirror_one_another_are_solved() -> None:
    """Maps of which one is the other's negative have no sum to start from."""
    maps, _ = drawn(400, seed=5)
    maps = torch.cat([maps[:, :1], -maps[:, :1]], 1)
    maps -= maps.mean(0)
    scores = torch.einsum("nahw,ahw->n", maps, torch.stack([PLANTED[0], -PLANTED[0]])) + BIAS
    found = fit_templates(maps, scores, (maps, scores))
    assert torch.isfinite(found.templates).all()
    left = torch.einsum("nahw,ahw->n", maps, found.templates) + found.bias - scores
    assert left.pow(2).mean().sqrt() < 0.3 * scores.std()


def test_an_empty_map_gets_no_template() -> None:
    maps, scores = drawn(300)
    maps[:, 1] = 0
    found = fit_templates(maps, scores, (maps, scores))
    assert found.templates[1].abs().max() == 0
    assert torch.isfinite(found.templates).all()


def test_halves_and_parts_give_the_same_moments() -> None:
    maps, scores = drawn(2100)
    whole, half = Moments(maps, scores), Moments(maps.half(), scores)
    assert torch.allclose(whole.gram, half.gram, atol=2e-3)
    divided = ((maps - maps.mean(0)) / whole.scale[:, None, None]).flatten(1)
    assert torch.allclose(whole.gram, divided.T @ divided / 2100, atol=1e-3)
    assert torch.allclose(whole.product, divided.T @ (scores - scores.mean()) / 2100, atol=1e-3)


def test_nothing_is_changed_and_the_answer_is_always_the_same() -> None:
    maps, scores = drawn(200)
    before = maps.clone(), scores.clone()
    state = torch.get_rng_state()
    first, second = (fit_templates(maps, scores, drawn(100, seed=1), sparse=(1e-3,)) for _ in range(2))
    assert torch.equal(first.templates, second.templates)
    assert (first.bias, first.tried) == (second.bias, second.tried)
    assert torch.equal(maps, before[0])
    assert torch.equal(scores, before[1])
    assert torch.equal(torch.get_rng_state(), state)


def test_constant_scores_explain_nothing() -> None:
    maps, _ = drawn(40)
    with pytest.raises(CollectionError, match=r"all 40 scores are 5\.5: there is nothing to explain"):
        fit_templates(maps, torch.full((40,), 5.5), (maps, torch.full((40,), 5.5)))


@pytest.mark.parametrize(
    ("maps", "scores"),
    [
        (torch.rand(5, 4, 3), torch.arange(5.0)),
        (torch.rand(5, 4, 3, 3), torch.arange(4.0)),
        (torch.rand(1, 4, 3, 3), torch.zeros(1)),
        (torch.rand(0, 4, 3, 3), torch.zeros(0)),
    ],
)
def test_shapes_that_do_not_fit(maps: Tensor, scores: Tensor) -> None:
    with pytest.raises(ModelError, match=r"give \(N, A, c, c\) and \(N,\)"):
        Moments(maps, scores)


def test_progress_counts_the_trials_and_may_stop_them() -> None:
    maps, scores = drawn(100)
    told: list[tuple[int, int]] = []
    fit_templates(maps, scores, (maps, scores), progress=lambda done, total, what: told.append((done, total)))
    trials = len(SPARSE) * len(SMOOTH)
    assert told == [(done, trials) for done in range(trials + 1)]

    def stop(done: int, total: int, what: str) -> None:
        if done == 3:
            raise Cancelled("stop")

    with pytest.raises(Cancelled):
        fit_templates(maps, scores, (maps, scores), progress=stop)
