"""The rules on a user's own model."""

import pytest
import torch
from conftest import ROOT
from torch import nn

from dropout_study.modules import dropout_on, monte_carlo, subnetworks, weight_scaling

X = torch.rand(8, 1, 6, 6, generator=torch.Generator().manual_seed(0))


def model() -> nn.Module:
    """Convolution, batch norm and three kinds of dropout, left in a mixture of modes."""
    made = nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Dropout2d(0.5), nn.Flatten(), nn.Dropout(0.5),
        nn.Linear(64, 8), nn.SELU(), nn.AlphaDropout(0.2), nn.Linear(8, 3),
    )  # fmt: skip
    made.train()
    made[4].eval()
    made[5].eval()
    return made


def test_only_dropout_is_switched_on_and_every_mode_is_restored() -> None:
    """If this failed, batch norm would learn from test data, or the user's model come back in another mode."""
    made = model()
    modes, state = [m.training for m in made.modules()], {k: v.clone() for k, v in made.state_dict().items()}
    with dropout_on(made):
        assert [type(m).__name__ for m in made.modules() if m.training] == ["Dropout2d", "Dropout", "AlphaDropout"]
    monte_carlo(made, X, [2])
    weight_scaling(made, X)
    with pytest.raises(RuntimeError), dropout_on(made):
        raise RuntimeError
    assert [m.training for m in made.modules()] == modes
    assert all(torch.equal(v, state[k]) for k, v in made.state_dict().items())


def test_passes_differ_from_each_other_and_repeat_with_their_seed() -> None:
    """If this failed, samples would be one mask, or not reproducible, or disturb the user's random numbers."""
    made = model()
    torch.manual_seed(0)
    before = torch.random.get_rng_state()
    first, second = list(subnetworks(made, X, 2, seed=1))
    assert not torch.equal(first, second)
    assert torch.equal(first, next(subnetworks(made, X, 1, seed=1)))
    assert not torch.equal(first, next(subnetworks(made, X, 1, seed=2)))
    assert torch.equal(before, torch.random.get_rng_state())


def test_means_are_those_of_the_passes() -> None:
    """If this failed, a user's Monte-Carlo prediction would not be the mean of probabilities."""
    made = model()
    samples = torch.stack(list(subnetworks(made, X, 5)))
    ensemble = monte_carlo(made, X, [3, 5])
    torch.testing.assert_close(ensemble.arithmetic[0].exp(), samples[:3].exp().mean(0))
    torch.testing.assert_close(ensemble.geometric[1], samples.mean(0).log_softmax(-1))
    torch.testing.assert_close(weight_scaling(made, X), made.eval()(X).log_softmax(-1))


def test_a_model_without_dropout_modules_is_refused() -> None:
    """If this failed, a user would average one network with itself and call it Monte Carlo."""
    with pytest.raises(ValueError, match="Linear has no dropout module"):
        monte_carlo(nn.Linear(3, 2), torch.rand(1, 3), [2])


def test_the_lines_of_the_readme_run() -> None:
    """If this failed, the first thing a reader pastes would not work."""
    code = (ROOT / "README.md").read_text(encoding="utf-8").split("```python\n")[1].split("```")[0]
    names: dict[str, torch.Tensor] = {}
    exec(code, names)
    assert names["doubt"].shape == (32,)
    assert names["one_pass"].shape == (32, 10)
