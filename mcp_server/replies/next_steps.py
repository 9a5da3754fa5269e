"""What to do with a result: one sentence each, the most useful first."""

from __future__ import annotations

from edviz.advice.answer import Answer
from edviz.card import CardResult
from edviz.comparison import ComparisonTable
from edviz.contents import H5adSummary
from edviz.description import DesignDescription
from edviz.infer import Report
from edviz.infer.result import Finding, Question
from mcp_server.geo.search import SearchResult
from mcp_server.jobs.status import JobList, JobStatus
from mcp_server.training.plan import Plan

Steps = tuple[str, ...]
TRAINING = "train_scvi"


def after_summary(summary: H5adSummary) -> Steps:
    """Say what follows a look at a file."""
    counts = () if summary.counts.location else ("Do not train or pseudobulk on it: no matrix holds raw counts.",)
    return (*counts, "Call infer_design for the design of the experiment.")


def after_report(report: Report) -> Steps:
    """Say what follows an inferred design."""
    unit = () if report.unit else ("Ask the user which column names the samples, and call again with unit.",)
    return (
        *_about_findings(report.findings),
        *unit,
        *_about_questions(report.questions),
        "Call analyze_design for what can be compared, or write_design_card to keep the answer.",
    )


def after_answer(answer: Answer) -> Steps:
    """Say what follows an analysis."""
    conditions = answer.analysis.conditions
    if not conditions:
        return (
            "Call infer_design with kinds={column: 'treatment'} if a column is a condition that names do not tell.",
        )
    asked = () if answer.asked else ("To judge a difference given other columns, pass contrasts and given.",)
    return (*asked, "With detail='full' there are models for all libraries, strata and the lattice of factors.")


def after_description(described: DesignDescription) -> Steps:
    """Say what follows a drawing."""
    remarks = ("Tell the user the remarks.",) if described.remarks else ()
    return ("Show the diagram to the user in a code block.", *remarks)


def after_comparison(table: ComparisonTable) -> Steps:
    """Say what follows a comparison."""
    if len(table.designs) < 2:
        return ("Add designs or paths, or loosen where: two designs are needed for a comparison.",)
    if not table.comparisons:
        return ("Narrow them down with where: with 12 or fewer, each two are compared.",)
    return ("Pooling is judged from the designs alone; tell the user its reasons.",)


def after_card(result: CardResult) -> Steps:
    """Say what follows a card."""
    return (
        *_about_findings(result.findings),
        *_about_questions(result.questions),
        'Show the diagram; fill in the section "Biological context" of the card with the user.',
    )


def after_job(status: JobStatus) -> Steps:
    """Say what follows a look at a job."""
    step = () if status.next_step is None else (f"{status.next_step[0].upper()}{status.next_step[1:]}.",)
    files = (f"Each of `files` is the resource run://{status.id}/NAME.",) if status.files else ()
    is_broken = status.kind == TRAINING and status.state in ("failed", "lost")
    resume = (f"If it had begun, train_scvi with path={status.id!r} goes on where it was.",) if is_broken else ()
    told = ("Tell the user losses, notices and check.",) if status.kind == TRAINING and status.state == "done" else ()
    return (*resume, *step, *told, *files)


def after_jobs(listed: JobList, offset: int) -> Steps:
    """Say what follows a list of jobs."""
    end = offset + len(listed.jobs)
    older = (f"For older ones, call again with offset={end}.",) if end < listed.total else ()
    return ("For one of them, with its result, call again with job.", *older) if listed.jobs else ()


def after_search(found: SearchResult) -> Steps:
    """Say what follows a search."""
    shown = len(found.series) + len(found.repeated) + len(found.failed)
    end = found.offset + shown
    rest = (f"For the rest, call again with offset={end}.",) if shown and end < found.total else ()
    partial = (f"Tell the user that this is not complete: {found.reason}.",) if found.reason else ()
    if not found.series:
        return (*partial, "Loosen the query, or try file_type='any'.")
    known = ("Asked earlier; refresh=true asks NCBI again.",) if found.source == "catalogue" else ()
    read = ("Other tools take a file as GSE123456/name, and read it where it is.",) if found.files else ()
    return (
        *partial,
        *rest,
        *known,
        *read,
        "Show the user accessions and titles; detail='full' adds summaries and links.",
    )


def after_plan(plan: Plan) -> Steps:
    """Say what follows a plan of a training."""
    if not plan.can_train:
        return ("Tell the user the problems with their remedies; force only what the user wants overruled.",)
    told = ("Tell the user the notices, and what is lost.",) if plan.notices or plan.lost else ()
    return (*told, "Call train_scvi with the same arguments if the user agrees with batch key and time.")


def _about_findings(findings: tuple[Finding, ...]) -> Steps:
    grave = [finding for finding in findings if finding.severity != "note"]
    return ("Report the findings of severity error and warning first.",) if grave else ()


def _about_questions(questions: tuple[Question, ...]) -> Steps:
    return ("Put the questions to the user; call again with the answers.",) if questions else ()
