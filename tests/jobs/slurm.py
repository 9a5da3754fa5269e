"""A Slurm of one machine, for the time of the tests: munge, slurmctld and slurmd, without cgroups and accounting."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PROGRAMS = ("munged", "mungekey", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "scancel", "sinfo")
CONFIGURATION = """
ClusterName=tests
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmdPort={node_port}
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
CredType=cred/munge
SlurmUser=root
SlurmdUser=root
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
MpiDefault=none
ReturnToService=2
KillWait=3
SchedulerParameters=sched_min_interval=100000,batch_sched_delay=0
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} State=UNKNOWN
PartitionName=tests Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""
SECONDS = 30


def reason_to_skip() -> str:
    """Say what is missing for a Slurm here; empty if nothing is."""
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])
    missing = [program for program in PROGRAMS if shutil.which(program, path=path) is None]
    if missing:
        return f"no Slurm here ({', '.join(missing)}): apt-get install slurmctld slurmd slurm-client munge"
    return "" if os.geteuid() == 0 else "only root can start a Slurm for the tests"


@contextmanager
def cluster() -> Iterator[Path]:
    """Start a Slurm, and yield the path of its configuration."""
    # munge refuses folders that others could exchange, and not all of pytest's can be entered by its user.
    folder = Path(tempfile.mkdtemp(prefix="edviz-slurm-"))
    folder.chmod(0o755)
    started: list[subprocess.Popen] = []
    try:
        configuration = _configure(folder)
        environment = os.environ | {"SLURM_CONF": str(configuration), "PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin"}
        munge = folder / "munge"
        as_munge = ["setpriv", "--reuid=munge", "--regid=munge", "--clear-groups"]
        subprocess.run([*as_munge, "mungekey", "--create", f"--keyfile={munge}/key"], env=environment, check=True)
        files = {"key-file": "key", "pid-file": "pid", "log-file": "log", "seed-file": "seed", "socket": "socket"}
        options = [f"--{option}={munge / name}" for option, name in files.items()]
        for command in (
            [*as_munge, "munged", "--foreground", *options],
            ["slurmctld", "-D", "-f", str(configuration)],
            ["slurmd", "-D", "-f", str(configuration)],
        ):
            with (folder / "said.txt").open("a") as said:
                started.append(subprocess.Popen(command, env=environment, stdout=said, stderr=said))
            time.sleep(0.3)
        _wait_until_idle(folder, environment)
        yield configuration
    finally:
        for process in reversed(started):
            process.terminate()
        for process in started:
            process.wait(SECONDS)
        shutil.rmtree(folder, ignore_errors=True)


def _configure(folder: Path) -> Path:
    for name in ("state", "spool", "munge"):
        (folder / name).mkdir(mode=0o755)
    shutil.chown(folder / "munge", "munge", "munge")
    ports = [_free_port(), _free_port()]
    configuration = folder / "slurm.conf"
    configuration.write_text(
        CONFIGURATION.format(
            host=socket.gethostname().partition(".")[0],
            folder=folder,
            controller_port=ports[0],
            node_port=ports[1],
            cpus=os.cpu_count(),
        )
    )
    return configuration


def _wait_until_idle(folder: Path, environment: dict[str, str]) -> None:
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        command = ["sinfo", "--noheader", "--format=%T"]
        done = subprocess.run(command, env=environment, capture_output=True, check=False, text=True)
        if done.stdout.strip() == "idle":
            return
        time.sleep(0.1)
    logs = "\n".join(path.read_text(errors="replace")[-2000:] for path in folder.glob("*.[lt]*") if path.is_file())
    raise AssertionError(f"Slurm did not start: {done.stderr}\n{logs}")


def _free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return bound.getsockname()[1]
