"""Train cohorts: `python scripts/train.py` one, `python scripts/train.py -m` a sweep; `--help` tells the rest."""

import logging
import sys
from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from dropout_study import command_line, sweeps
from dropout_study import config as schema
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
    """Complete the command line and hand over to Hydra."""
    sys.argv[1:] = sweeps.complete(sys.argv[1:], CONF)
    job()


if __name__ == "__main__":
    command_line.run(main)
