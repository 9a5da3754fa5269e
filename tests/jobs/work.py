"""Kinds of jobs for tests: what they do is decided by files, so that no test depends on how fast anything is."""

import os
import subprocess
import sys
import time
from pathlib import Path

from edviz.errors import JobError
from edviz.output import writing
from mcp_server.jobs.kinds import Kind

WAITING = Kind("waiting", "tests.jobs.work:wait", divides="items", join="tests.jobs.work:join")
FAILING = Kind("failing", "tests.jobs.work:fail")
STUBBORN = Kind("stubborn", "tests.jobs.work:refuse_to_end")


def wait(request, report):
    """Write half a file, start a process, and go on only when a file says so."""
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
    print("halfway", flush=True)
    with writing(report.folder / "text.txt") as stream:
        stream.write(" ".join(request["items"]))
        stream.flush()
        report(0.5, f"halfway in process {os.getpid()}")
        while not Path(request["go"]).exists():
            time.sleep(0.02)
    child.kill()
    child.wait()
    return {"items": request["items"]}


def join(folders, folder):
    texts = [(each / "text.txt").read_text(encoding="utf-8") for each in folders]
    with writing(folder / "text.txt") as stream:
        stream.write(" ".join(texts))
    return {"items": " ".join(texts).split()}


def fail(request, report):
    if request["how"] == "ours":
        raise JobError("the sentence")
    raise KeyError("\x1b[31m")


def refuse_to_end(request, report):
    import signal

    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    report(0.5, "halfway")
    time.sleep(300)
