"""How far jobs are while they are trained and evaluated, as their files say it.

Imports no torch.
"""

import time
from collections.abc import Callable, Sequence

from dropout_study.running.job import Job

Report = Callable[[float], None]
"""Called with the share of an evaluation that is done, in [0, 1]."""


class Watch:
    """Notes how far jobs are that are trained together, and evaluated one after the other.

    Args:
        jobs: takes what is noted.
        updates: the budget of each.
    """

    def __init__(self, jobs: Sequence[Job], updates: int) -> None:
        self._jobs = jobs
        self._updates = updates
        self._began: float | None = None

    def count_updates(self, number: int) -> None:
        """Note how many updates are made: first as training begins, and then now and then."""
        share = number / self._updates

        for job in self._jobs:
            job.share = share
            if self._began is None:
                job.resumed_at = share

        self._began = self._began or time.monotonic()

    def foresee(self, evaluations: Sequence[float]) -> None:
        """Note how much of the work the evaluations will be, at the pace of training so far.

        Args:
            evaluations: seconds that each of the jobs will take.
        """
        for job, seconds in zip(self._jobs, evaluations, strict=True):
            trained = (job.share - job.resumed_at) * len(self._jobs)

            if self._began is not None and trained > 0:
                training = (time.monotonic() - self._began) / trained
                job.evaluation = seconds / (training + seconds)

    def report_on(self, number: int) -> Report:
        """What the evaluation of a job reports to.

        Args:
            number: of the job among those that are trained together.
        """
        job = self._jobs[number]

        def report(share: float) -> None:
            if job.evaluated is None and job.share == job.resumed_at:
                job.evaluation = 1.0  # nothing was trained here

            job.share = 1.0
            job.evaluated = share

        return report
