"""`ganjax` commands in processes that start without imports, for tests that need many of them.

`Commands()` is the client; run as a program this file is the server, which forks.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent


class Commands:
    """A server that has imported everything, but started no backend of JAX."""

    def __enter__(self):
        self._server = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**os.environ, "XLA_FLAGS": "", "PYTHONWARNINGS": "ignore"},
        )
        return self

    def __exit__(self, *_):
        self._server.communicate()

    def start(self, err, *arguments):
        """Starts a command whose stderr goes to a file; returns its process id."""
        err.write_text("")
        return self._ask({"err": str(err), "arguments": list(map(str, arguments))})

    def wait(self, process):
        """The exit code, that of a shell if a signal ended the process."""
        return self._ask({"wait": process})

    def ended(self, process):
        """The exit code as `wait` gives it; None while the process runs."""
        return self._ask({"wait": process, "options": os.WNOHANG})

    def run(self, err, *arguments):
        return self.wait(self.start(err, *arguments))

    def _ask(self, question):
        print(json.dumps(question), file=self._server.stdin, flush=True)
        return json.loads(self._server.stdout.readline())


def until(found, seconds=120.0):
    """Waits until `found()`."""
    began = time.monotonic()
    while not found():
        assert time.monotonic() - began < seconds, "it did not come"
        time.sleep(0.01)


def serve():
    from ganjax import commands, devices, experiment, standings, sweep, train  # noqa: F401

    for line in sys.stdin:
        question = json.loads(line)
        if "wait" in question:
            process, status = os.waitpid(question["wait"], question.get("options", 0))
            code = os.waitstatus_to_exitcode(status)
            answer = (code if code >= 0 else 128 - code) if process else None
        else:
            answer = os.fork()
            if answer == 0:
                for target, path, flags in (
                    (0, os.devnull, os.O_RDONLY),
                    (1, os.devnull, os.O_WRONLY),
                    (2, question["err"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC),
                ):
                    os.dup2(os.open(path, flags), target)
                sys.argv = ["ganjax", *question["arguments"]]
                code = 1
                try:
                    commands.main()
                    code = 0
                except SystemExit as end:
                    code = end.code or 0
                finally:
                    sys.stderr.flush()
                    os._exit(code)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    serve()
