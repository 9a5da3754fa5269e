"""The picture of a training: its losses, epoch by epoch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

PANELS = {"negative ELBO": "elbo", "reconstruction": "reconstruction_loss", "KL divergence": "kl_local"}
SIDES = (("train", "training", "#0072B2"), ("validation", "held out", "#D55E00"))
MANY = 30
FIRST = 0.1
"""Share of the epochs whose losses may leave the picture: before batch normalisation has settled they are huge."""
FAR = 2.0
"""How far above the others, in heights of the others, losses have to lie to leave it."""


def draw_losses(path: Path, losses: list[dict[str, float]]) -> None:
    """Draw the losses of all epochs, those of training beside those held out."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.6), layout="constrained")
    epochs = [row["epoch"] + 1 for row in losses]
    for axes, (title, name) in zip(figure.subplots(1, 3), PANELS.items(), strict=True):
        curves = []
        for which, words, colour in SIDES:
            values = [row[key] for row in losses if (key := f"{name}_{which}") in row]
            if len(values) == len(losses):
                axes.plot(epochs, values, label=words, color=colour, marker="." if len(epochs) < MANY else "")
                curves.append(values)
        axes.set(title=title, xlabel="epoch")
        axes.grid(alpha=0.3)
        _leave_out(axes, curves)
    figure.axes[0].legend()
    figure.axes[0].set_ylabel("for each cell; lower is better")
    FigureCanvasAgg(figure).print_figure(str(path), format="png", dpi=110)


def shown_range(curves: Sequence[Sequence[float]]) -> tuple[float, float] | None:
    """Return what to show of losses whose first are so large that the others would look flat, else None."""
    values = [value for curve in curves for value in curve if math.isfinite(value)]
    settled = [value for curve in curves for value in curve[math.ceil(FIRST * len(curve)) :] if math.isfinite(value)]
    if not settled:
        return None
    low, high = min(settled), max(settled)
    if max(values) <= high + FAR * (high - low):
        return None
    return min(values) - 0.05 * (high - low), high + 0.5 * (high - low)


def _leave_out(axes: Any, curves: Sequence[Sequence[float]]) -> None:
    shown = shown_range(curves)
    if shown is None or shown[0] == shown[1]:
        return
    largest = max(value for curve in curves for value in curve if math.isfinite(value))
    axes.set_ylim(*shown)
    axes.set_xlabel(f"epoch; the first reach {largest:,.0f}")
