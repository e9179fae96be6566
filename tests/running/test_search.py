"""A search: what it proposes, what it remembers, and who wins; on files of Optuna itself."""

import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from omegaconf import DictConfig

from dropout_study.config.schema import ConfigError
from dropout_study.running.job import Job, JobState
from dropout_study.running.search import OpenSearch, Proposal
from dropout_study.running.sweep_jobs import launch_packs, list_conditions

RATE = "model.hidden_rate=interval(0,0.8)"
LR = "optimizer.lr=tag(log,interval(1e-4,1e-2))"
Compose = Callable[..., DictConfig]
Searched = Callable[..., OpenSearch]


@pytest.fixture
def search(composed: Compose, tmp_path: Path) -> Searched:
    """A search of two keys, in a folder of the test's own, that is not open yet."""

    def make(*typed: str) -> OpenSearch:
        of_sweeper = ("hydra/sweeper=optuna", f"hydra.sweeper.folder={tmp_path}", RATE, LR)
        return OpenSearch(composed(*of_sweeper, "hydra.sweeper.batch=4", *typed))

    return make


def value(proposal: Proposal, key: str) -> str:
    (found,) = [o.partition("=")[2] for o in proposal.overrides if o.startswith(f"{key}=")]
    return found


def judged(proposals: Sequence[Proposal], *broken: str) -> dict[str, Job]:
    """Jobs of candidates whose validation error is 100 times their rate, but for some that fail."""
    jobs = {}

    for each in proposals:
        error = 100 * float(value(each, "model.hidden_rate"))
        failed = each.folder in broken
        state = JobState.FAILED if failed else JobState.DONE
        jobs[each.folder] = Job(each.folder, state, validation=[] if failed else [error] * 3)

    return jobs


def finish(search: OpenSearch) -> list[list[Proposal]]:
    """Carry out the rounds of an open search."""
    rounds = []

    while proposals := search.next_round():
        rounds.append(proposals)
        search.tell({} if proposals[0].folder == "winner" else judged(proposals))

    return rounds


def test_candidates_are_tuned_and_the_best_is_judged_on_other_seeds(search: Searched) -> None:
    """If this failed, a search would show its winner with the seeds that chose it, or look at test
    data while it chooses.
    """
    typed = ("hydra.sweeper.n_trials=6", "seeds=[0,1]", "rules=[monte_carlo]", "probes=[units]")
    with search(*typed) as opened:
        *rounds, (winner,) = finish(opened)

    assert [[each.folder for each in proposals] for proposals in rounds] == [
        ["0", "1", "2", "3"],
        ["4", "5"],
    ]
    candidates = [each for proposals in rounds for each in proposals]

    for each in candidates:
        keys = ("seeds", "rules", "probes", "study.stage", "study.candidate")
        expected = ["[900,901,902]", "[]", "[]", "tuning", each.folder]
        assert [value(each, key) for key in keys] == expected

    best = min(candidates, key=lambda each: float(value(each, "model.hidden_rate")))
    assert winner.folder == "winner"
    for key in ("model.hidden_rate", "optimizer.lr", "study.arm"):
        assert value(winner, key) == value(best, key)

    keys = ("seeds", "rules", "probes", "study.stage")
    assert [value(winner, key) for key in keys] == ["[0,1]", "[monte_carlo]", "[units]", "final"]


def test_the_same_command_resumes(search: Searched) -> None:
    """If this failed, an interrupted search would begin anew, repeat candidates, or propose others
    than one that was never interrupted.
    """
    with search("hydra.sweeper.n_trials=10", "hydra.sweeper.sampler_seed=1") as other:
        others = finish(other)
    with search("hydra.sweeper.n_trials=10", "model.widths=[8]") as whole:
        expected = finish(whole)

    assert others[0] != expected[0]
    *rounds, _ = expected
    tried = [value(each, "model.hidden_rate") for proposals in rounds for each in proposals]
    assert len(set(tried)) == 10, "a round does not repeat the one before"

    with search("hydra.sweeper.n_trials=4") as first:
        assert len(finish(first)) == 2
    with search("hydra.sweeper.n_trials=10") as interrupted:
        begun = interrupted.next_round()
    with search("hydra.sweeper.n_trials=10") as again:
        assert again.total == 7
        rounds = finish(again)

    assert rounds[0] == begun
    assert [each.folder for each in rounds[1]] == ["8", "9"]
    rates = [value(each, "model.hidden_rate") for each in [*rounds[0], *rounds[1]]]
    assert rates == [value(each, "model.hidden_rate") for each in [*expected[1], *expected[2]]]

    with search("hydra.sweeper.n_trials=10") as known:
        assert [each.folder for each in known.next_round()] == ["winner"]


def test_what_fails_counts_in_its_start_and_is_tried_again_in_the_next(search: Searched) -> None:
    """If this failed, one broken candidate would stop a search, or keep it running for ever; or a
    worker that was killed would cost a candidate.
    """
    with search("hydra.sweeper.n_trials=4") as first:
        proposals = first.next_round()
        first.tell(judged(proposals, "2"))
        (winner,) = first.next_round()
        assert winner.folder == "winner"

    with search("hydra.sweeper.n_trials=4") as second:
        (again,) = second.next_round()
        second.tell(judged([again]))
        assert [each.folder for each in second.next_round()] == ["winner"]

    assert again.folder == "4"
    assert value(again, "optimizer.lr") == value(proposals[2], "optimizer.lr")


