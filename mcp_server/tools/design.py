"""Tools that find, draw and write down the design of an experiment."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

from mcp.server.mcpserver.tools import Tool
from mcp.types import ToolAnnotations
from pydantic import Field

from edviz.advice.answer import Answer, answer
from edviz.card import CardResult, write_card
from edviz.card.writing import SUFFIX, name_of
from edviz.comparison import Comparison, ComparisonTable, compare_all, read_condition, subject_of
from edviz.comparison.subject import subject_of_file, subject_of_text
from edviz.contents import H5adSummary
from edviz.description import DesignDescription, describe_design
from edviz.errors import DesignError
from edviz.export.formats import export_text
from edviz.infer import Overrides, Report
from edviz.infer import infer_design as infer
from edviz.model import Kind
from edviz.source import known_design_of, known_design_of_file, known_design_of_text
from edviz.supervised import start_reading
from edviz.table import Column, FactorListing
from mcp_server.settings import Settings, place_to_read, place_to_write
from mcp_server.tools._register import make_tool

MOST_IN_DETAIL = 3
"""Of more designs, pairs are compared in numbers only."""
SHOWN_LEVELS = 20
# A path may be the address of a file on a server, so the world is open.
READS = ToolAnnotations(read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=True)
# An earlier card at the same place is replaced, but for the section that belongs to its reader.
WRITES = ToolAnnotations(read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=True)

Detail = Literal["concise", "full"]
DiagramFormat = Literal["text", "mermaid", "dot", "graphml"]
H5adPath = Annotated[str, Field(description="Path of the .h5ad file, or its http(s), s3 or gs address.")]
Unit = Annotated[tuple[str, ...], Field(description="Column, or columns together, that name the experimental units.")]
Kinds = Annotated[dict[str, Kind], Field(description="Kinds of columns, by name.")]
Ignore = Annotated[tuple[str, ...], Field(description="Columns to leave out.")]
Split = Annotated[tuple[str, ...], Field(description="Columns whose level names are composites, to split into parts.")]
NO_KINDS: dict[str, Kind] = {}


def design_tools(settings: Settings) -> list[Tool]:
    """Return the tools about designs, for a server with these settings."""
    tools = DesignTools(settings)
    return [
        make_tool(tools.inspect_h5ad, title="Inspect an .h5ad file", annotations=READS),
        make_tool(tools.list_factors, title="List candidate factors", annotations=READS),
        make_tool(tools.infer_design, title="Infer the experimental design", annotations=READS),
        make_tool(tools.analyze_design, title="Say what a design allows", annotations=READS),
        make_tool(tools.render_design, title="Draw a design", annotations=READS),
        make_tool(tools.compare_designs, title="Compare designs", annotations=READS),
        make_tool(tools.write_design_card, title="Write a design card", annotations=WRITES),
    ]


@dataclass(frozen=True)
class DesignTools:
    """The tools as methods, because all of them need the settings."""

    settings: Settings

    def inspect_h5ad(self, path: H5adPath) -> H5adSummary:
        """Say what an .h5ad file holds, without loading it: shape, species with evidence, where the raw
        counts are (checked by value), columns of obs and var, layers, embeddings, encoding, schema.
        """
        with start_reading(place_to_read(path, self.settings), summary=True) as reading:
            return reading.summary()

    def list_factors(
        self,
        path: H5adPath,
        columns: Annotated[tuple[str, ...], Field(description="Columns whose levels to list even if set aside.")] = (),
        detail: Annotated[Detail, Field(description="concise: at most 20 levels a column; full: all.")] = "concise",
    ) -> FactorListing:
        """List the obs columns of an .h5ad file: candidate factors with levels and observations per level,
        and the other columns with the reason why they are set aside.
        """
        with start_reading(place_to_read(path, self.settings), factors=True, also=columns) as reading:
            listing = reading.factors().listing
        for name in columns:
            listing.column(name)
        return listing if detail == "full" else replace(listing, columns=tuple(map(_shortened, listing.columns)))

    def infer_design(
        self,
        path: H5adPath,
        unit: Unit = (),
        kinds: Kinds = NO_KINDS,
        ignore: Ignore = (),
        split: Split = (),
        detail: Annotated[
            Detail, Field(description="concise: pairs, unit_relations and determined_by stay empty; full: all filled.")
        ] = "concise",
    ) -> Report:
        """Infer the experimental design of an .h5ad file from its obs columns: experimental unit, factors
        with kind and evidence, the design in the edviz language, findings such as confounding, and questions
        that only the user can answer. Call again with their answers as unit, kinds, ignore or split.
        """
        overrides = Overrides(unit=unit, kinds=kinds, ignore=ignore, split=split)
        place = place_to_read(path, self.settings)
        with start_reading(place, factors=True, also=overrides.columns) as reading:
            report = infer(reading.factors(), overrides).report
        return report if detail == "full" else replace(report, pairs=(), unit_relations=(), determined_by=())

    def analyze_design(
        self,
        path: H5adPath,
        contrasts: Annotated[
            tuple[tuple[str, str, str], ...], Field(description="Differences to judge: [condition, level, level].")
        ] = (),
        given: Annotated[
            tuple[str, ...] | None, Field(description="Columns to adjust them for; default: as advised.")
        ] = None,
        power: Annotated[
            float | None, Field(description="Such as 0.8: add the smallest differences found so often (needs scipy).")
        ] = None,
        unit: Unit = (),
        kinds: Kinds = NO_KINDS,
        ignore: Ignore = (),
        split: Split = (),
    ) -> Answer:
        """Say what the design of an .h5ad file allows: for each condition the experimental unit, units per
        level, blocks, differences of levels with standard errors, what is confounded with what, models to paste
        (DESeq2, edgeR, PyDESeq2, lme4, glmmTMB, statsmodels), pseudobulk samples, batch_key advice.
        """
        overrides = Overrides(unit=unit, kinds=kinds, ignore=ignore, split=split)
        with start_reading(place_to_read(path, self.settings), factors=True, also=overrides.columns) as reading:
            return answer(infer(reading.factors(), overrides), contrasts=contrasts, given=given, power=power)

    def render_design(
        self,
        design: Annotated[str | None, Field(description="A design in the edviz language.")] = None,
        path: Annotated[str | None, Field(description="Instead: a text file, design card or .h5ad file.")] = None,
        width: Annotated[int, Field(description="Most columns of the diagram.")] = 80,
        ascii: Annotated[bool, Field(description="Use only ASCII characters.")] = False,
        format: Annotated[DiagramFormat, Field(description="What `diagram` of the result is written in.")] = "text",
    ) -> DesignDescription:
        """Check a design in the edviz language, for instance "Genotype(2) > Mouse(4) > Cell(~5000)", and draw
        it as text: returns the diagram, the canonical text, factors, relations, the number of observations
        and remarks. Show the diagram to the user in a code block.
        """
        if path is not None and design is None:
            place = place_to_read(path, self.settings)
            read = known_design_of_file(place) if isinstance(place, Path) else known_design_of(place)
        elif design is not None and path is None:
            read = known_design_of_text(design)
        else:
            raise DesignError("give either design, a text in the edviz language, or path, a file that holds one")
        described = describe_design(read.design, width=width, ascii=ascii, totals=read.totals)
        if format == "text":
            return described
        return replace(described, diagram=export_text(read.design, format, totals=read.totals))

    def compare_designs(
        self,
        designs: Annotated[tuple[str, ...], Field(description="Designs in the edviz language.")] = (),
        paths: Annotated[tuple[str, ...], Field(description="Design cards, text or .h5ad files.")] = (),
        where: Annotated[
            str | None, Field(description="Condition, such as 'paired and units >= 5, treatments = 2'.")
        ] = None,
        sort: Annotated[str | None, Field(description="Entry of the result's designs to sort by.")] = None,
    ) -> ComparisonTable:
        """Compare two or more designs: for each pair what is the same and differs, how alike structure and
        content are (0 to 1), and whether the data could be pooled, on which factors. With many, pick those
        that fulfil a condition on traits and factor names (and, or, not); pairs of 4 to 12 come without details.
        """
        condition = None if where is None else read_condition(where)
        places = [place_to_read(path, self.settings) for path in paths]
        subjects = [subject_of_file(place) if isinstance(place, Path) else subject_of(place) for place in places]
        subjects += map(subject_of_text, designs)
        if not subjects:
            raise DesignError("give designs, texts in the edviz language, or paths, files that hold some")
        table = compare_all(subjects, where=condition, sort=sort)
        if len(table.designs) <= MOST_IN_DETAIL:
            return table
        return replace(table, comparisons=tuple(map(_only_how_alike, table.comparisons)))

    def write_design_card(
        self,
        path: H5adPath,
        output: Annotated[
            str | None, Field(description="Path of the card; default: <name of the file>.design-card.md.")
        ] = None,
        unit: Unit = (),
        kinds: Kinds = NO_KINDS,
        ignore: Ignore = (),
        split: Split = (),
    ) -> CardResult:
        """Write the design card of an .h5ad file, in Markdown: diagram, factors, what is confounded, which
        comparisons survive, formulas, advice on integration, open questions. An earlier card is replaced;
        its section "Biological context", for you and the user to fill in, is kept. Show the diagram.
        """
        source = place_to_read(path, self.settings)
        target = place_to_write(output or name_of(source).removesuffix(".h5ad") + SUFFIX, self.settings)
        return write_card(source, target, Overrides(unit=unit, kinds=kinds, ignore=ignore, split=split))


def _only_how_alike(comparison: Comparison) -> Comparison:
    """Leave out the lists; of many pairs they are too much to read."""
    nothing: tuple[()] = ()
    return replace(
        comparison,
        same=nothing,
        differs=nothing,
        factors=nothing,
        relations_in_both=nothing,
        relations_in_a=nothing,
        relations_in_b=nothing,
        numbers=nothing,
    )


def _shortened(column: Column) -> Column:
    if column.levels is None or len(column.levels) <= SHOWN_LEVELS:
        return column
    said = f"the first {SHOWN_LEVELS} of {len(column.levels):,} levels; detail='full' lists all"
    note = said if column.note is None else f"{column.note}; {said}"
    return replace(column, levels=column.levels[:SHOWN_LEVELS], note=note)
