"""MLflow's pages: its server on the store of the project, and the address that shows the runs."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import webbrowser
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import IO

from dropout_study.config.folder import command
from dropout_study.config.schema import ConfigError, Ui
from dropout_study.config.uri import masked
from dropout_study.running.bottom_line import BOTTOM_LINE
from dropout_study.tracking.store import (
    UNREACHABLE,
    Store,
    experiments_path,
    first_line,
    page_path,
    quiet_mlflow,
)

PATIENCE = 300
"""Seconds that the server may take until it answers."""
LOOK_SECONDS = 0.2
GRACE = 5
"""Seconds in which the server ends that was asked to."""
EVERY_ADDRESS = ("0.0.0.0", "::")
SHOWN_LINES = 5
"""Of what the server said, if it could not start."""


def show(chosen: Ui) -> None:
    """Serve the store until Ctrl-C, print the address of its runs, and open it in a browser.

    A store that a server holds already is opened there.

    Args:
        chosen: the store, where to serve it, and which study to open.

    Raises:
        ConfigError: there is no store or study, the port is taken, or the server does not start.
    """
    BOTTOM_LINE.say("reading the store")
    quiet_mlflow()
    store = Store(chosen.tracking.uri)
    page = _page(store, chosen.page)

    if store.is_server:
        BOTTOM_LINE.clear()
        _open(f"{store.shown.rstrip('/')}/{page}", chosen.open)
        return

    port = chosen.port or free_port(chosen.host)
    _check_port(chosen.host, port)
    reached = "127.0.0.1" if chosen.host in EVERY_ADDRESS else chosen.host
    BOTTOM_LINE.say("starting MLflow's server")

    with _served(store, chosen.host, port) as server:
        _wait_for(server, reached, port)
        BOTTOM_LINE.clear()
        _open(f"http://{reached}:{port}/{page}", chosen.open)
        print("Ctrl-C ends it.", flush=True)

        with suppress(KeyboardInterrupt):
            server.process.wait()
            raise ConfigError(f"MLflow's server has ended: {server.said()}")

    print()


def _page(store: Store, study: str) -> str:
    """The part of the address behind the server: the study's page, or that of the last run.

    Raises:
        ConfigError: there is no store, or no such study in it.
    """
    if not store.exists:
        raise ConfigError(
            f"tracking.uri={store.shown} cannot be shown: there is no store yet; "
            f"{command('train')} -m makes one."
        )

    try:
        store.make_ready()
        experiment = store.experiment(study) if study else store.last_experiment()
    except UNREACHABLE as error:
        raise ConfigError(
            f"tracking.uri={store.shown} cannot be shown: {first_line(error)}"
        ) from error

    if study and experiment is None:
        raise ConfigError(f"page={study} cannot be shown: {store.shown} has no runs of it.")

    return page_path(experiment) if experiment else experiments_path()


def _open(address: str, wanted: bool) -> None:
    """Print an address, and open it in a browser if there is a display."""
    print(f"MLflow: {address}", flush=True)

    if wanted and has_display(sys.platform, os.environ):
        webbrowser.open(address)


def has_display(platform: str, variables: Mapping[str, str]) -> bool:
    """Whether a browser would open in a window, and not in the terminal.

    >>> has_display("linux", {}), has_display("linux", {"DISPLAY": ":0"}), has_display("darwin", {})
    (False, True, True)

    Args:
        platform: as `sys.platform`.
        variables: of the environment.
    """
    if platform in ("darwin", "win32"):
        return True

    return any(variables.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))


def free_port(host: str) -> int:
    """A port on which nothing listens."""
    with socket.create_server((host, 0)) as listener:
        return int(listener.getsockname()[1])


def _check_port(host: str, port: int) -> None:
    """Refuse an address that cannot be had.

    Raises:
        ConfigError: naming it and the reason.
    """
    try:
        socket.create_server((host, port)).close()
    except socket.gaierror as error:
        raise ConfigError(
            f"host={host} cannot be used: {error.strerror}; host=127.0.0.1 is this machine."
        ) from error
    except OSError as error:
        raise ConfigError(
            f"port={port} cannot be used: {error.strerror}; port=0 takes a free one."
        ) from error


class _Server:
    """MLflow's server, which has been started.

    Args:
        process: its first process, the leader of a group of its own.
        log: takes what it says.
    """

    def __init__(self, process: "subprocess.Popen[bytes]", log: IO[bytes]) -> None:
        self.process = process
        self._log = log

    def said(self) -> str:
        """The last lines of what it said, as one line without passwords."""
        self._log.seek(0)
        lines = self._log.read().decode(errors="replace").split("\n")
        last = [line.strip() for line in lines if line.strip()][-SHOWN_LINES:]

        return masked(" ".join(last)) or f"exit code {self.process.returncode}"

    def stop(self) -> None:
        """End it with all processes that it has started, at once if it does not do so itself."""
        self._send(signal.SIGTERM)

        with suppress(subprocess.TimeoutExpired):
            self.process.wait(GRACE)

        self._send(getattr(signal, "SIGKILL", signal.SIGTERM))
        self.process.wait()

    def _send(self, number: int) -> None:
        """Send a signal to the group."""
        if hasattr(os, "killpg"):
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)
        else:
            self.process.terminate()


@contextmanager
def _served(store: Store, host: str, port: int) -> Iterator[_Server]:
    """MLflow's server on a store while the block runs.

    Its command line lacks the address of the store, whose password others could read there.
    """
    typed = ["--host", host, "--port", str(port), "--workers", "1"]
    quiet = ["--uvicorn-opts", "--log-level warning"]
    variables = {key: text for key, text in os.environ.items() if not key.startswith("MLFLOW_")}
    variables["MLFLOW_BACKEND_STORE_URI"] = store.uri
    variables["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] = "false"  # of language models

    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "mlflow", "server", *typed, *quiet],
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C reaches it by `stop` alone
        )
        server = _Server(process, log)

        try:
            yield server
        finally:
            server.stop()


def _wait_for(server: _Server, host: str, port: int) -> None:
    """Wait until a server answers.

    Raises:
        ConfigError: it ends, or takes too long.
    """
    end = time.monotonic() + PATIENCE

    while not _answers(host, port):
        if server.process.poll() is not None:
            raise ConfigError(f"MLflow's server could not be started: {server.said()}")

        if time.monotonic() > end:
            raise ConfigError(f"MLflow's server gave no answer within {PATIENCE} s.")

        time.sleep(LOOK_SECONDS)


def _answers(host: str, port: int) -> bool:
    """Whether a server is ready; asked without the proxy that may be set for other machines."""
    connection = http.client.HTTPConnection(host, port, timeout=5)

    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
