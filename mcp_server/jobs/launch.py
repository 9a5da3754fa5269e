"""Hand a job to submitit: `python -m mcp_server.jobs.launch FOLDER [NAME=VALUE ...]`, in a process of its own."""

from __future__ import annotations

import sys
from pathlib import Path

from mcp_server.jobs.folder import JobFolder, JobRecord, Launch, read_record, write_plain
from mcp_server.jobs.process import process_of
from mcp_server.jobs.settings import PARAMETERS, parameters
from mcp_server.jobs.worker import work_on


def main() -> None:
    """Submit the job, and write down what the engine calls it."""
    place, *words = sys.argv[1:]
    folder = JobFolder(Path(place))
    record = read_record(folder)
    if record is None:
        sys.exit(f"{place} holds no job")
    try:
        write_plain(folder.launch, _submitted(folder, record, words))
    except Exception as error:  # the edge of the process: whatever submitit raises is shown to the one who started
        sys.exit(" ".join(str(error).split()) or type(error).__name__)


def _submitted(folder: JobFolder, record: JobRecord, words: list[str]) -> Launch:
    from submitit import AutoExecutor

    executor = AutoExecutor(folder.engine, cluster=record.engine)
    executor.update_parameters(name="edviz", stderr_to_stdout=True, **parameters({PARAMETERS: " ".join(words)}))
    if record.shares == 1:
        submitted = [executor.submit(work_on, str(folder.path), 0)]
    else:
        numbers = range(record.shares)
        submitted = executor.map_array(work_on, [str(folder.path)] * record.shares, numbers)
    if record.engine == "local":
        return Launch(process=process_of(int(submitted[0].job_id)))
    return Launch(numbers=tuple(job.job_id for job in submitted))


if __name__ == "__main__":
    main()
