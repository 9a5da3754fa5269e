"""Prompts for the usual tasks: a person picks one, and the model knows what to do with the tools."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

FilePath = Annotated[str, Field(description="Path or address of the .h5ad file.")]


def describe_experiment(path: FilePath) -> str:
    """Find out how an experiment was designed and write its design card."""
    return (
        f"Find out how the experiment in the file {path!r} was designed. Call infer_design and tell me the findings of "
        "severity error and warning first. Put its questions to me instead of guessing, and call it again with my "
        "answers. Then call write_design_card with the same arguments, show me the diagram in a code block, and help "
        'me to fill in the section "Biological context" of the card.'
    )


def check_comparison(
    path: FilePath,
    comparison: Annotated[str, Field(description="What is to be compared, such as 'treated with control'.")],
) -> str:
    """Check whether a comparison can be made with a data set, at which unit and with which model."""
    return (
        f"With the data in the file {path!r} I want to compare: {comparison}. Call infer_design, naming in columns "
        "those that may be meant, settle its questions with me, and call analyze_design with contrasts. Tell me "
        "whether the comparison can be made, what is the experimental unit, how many there are of it in each level, "
        "what is confounded with it and why, and which model to use. Cells are not replicates. If it cannot be made, "
        "say so, and say what could be compared instead."
    )


def pool_studies(
    paths: Annotated[str, Field(description="Paths or addresses of .h5ad files or design cards, with commas between.")],
) -> str:
    """Compare the designs of several data sets and judge whether they could be analysed together."""
    return (
        f"Compare the designs of these data sets: {paths}. Call compare_designs with all of them as paths. Tell me for "
        "each two what is the same, what differs, and whether the data could be pooled, on which conditions, and why "
        "not where they cannot. For those that could, say with analyze_design which column may be the batch key and "
        "what would be lost."
    )


PROMPTS = (describe_experiment, check_comparison, pool_studies)
