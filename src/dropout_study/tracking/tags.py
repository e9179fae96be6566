"""Names of the tags that the project writes to MLflow, or reads there; each is written once.

The tags of the process at work on a run are named by `system.processes.this_process`, those of its
packages and machine, which nothing reads, by `provenance`.
"""

ROLE = "role"
"""What a run stands for: see `record.Role`. Older stores have `seed 3` for `seed`."""
RECORD_ID = "record_id"
"""The id of the record; the run of a cohort and the runs of its seeds share it."""
SEED = "seed"
"""The seed of a network; only the runs of seeds have this tag."""
SWEEP = "sweep"
"""The id of the record of the sweep that a cohort belongs to."""

CONDITION_DIGEST = "config_digest"
TRAINING_DIGEST = "training_digest"
DATA_DIGEST = "data_digest"
BUDGET = "budget"
ARM = "arm"
CANDIDATE = "candidate"
STAGE = "stage"
"""The stage of its study: `tuning`, `final` or `half`. Older runs have none, and are final."""

COMPLETE = "complete"
"""`true` once everything of a finished run is in the store; it is written last."""
DUPLICATE = "duplicate"
"""`true` if another complete run of the same condition and seed is the authoritative one."""
RERUN = "rerun"
"""`true` if training was forced although the results were recorded."""
RESTORED = "restored"
"""`true` if the run was read from the results file of a report."""
HEARTBEAT = "heartbeat"
"""The time of the last sign of life, in milliseconds."""
REASON = "reason"
"""Why a run failed or was killed."""
INTERVAL = "interval"
"""The 95 % interval of the test error, as text."""
WALL_SECONDS = "wall_seconds"
COMMAND = "command"
"""The command line of a sweep, without passwords."""
COMMIT = "git.commit"
DIRTY = "git.dirty"
"""`true` if the source differed from its commit."""
ERA = "era"
"""The era of the code (`config.condition.ERA`); results of another era do not count."""
CODE = "code"
"""The digest of the code that computed the run (`provenance.code`)."""
VERDICT = "verdict."
"""Prefix, followed by the id of a claim: its verdict, on the run of a report."""

# MLflow reserves the prefix `mlflow.` for itself. The following tags steer its pages.
PARENT = "mlflow.parentRunId"
"""The run of the cohort, under which MLflow's pages nest the run of a seed."""
RUN_NAME = "mlflow.runName"
SOURCE_NAME = "mlflow.source.name"
SOURCE_COMMIT = "mlflow.source.git.commit"
"""With the name, what the page of a run shows as its source."""
DESCRIPTION = "mlflow.note.content"
"""The description of an experiment or run, in Markdown."""
EXPERIMENT_KIND = "mlflow.experimentKind"
"""Decides whether the page of an experiment shows training runs or traces of language models."""
LOGGED_ARTIFACTS = "mlflow.loggedArtifacts"
"""The files that the page of a run shows as tables."""
DATA_CONTEXT = "mlflow.data.context"
"""What a data set was used for; a tag of the input, not of the run."""

# MLflow's pages hide tags with the reserved prefix. Packed results are thousands of characters that
# nobody can read, so their names begin with it.
PACKED = "mlflow.dropout."
"""Prefix, followed by the column of the results: a packed curve, picture or list of shares.

A text longer than a tag continues under the same name with `:2`, `:3` and so on.
"""
