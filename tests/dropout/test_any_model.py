"""The rules on a user's own model."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.ops import StochasticDepth

from dropout_study.dropout.any_model import monte_carlo, subnetworks, weight_scaling
from dropout_study.dropout.dropout_layers import dropout_on
from dropout_study.dropout.randomness import Purpose, stream
from support.paths import ROOT

X = torch.rand(8, 1, 6, 6, generator=torch.Generator().manual_seed(0))
WORDS = torch.rand(4, 5, 8, generator=torch.Generator().manual_seed(0))

ENCODER = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.5, batch_first=True)
DECODER = nn.TransformerDecoderLayer(8, 2, 16, dropout=0.5, batch_first=True)
ATTENTION = nn.MultiheadAttention(8, 2, dropout=0.5, batch_first=True)
LISTED = [nn.Dropout(0.5), nn.Dropout(0.5).eval()]


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


def on_words(*layers: nn.Module) -> nn.Module:
    """A classifier of sequences behind some layers, with the same weights at every call."""
    torch.manual_seed(0)
    made = nn.Sequential(*layers, nn.Flatten(), nn.Linear(40, 3))
    for p in made.parameters():
        nn.init.normal_(p)

    return made.eval()


def own(name: str, forward: Callable[..., object], **state: object) -> nn.Module:
    """A module of a user's own class, with children, parameters, buffers or numbers as state."""
    made = type(name, (nn.Module,), {"forward": forward})()

    for key, value in state.items():
        setattr(made, key, value)

    return made


def drop_paths(self: nn.Module, x: Tensor) -> Tensor:
    return x * x.new_empty(len(x), 1, 1).bernoulli_(1 - self.drop_prob) if self.training else x


def drop_one_mask(self: nn.Module, x: Tensor, rate: float = 0.5) -> Tensor:
    return x * (torch.rand(len(x), 1, x.shape[2]) > rate) if self.training else x


def drop_after_layer(self: nn.Module, x: Tensor) -> Tensor:
    return F.dropout(self.layer(x), 0.5, self.training)


def drop_elsewhere(module: nn.Module, x: Tensor) -> Tensor:
    return F.dropout1d(x, 0.4, module.training)


def drop_attention(self: nn.Module, x: Tensor) -> Tensor:
    x = x * self.scale
    return F.scaled_dot_product_attention(x, x, x, dropout_p=self.drop.p if self.training else 0.0)


def drop_by_weights(self: nn.Module, x: Tensor) -> Tensor:
    return x * (torch.rand_like(x) < self.logit.sigmoid()) if self.training else x


def drop_and_count(self: nn.Module, x: Tensor) -> Tensor:
    if self.training:
        self.calls = self.calls + 1
    return F.dropout(x, 0.5, self.training)


def give_more_in_training(self: nn.Module, x: Tensor) -> Tensor | tuple[Tensor, Tensor]:
    logits = self.layer(self.dropout(x.flatten(1)))
    return (logits, logits) if self.training else logits


