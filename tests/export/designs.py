"""Designs that the ways out are tried on."""

from edviz.grammar import loads

TEXTS = {
    "nested": "Site(3) > Patient(20) > Sample(2) > Cell(5000) : CellType(35)",
    "crossed": "(Genotype(2){kind=treatment} × Diet(2){kind=treatment, levels=[chow, fat]} × Time(3)) > Mouse(4)",
    "mixed": "(Sample(2) ◊ Treatment(3)) × Timepoint(4) > Cell(~5000)",
    "aliased": "{Center(3) ≈≈ Protocol(2)} > Patient[30|~25|18]",
    "partly aliased": "A(4) ≈ B(3)",
    "batches": "Donor(6) > Sample(2) > Cell(?)\nRun(3) == Sample\nLane(8) == Cell",
    "odd names": '"a & <b> \\"q\\" \\\\N"(2) × "=1+1"(3) > "\\u001b[31m"(2)',
}
DESIGNS = {name: loads(text) for name, text in TEXTS.items()}
