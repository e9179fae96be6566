"""Train cohorts: `python scripts/train.py` one, `python scripts/train.py -m` a sweep; `--help` tells the rest."""

import logging
import os
import sys
from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from dropout_study import config as schema
from dropout_study import sweeps
from dropout_study.record import FILE

CONF = Path(__file__).parents[1] / "conf"

schema.register()
OmegaConf.register_new_resolver("choices", lambda: sweeps.choices(CONF), replace=True)


@hydra.main(config_path=str(CONF), config_name="train", version_base="1.3")
def job(composed: DictConfig) -> None:
    """One condition. A failure is left in the job's folder, so that the rest of a sweep goes on."""
    folder = Path(HydraConfig.get().runtime.output_dir)
    (folder / sweeps.FAILURE).unlink(missing_ok=True)
    try:
        config = schema.read(composed)
        from dropout_study.experiment import run

        run(config, folder)
    except Exception as error:
        reason = str(error)
        if not isinstance(error, schema.ConfigError):
            if not (folder / FILE).exists():  # otherwise it is in the run's log already
                logging.getLogger("traceback").error("the run failed", exc_info=error)
            reason = f"{type(error).__name__}: {error} (the traceback is in {folder / 'train.log'})"
        (folder / sweeps.FAILURE).write_text(reason, encoding="utf-8")


def main() -> None:
    """Complete the command line, hand over to Hydra, and put mistakes into one sentence."""
    traceback_wanted = os.environ.get("HYDRA_FULL_ERROR") == "1"
    os.environ["HYDRA_FULL_ERROR"] = "1"  # exceptions reach this function instead of Hydra's printer
    try:
        sys.argv[1:] = sweeps.complete(sys.argv[1:], CONF)
        job()
    except sweeps.EXPLAINED as error:
        if traceback_wanted:
            raise
        sweeps.fail(sweeps.explain(error))
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)


if __name__ == "__main__":
    main()