@pytest.mark.parametrize(
    "layer",
    [
        ENCODER,
        nn.TransformerEncoder(ENCODER, 2),
        own("Decoder", lambda self, x: self.layer(x, x), layer=DECODER),
        own("Attention", lambda self, x: self.layer(x, x, x)[0], layer=ATTENTION),
        own("LSTM", lambda self, x: self.layer(x)[0], layer=nn.LSTM(8, 8, 2, dropout=0.5)),
        own("GRU", lambda self, x: self.layer(x)[0], layer=nn.GRU(8, 8, 2, dropout=0.5)),
        own("RNN", lambda self, x: self.layer(x)[0], layer=nn.RNN(8, 8, 2, dropout=0.5)),
        StochasticDepth(0.5, "row"),
        own("DropPath", drop_paths, drop_prob=0.5),
        own("Locked", drop_one_mask),
        own("Functional", drop_after_layer, layer=nn.Linear(8, 8)),
        own("Scaled", drop_attention, drop=nn.Dropout(0.5), scale=nn.Buffer(torch.ones(8))),
        own("WeightedDropout", drop_by_weights, logit=nn.Parameter(torch.zeros(8))),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_what_drops_in_training_drops_in_a_pass(layer: nn.Module) -> None:
    """If this failed, dropout that no nn.Dropout makes would stay off: too little doubt."""
    for made in (on_words(layer), on_words(layer, nn.Dropout(0.2))):
        passes = list(subnetworks(made, WORDS, 2, seed=1))
        assert not torch.equal(*passes)

        made.train()

        for k, log_probs in enumerate(passes):
            torch.manual_seed(stream(Purpose.EVALUATION_MASK, 1, k))
            with torch.no_grad():
                assert torch.equal(log_probs, made(WORDS).log_softmax(-1))


def test_only_dropout_is_switched_on_and_every_mode_is_restored() -> None:
    """If this failed, batch norm would learn from test data, or the user's model come back in
    another mode.
    """
    made = model()
    modes = [m.training for m in made.modules()]
    state = {k: v.clone() for k, v in made.state_dict().items()}

    with dropout_on(made):
        assert [type(m).__name__ for m in made.modules() if m.training] == [
            "Dropout2d",
            "Dropout",
            "AlphaDropout",
        ]

    monte_carlo(made, X, [2])
    weight_scaling(made, X)

    with pytest.raises(RuntimeError), dropout_on(made):
        raise RuntimeError

    assert [m.training for m in made.modules()] == modes
    assert all(torch.equal(v, state[k]) for k, v in made.state_dict().items())


def test_a_net_that_gives_more_in_training_stays_in_evaluation_mode() -> None:
    """If this failed, nets with auxiliary heads would give a tuple, for nothing that drops."""
    net = own("Net", give_more_in_training, dropout=nn.Dropout(0.5), layer=nn.Linear(40, 3))
    assert len(list(subnetworks(net, WORDS, 2))) == 2


def test_dropout_that_changes_its_buffers_is_named() -> None:
    """If this failed, predicting would change the model, and passes be of different nets."""
    made = on_words(own("Annealed", drop_and_count, calls=nn.Buffer(torch.zeros(()))))

    with pytest.raises(ValueError, match="Annealed changes its buffer `calls`"):
        monte_carlo(made, WORDS, [2])

    assert made[0].calls == 0
    weight_scaling(made, WORDS)


@pytest.mark.parametrize(
    ("layer", "call"),
    [
        (own("Listing", lambda _, x: LISTED[1](x)), "dropout with p=0.5"),
        (own("Calling", lambda self, x: drop_elsewhere(self, x)), "dropout1d with p=0.4"),
    ],
)
def test_dropout_that_stays_off_is_named(layer: nn.Module, call: str) -> None:
    """If this failed, dropout outside of `forward` would be off, beside some that is on."""
    with pytest.raises(ValueError, match=f"{call} stays off in a stochastic pass"):
        monte_carlo(on_words(layer, nn.Dropout(0.5)), WORDS, [2])


def test_passes_without_random_numbers_are_refused() -> None:
    """If this failed, a user would average one network with itself, and see no doubt."""
    idle = own("Idle", lambda _, x: x, drop=nn.Dropout(0.5))
    with pytest.raises(ValueError, match=r"draws no random numbers .* rate above 0 \(0.drop\)"):
        monte_carlo(on_words(idle, nn.Dropout(0.0)), WORDS, [2])


def test_rates_of_0_give_weight_scaling() -> None:
    """If this failed, a user could not sweep over rates from 0 on."""
    idle = own("Idle", lambda self, x: F.dropout(x, self.p, self.training), p=0, eps=1e-5)
    made = on_words(StochasticDepth(0.0, "row"), nn.Dropout(0.0), idle)
    assert torch.equal(monte_carlo(made, WORDS, [1]).arithmetic[0], weight_scaling(made, WORDS))


@pytest.mark.parametrize(
    "call",
    [
        lambda _, x: F.dropout(x),
        lambda _, x: F.scaled_dot_product_attention(x, x, x, dropout_p=0.5),
        lambda _, x: LISTED[0](x),
    ],
    ids=["function", "attention", "list"],
)
def test_weight_scaling_refuses_what_drops(call: Callable[..., Tensor]) -> None:
    """If this failed, one random subnetwork would be given out as weight scaling."""
    made = on_words(own("Always", call))
    before = torch.random.get_rng_state()

    with pytest.raises(ValueError, match="Sequential draws random numbers in evaluation mode"):
        weight_scaling(made, WORDS)

    assert torch.equal(before, torch.random.get_rng_state())


def test_passes_differ_from_each_other_and_repeat_with_their_seed() -> None:
    """If this failed, samples would be one mask, or not reproducible, or disturb the user's random
    numbers.
    """
    made = model()
    torch.manual_seed(0)
    before = torch.random.get_rng_state()
    first, second = list(subnetworks(made, X, 2, seed=1))
    assert not torch.equal(first, second)
    assert torch.equal(first, next(subnetworks(made, X, 1, seed=1)))
    assert not torch.equal(first, next(subnetworks(made, X, 1, seed=2)))
    assert torch.equal(before, torch.random.get_rng_state())


@pytest.mark.parametrize("first", [nn.Dropout, nn.ReLU])
def test_the_inputs_are_left_as_they_were(first: type[nn.Module]) -> None:
    """If this failed, the user's data would change, and masks would multiply from pass to pass."""
    made, apart = (on_words(first(inplace=inplace), nn.Dropout(0.1)) for inplace in (True, False))
    x = WORDS - 0.5
    before = x.clone()
    assert torch.equal(monte_carlo(made, x, [3]).arithmetic, monte_carlo(apart, x, [3]).arithmetic)
    weight_scaling(made, x)
    assert torch.equal(x, before)


def test_means_are_those_of_the_passes() -> None:
    """If this failed, a user's Monte-Carlo prediction would not be the mean of probabilities."""
    made = model()
    samples = torch.stack(list(subnetworks(made, X, 5)))
    ensemble = monte_carlo(made, X, [3, 5])
    torch.testing.assert_close(ensemble.arithmetic[0].exp(), samples[:3].exp().mean(0))
    torch.testing.assert_close(ensemble.geometric[1], samples.mean(0).log_softmax(-1))
    torch.testing.assert_close(weight_scaling(made, X), made.eval()(X).log_softmax(-1))


@pytest.mark.parametrize("autocast", [False, True])
def test_half_precision_models_are_averaged_in_single(autocast: bool) -> None:
    """If this failed, sums over many passes would stop growing: probabilities add up to a fifth."""
    made = on_words(nn.Dropout(0.5))
    x = WORDS

    if not autocast:
        made = made.bfloat16()
        x = x.bfloat16()

    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        assert next(subnetworks(made, x, 1)).dtype == torch.float32
        ensemble = monte_carlo(made, x, [1_000])
        one_pass = weight_scaling(made, x)

    for log_probs in (ensemble.arithmetic[0], ensemble.geometric[0], one_pass):
        torch.testing.assert_close(log_probs.exp().sum(-1), torch.ones(4))


@pytest.mark.parametrize(
    ("call", "found"),
    [
        (lambda _, x: (x.flatten(1),), "a tuple"),
        (lambda _, x: {"logits": x.flatten(1)}, "a dict"),
        (lambda _, x: x.unsqueeze(1), r"torch.float32 \[4, 1, 5, 8\] for 4 inputs"),
        (lambda _, x: x[:, 0, :1], r"torch.float32 \[4, 1\] for 4 inputs"),
        (lambda _, x: x[:, 0, 0], r"torch.float32 \[4\] for 4 inputs"),
        (lambda _, x: x[0], r"torch.float32 \[5, 8\] for 4 inputs"),
        (lambda _, x: x.flatten(1).long(), r"torch.int64 \[4, 40\] for 4 inputs"),
    ],
)
def test_what_is_no_batch_of_logits_is_refused(call: Callable[..., object], found: str) -> None:
    """If this failed, softmax would be taken over columns, over the batch, or over one class."""
    made = nn.Sequential(nn.Dropout(0.5), own("Giving", call))
    for rule in (weight_scaling, lambda made, x: monte_carlo(made, x, [2])):
        with pytest.raises(ValueError, match=f"Sequential gives {found}"):
            rule(made, WORDS)


@pytest.mark.parametrize("rule", [weight_scaling, lambda made, x: monte_carlo(made, x, [2])])
def test_a_model_that_ends_in_softmax_is_warned_of(rule: Callable[..., object]) -> None:
    """If this failed, softmax would be taken twice in silence: all predictions near to uniform."""
    net = nn.Sequential(on_words(nn.Dropout(0.5)), nn.Softmax(1))

    with pytest.warns(UserWarning, match="Sequential gives probabilities"):
        rule(net, WORDS)

    net[1] = nn.LogSoftmax(1)
    rule(net, WORDS)
    net[1] = own("Centred", lambda _, x: 3 * x.softmax(1) - 2 / 3)  # adds up to 1, as logits may
    rule(net, WORDS)


def test_numbers_of_passes_start_at_1() -> None:
    """If this failed, no pass at all would be an empty answer instead of an error."""
    with pytest.raises(ValueError, match="count=0: give a number of passes"):
        list(subnetworks(model(), X, 0))
    with pytest.raises(ValueError, match=r"counts=\[5, 2\]"):
        monte_carlo(model(), X, [5, 2])


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
