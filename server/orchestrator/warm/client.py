"""The engine command: have the warm server fork the engine, hand on signals, exit as it exits.

Run as a script with ``python -S -E``: it must not import anything that takes time.
"""

import json
import os
import signal
import socket
import sys

SOCKET = "DATAROLL_WARM_SOCKET"
WORKER_TOKEN = "DATAROLL_WORKER_TOKEN"  # noqa: S105 - a variable's name


def main() -> int:
    give_up_the_workers_token()
    path = os.environ.get(SOCKET, "")
    line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        line.connect(path)
    except OSError:
        os.execv(sys.executable, [sys.executable, "-m", "prefect.engine"])  # noqa: S606 - no shell is meant
    request = json.dumps({"cwd": os.getcwd(), "environment": dict(os.environ)}).encode()
    socket.send_fds(line, [len(request).to_bytes(8, "big")], [0, 1, 2])
    line.sendall(request)
    answers = line.makefile("r")
    pid = int(answers.readline() or 0)
    if not pid:
        return 1
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _frame: os.kill(pid, number))
    code = int(answers.readline() or -signal.SIGKILL)
    if code < 0:
        # Die of what the engine died of, so that the worker reports the same.
        if -code not in (signal.SIGKILL, signal.SIGSTOP):  # those two have no other handling
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    return code


def give_up_the_workers_token() -> None:
    """A worker of Prefect's own leaves its token in here: what becomes the run gets the run's.

    ``dataroll worker`` has done so already. The same as :func:`runtime_tasks.run_token.run_token`,
    which cannot be imported here.
    """
    token, run = os.environ.pop(WORKER_TOKEN, ""), os.environ.get("PREFECT__FLOW_RUN_ID", "")
    if token and run and "DATAROLL_RUN_TOKEN" not in os.environ:
        import hmac

        made = hmac.digest(token.encode(), f"dataroll run {run}".encode(), "sha256")
        os.environ["DATAROLL_RUN_TOKEN"] = f"run.{run}.{made.hex()}"


if __name__ == "__main__":
    sys.exit(main())