def test_a_candidate_that_diverges_is_the_worst(search: Searched) -> None:
    """If this failed, a rate that is too large would win, or end the search."""
    with search("hydra.sweeper.n_trials=4") as opened:
        proposals = opened.next_round()
        jobs = judged(proposals)
        best = min(proposals, key=lambda each: float(value(each, "model.hidden_rate")))
        jobs[best.folder].validation = [1.0, math.inf, 1.0]
        opened.tell(jobs)
        (winner,) = opened.next_round()
        assert value(winner, "optimizer.lr") != value(best, "optimizer.lr")

    with search("hydra.sweeper.n_trials=1", "model.widths=[8]") as opened:
        jobs = {
            each.folder: Job("", JobState.DONE, validation=[math.inf] * 3)
            for each in opened.next_round()
        }
        opened.tell(jobs)
        with pytest.raises(ConfigError, match="All candidates of the search diverged"):
            opened.next_round()


def test_a_search_is_one_of_its_space_its_conditions_and_its_seeds(search: Searched) -> None:
    """If this failed, results of one search would count in another, or a default that is typed
    would begin a new one.
    """
    name = search().name
    same = ("hydra.sweeper.n_trials=99", "model.widths=[256,256]", "rules=[monte_carlo]")
    assert search(*same).name == name

    for typed in ("hydra.sweeper.seeds=[901]", "model.hidden_rate=interval(0,0.7)"):
        assert search(typed).name != name


def test_two_processes_cannot_work_on_one_search(search: Searched) -> None:
    """If this failed, both would train the same candidates."""
    with search(), pytest.raises(ConfigError, match="at work in another process"):
        search().__enter__()

    with search("model.widths=[8]"), search("model.widths=[9]"):
        pass


def test_half_a_line_is_no_reason_to_begin_anew(search: Searched, tmp_path: Path) -> None:
    """If this failed, a full disk or a power cut would cost all candidates of a search."""
    with search("hydra.sweeper.n_trials=4") as first:
        finish(first)

    (file,) = tmp_path.glob("*.journal")
    with file.open("a") as journal:
        journal.write('{"op_code":')

    with search("hydra.sweeper.n_trials=4") as again:
        assert again.total == 1

    assert all(map(json.loads, file.read_text().splitlines()))


def test_a_dry_run_knows_the_candidates_and_writes_nothing(
    search: Searched, tmp_path: Path
) -> None:
    """If this failed, asking how long a search takes would be the beginning of it."""
    with search("hydra.sweeper.n_trials=4") as first:
        finish(first)

    (file,) = tmp_path.glob("*.journal")
    before = file.read_bytes()

    with search("hydra.sweeper.n_trials=8", "dry_run=true") as dry:
        proposals = dry.next_round()
        jobs = {each.folder: Job(each.folder, estimate=3.0) for each in proposals}
        jobs["winner"].estimate = 60.0
        assert [each.folder for each in proposals] == ["4", "5", "6", "7", "winner"]
        assert "first of 4 candidates" in dry.lines(jobs)[0]
        assert dry.lines(jobs)[0].endswith("takes about 72 s.")

    assert file.read_bytes() == before


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("seeds=[5,901]", r"\[901\] are among seeds=\[5, 901\]; what is chosen with a seed"),
        ("bag=interval(1,9)", "bag cannot be searched: candidates are judged on validation data"),
        ("model.hidden_rate=interval(0,1)", "model.hidden_rate=1.0 cannot be used"),
        ("hydra.sweep.subdir=a", "hydra.sweep.subdir=a cannot be used with hydra/sweeper=optuna"),
        ("hydra.sweeper.sampler=grid", "hydra.sweeper.sampler must be one of tpe, random"),
        ("sample=5", "sample=5 cannot be used with hydra/sweeper=optuna: hydra.sweeper.n_trials"),
        ("hydra.sweeper.n_trials=0", "hydra.sweeper.n_trials must be at least 1"),
    ],
)
def test_a_search_that_cannot_be_is_refused_before_it_begins(
    search: Searched, tmp_path: Path, typed: str, sentence: str
) -> None:
    """If this failed, a mistake would show after the first candidate that meets it."""
    with pytest.raises(ConfigError, match=sentence):
        search(typed)

    assert not list(tmp_path.glob("*.journal"))


def test_a_round_is_launched_by_the_sweeper_of_hydra(composed: Compose) -> None:
    """If this failed, no launcher would get the packs of a search."""
    config = composed("hydra/sweeper=optuna", RATE, "model.widths=[8]")
    launch_packs(config, [0, 1])
    assert config.hydra.sweeper._target_.endswith("BasicSweeper")
    assert list_conditions(config) == [
        ["model.widths=[8]", "pack_number=0"],
        ["model.widths=[8]", "pack_number=1"],
    ]
