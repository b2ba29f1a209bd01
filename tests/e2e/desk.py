"""The ``reconciler`` command within the process of the test: for many short runs against a sandbox in the same one."""

import contextlib
import io
import os
import signal
from typing import Any
from unittest.mock import patch

from reconciler.cli import main
from tests.e2e.command import Result, Workplace


class Desk(Workplace):
    """A folder from which commands run here, with the environment that they would have elsewhere."""

    def run(self, *args: str, **env: str) -> Result:
        out, err = io.StringIO(), io.StringIO()
        handler = signal.getsignal(signal.SIGTERM)
        try:
            with (
                patch.dict(os.environ, {**self.environment, **env}, clear=True),
                contextlib.chdir(self.folder),
                contextlib.redirect_stdout(out),
                contextlib.redirect_stderr(err),
            ):
                code = _exit_code(args)
        finally:
            signal.signal(signal.SIGTERM, handler)
        return Result(code, out.getvalue(), err.getvalue())


def _exit_code(args: Any) -> int:
    try:
        main(args)
    except SystemExit as end:
        return int(end.code or 0)
