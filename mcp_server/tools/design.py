"""Tools that find, draw and write down the design of an experiment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

from mcp.server.mcpserver.tools import Tool
from mcp.types import ToolAnnotations
from pydantic import Field

from edviz.advice.answer import Answer, answer
from edviz.card import CardResult, write_card
from edviz.card.writing import SUFFIX, stem_of
from edviz.comparison import ComparisonTable, compare_all, read_condition, subject_of
from edviz.comparison.subject import subject_of_file, subject_of_text
from edviz.contents import H5adSummary
from edviz.description import DesignDescription, describe_design
from edviz.errors import DesignError
from edviz.export.formats import export_text
from edviz.infer import Inference, Overrides, Report
from edviz.infer import infer_design as infer
from edviz.model import Design, Kind
from edviz.source import (
    inference_of_design,
    inferring,
    known_design_of,
    known_design_of_file,
    known_design_of_text,
)
from edviz.supervised import start_reading
from mcp_server.replies import Page, Reply, Shape
from mcp_server.replies.concise import (
    concise_answer,
    concise_comparison,
    concise_report,
    concise_summary,
)
from mcp_server.replies.next_steps import (
    after_answer,
    after_card,
    after_comparison,
    after_description,
    after_report,
    after_summary,
)
from mcp_server.replies.pages import MOST_ENTRIES
from mcp_server.settings import Settings, place_to_write
from mcp_server.tools._places import find_place
from mcp_server.tools._register import make_tool

# A path may be the address of a file on a server, so the world is open.
READS = ToolAnnotations(read_only_hint=True, open_world_hint=True)
# An earlier card at the same place is replaced, but for the section that belongs to its reader.
WRITES = ToolAnnotations(read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=True)

DiagramFormat = Literal["text", "mermaid", "dot", "graphml"]
H5adPath = Annotated[str, Field(description="Path, URL or GSE123[/name].")]
DesignPath = Annotated[str | None, Field(description="An .h5ad file, card or text.")]
DesignText = Annotated[str | None, Field(description="Or a design in the edviz language.")]
Unit = Annotated[tuple[str, ...], Field(description="Columns that name the units.")]
Kinds = Annotated[dict[str, Kind], Field(description="Kind by column.")]
Ignore = Annotated[tuple[str, ...], Field(description="Columns to leave out.")]
Split = Annotated[tuple[str, ...], Field(description="Columns of composite levels.")]
Detail = Literal["concise", "full"]
Limit = Annotated[int, Field(ge=1, le=MOST_ENTRIES)]
Offset = Annotated[int, Field(ge=0)]
PAIRED_LISTS = ("unit_relations", "determined_by", "pairs")
NO_KINDS: dict[str, Kind] = {}
MOST_FACTORS = 60
"""Of a design that is drawn or compared while a client waits; the time grows faster than their square."""


def design_tools(settings: Settings) -> list[Tool]:
    """Return the tools about designs, for a server with these settings."""
    tools = DesignTools(settings)
    return [
        make_tool(tools.inspect_h5ad, title="Inspect an .h5ad file", annotations=READS),
        make_tool(tools.infer_design, title="Infer a design", annotations=READS),
        make_tool(tools.analyze_design, title="Analyze a design", annotations=READS),
        make_tool(tools.render_design, title="Draw a design", annotations=READS),
        make_tool(tools.compare_designs, title="Compare designs", annotations=READS),
        make_tool(tools.write_design_card, title="Write a design card", annotations=WRITES),
    ]


@dataclass(frozen=True)
class DesignTools:
    """The tools as methods, because all of them need the settings."""

    settings: Settings

    def inspect_h5ad(
        self, path: H5adPath, detail: Detail = "concise", limit: Limit = 200, offset: Offset = 0
    ) -> Reply[H5adSummary]:
        """Say what an .h5ad file holds, without loading it: shape, species, where the raw counts are (checked by
        value), columns of obs and var, layers, embeddings, schema.
        """
        with start_reading(find_place(path, self.settings).place, summary=True) as reading:
            summary, remote = reading.summary(), reading.report()
        page = Page(limit, offset, ("obs", "uns"))
        return Reply(summary, after_summary(summary), _unless_full(detail, concise_summary), page, remote)

    def infer_design(
        self,
        path: H5adPath,
        unit: Unit = (),
        kinds: Kinds = NO_KINDS,
        ignore: Ignore = (),
        split: Split = (),
        columns: Annotated[tuple[str, ...], Field(description="Columns to show with levels.")] = (),
        detail: Detail = "concise",
        limit: Limit = 50,
        offset: Offset = 0,
    ) -> Reply[Report]:
        """Start here. Infer the experimental design of an .h5ad file: unit, factors with evidence, design in the edviz
        language, findings such as confounding, questions for the user; call again with the answers as unit, kinds,
        ignore or split.
        """
        overrides = Overrides(unit=unit, kinds=kinds, ignore=ignore, split=split)
        place = find_place(path, self.settings).place
        with start_reading(place, factors=True, also=(*overrides.columns, *columns)) as reading:
            table = reading.factors()
            # First, as an unknown name is better met before all the work.
            named = tuple(table.listing.column(name) for name in dict.fromkeys(columns))
            report, remote = infer(table, overrides).report, reading.report()
        if columns or detail == "concise":
            report = replace(report, columns=named)
        lists = ("factors", "set_aside", "columns", *(PAIRED_LISTS if detail == "full" else ()))
        page = Page(limit, offset, lists)
        return Reply(report, after_report(report), _unless_full(detail, concise_report), page, remote)

    def analyze_design(
        self,
        path: DesignPath = None,
        design: DesignText = None,
        contrasts: Annotated[
            tuple[Annotated[tuple[str, ...], Field(min_length=3, max_length=3)], ...],
            Field(description="Each [condition, level, level]."),
        ] = (),
        given: Annotated[tuple[str, ...] | None, Field(description="Adjust them for these columns.")] = None,
        power: Annotated[float | None, Field(description="0.8: differences found so often.")] = None,
        unit: Unit = (),
        kinds: Kinds = NO_KINDS,
        ignore: Ignore = (),
        split: Split = (),
        detail: Detail = "concise",
        limit: Limit = 20,
        offset: Offset = 0,
    ) -> Reply[Answer]:
        """Say what a design of data or a planned one allows: for each condition unit, replication, blocks, differences
        of levels with standard errors, confounding, models to paste (DESeq2, lme4 and others), pseudobulk samples,
        batch_key advice.
        """
        overrides = Overrides(unit=unit, kinds=kinds, ignore=ignore, split=split)
        with self._inferring(path, design, overrides) as inference:
            found = answer(inference, contrasts=contrasts, given=given, power=power)
        page = Page(limit, offset, ("analysis.conditions", "analysis.interactions", "analysis.integration"))
        return Reply(found, after_answer(found), _unless_full(detail, concise_answer), page)

    def render_design(
        self,
        path: DesignPath = None,
        design: DesignText = None,
        width: Annotated[int, Field(description="Columns of the diagram.")] = 80,
        ascii: Annotated[bool, Field(description="Only ASCII.")] = False,
        format: Annotated[DiagramFormat, Field(description="Of `diagram`.")] = "text",
    ) -> Reply[DesignDescription]:
        """Check and draw a design, such as "Genotype(2) > Mouse(4) > Cell(~5000)": diagram, canonical text, factors,
        relations, number of observations, remarks.
        """
        source = _one_of(path, design)
        if design is not None:
            read = known_design_of_text(design)
        else:
            place = find_place(source, self.settings).place
            read = known_design_of_file(place) if isinstance(place, Path) else known_design_of(place)
        _require_few_factors(read.design)
        described = describe_design(read.design, width=width, ascii=ascii, totals=read.totals)
        if format != "text":
            described = replace(described, diagram=export_text(read.design, format, totals=read.totals))
        return Reply(described, after_description(described))

    def compare_designs(
        self,
        designs: Annotated[tuple[str, ...], Field(description="Designs in the edviz language.")] = (),
        paths: Annotated[tuple[str, ...], Field(description="Design cards, text or .h5ad files.")] = (),
        where: Annotated[str | None, Field(description="Such as 'paired and units >= 5'.")] = None,
        sort: Annotated[str | None, Field(description="Entry of designs to sort by.")] = None,
        detail: Detail = "concise",
        limit: Limit = 20,
        offset: Offset = 0,
    ) -> Reply[ComparisonTable]:
        """Compare designs: for each pair what is the same and differs, similarity (0 to 1), and whether the data could
        be pooled. `where` picks from many by traits and factors.
        """
        condition = None if where is None else read_condition(where)
        places = [find_place(path, self.settings).place for path in paths]
        subjects = [subject_of_file(place) if isinstance(place, Path) else subject_of(place) for place in places]
        subjects += map(subject_of_text, designs)
        if not subjects:
            raise DesignError("give designs, texts in the edviz language, or paths, files that hold some")
        for subject in subjects:
            _require_few_factors(subject.design)
        table = compare_all(subjects, where=condition, sort=sort)
        page = Page(limit, offset, ("designs", "left_out", "comparisons"))
        return Reply(table, after_comparison(table), _unless_full(detail, concise_comparison), page)

    def write_design_card(
        self,
        path: H5adPath,
        output: Annotated[str | None, Field(description="Path of the card.")] = None,
        unit: Unit = (),
        kinds: Kinds = NO_KINDS,
        ignore: Ignore = (),
        split: Split = (),
    ) -> Reply[CardResult]:
        """Write the design card of an .h5ad file, in Markdown: diagram, factors, confounding, comparisons with
        formulas, integration advice, questions. An earlier card is replaced; its "Biological context" is kept.
        """
        found = find_place(path, self.settings)
        target = place_to_write(output or stem_of(found.place) + SUFFIX, self.settings)
        overrides = Overrides(unit=unit, kinds=kinds, ignore=ignore, split=split)
        written = write_card(found.place, target, overrides, deposit=found.deposit)
        return Reply(written, after_card(written))

    @contextmanager
    def _inferring(self, path: str | None, design: str | None, overrides: Overrides) -> Iterator[Inference]:
        source = _one_of(path, design)
        if design is not None:
            yield inference_of_design(known_design_of_text(design).design, overrides)
            return
        place = find_place(source, self.settings).place
        if isinstance(place, Path) and not place.exists():
            raise DesignError(f"no such file: {place}")
        with inferring(str(place), overrides) as (inference, _):
            yield inference


def _one_of(path: str | None, design: str | None) -> str:
    """Return the one of two arguments that is given."""
    given = [each for each in (path, design) if each is not None]
    if len(given) != 1:
        raise DesignError("give either path, a file with data or a design, or design, a text in the edviz language")
    return given[0]


def _require_few_factors(design: Design) -> None:
    if len(design.factors) > MOST_FACTORS:
        raise DesignError(
            f"the design has {len(design.factors)} factors, and the server takes at most {MOST_FACTORS} at once; "
            "the scripts render_design.py and compare_designs.py take more"
        )


def _unless_full(detail: Detail, shape: Shape) -> Shape | None:
    return None if detail == "full" else shape
