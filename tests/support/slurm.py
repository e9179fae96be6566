"""A SLURM of one node, started here on loopback from Debian's `slurm-wlm` and `munge`.

It runs as the user who starts it, and keeps all its files in one folder.
"""

import os
import pwd
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Self

import psutil

from support.background import free_port

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "scancel", "scontrol")
CONFIGURATION = """\
ClusterName=one
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmdPort={node_port}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=10
ProctrackType=proctrack/pgid
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
KillWait=3
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmdSpoolDir={folder}/spool
StateSaveLocation={folder}/state
NodeName={host} NodeAddr=127.0.0.1 CPUs={cores} RealMemory={megabytes} State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""
"""`cred_expire` is also how long a job that is queued again waits, two minutes by default."""
MAX_WAIT_SECONDS = 60
"""For a daemon that starts, or for jobs that end."""


def missing_programs() -> list[str]:
    """The programs that this machine lacks; Debian puts daemons where users do not look."""
    return [program for program in PROGRAMS if _path_of(program) is None]


def _path_of(program: str) -> str | None:
    return shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")


class Slurm:
    """A SLURM whose node is this machine; as a context manager, it runs in the block.

    Args:
        folder: takes its files; an absolute path, short enough for a socket.

    Attributes:
        variables: with which its clients find it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._daemons: list[subprocess.Popen[bytes]] = []
        self.variables = {"SLURM_CONF": str(folder / "slurm.conf")}

    def __enter__(self) -> Self:
        try:
            self._configure()
            self._start_daemons()
            self._wait_for_node()
        except BaseException:
            self._stop()
            raise

        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    def run(self, program: str, *arguments: str) -> str:
        """What a client prints, without the line break at its end."""
        command = [program, *arguments]
        environment = os.environ | self.variables
        done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)

        return done.stdout.rstrip("\n")

    def queue(self) -> dict[str, str]:
        """The jobs in the queue, each task of an array by itself: id -> state."""
        lines = self.run("squeue", "--array", "--noheader", "--format=%i %T").splitlines()
        return dict(line.split() for line in lines)

    def _configure(self) -> None:
        """Write the configuration and the key of munge."""
        for name in ("state", "spool"):
            (self._folder / name).mkdir(parents=True)

        key = self._folder / "munge.key"
        key.write_bytes(secrets.token_bytes(128))
        key.chmod(0o600)

        text = CONFIGURATION.format(
            host=socket.gethostname().partition(".")[0],
            folder=self._folder,
            user=pwd.getpwuid(os.getuid()).pw_name,
            controller_port=free_port(),
            node_port=free_port(),
            cores=os.cpu_count(),
            megabytes=int(psutil.virtual_memory().total / 2**20 * 0.9),
        )
        (self._folder / "slurm.conf").write_text(text)

    def _start_daemons(self) -> None:
        """Start munge, the controller and the node's daemon, each once the one before answers."""
        files = {"key-file": "key", "pid-file": "pid", "seed-file": "seed", "log-file": "log"}
        options = [f"--{option}={self._folder}/munge.{end}" for option, end in files.items()]
        socket_file = self._folder / "munge.socket"

        self._start("munged", "--foreground", "--force", f"--socket={socket_file}", *options)
        _wait_until(socket_file.exists, "munge")
        self._start("slurmctld", "-D")
        _wait_until(lambda: self._answers("scontrol", "ping"), "the controller")
        self._start("slurmd", "-D")

    def _start(self, program: str, *arguments: str) -> None:
        command = [_path_of(program) or program, *arguments]

        with (self._folder / f"{program}.out").open("wb") as output:
            process = subprocess.Popen(
                command, env=os.environ | self.variables, stdout=output, stderr=output
            )

        self._daemons.append(process)

    def _answers(self, program: str, *arguments: str) -> bool:
        with suppress(subprocess.CalledProcessError):
            self.run(program, *arguments)
            return True

        return False

    def _wait_for_node(self) -> None:
        _wait_until(lambda: self.run("sinfo", "--noheader", "--format=%T") == "idle", "the node")

    def _stop(self) -> None:
        """End what is left of the jobs, then the daemons, the last one first."""
        with suppress(subprocess.CalledProcessError, FileNotFoundError, TimeoutError):
            self.run("scancel", f"--user={pwd.getpwuid(os.getuid()).pw_name}")
            self.run("scancel", "--full", "--signal=KILL", *self.queue())
            _wait_until(lambda: not self.queue(), "the end of its jobs")

        for process in reversed(self._daemons):
            process.terminate()
            process.wait()


def _wait_until(is_true: Callable[[], bool], what: str) -> None:
    limit = time.monotonic() + MAX_WAIT_SECONDS

    while not is_true():
        if time.monotonic() > limit:
            raise TimeoutError(f"{what} of SLURM: nothing happens for {MAX_WAIT_SECONDS} s")
        time.sleep(0.1)
