"""Matrix products by the faster of two libraries, where it gives the same digits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import torch

MOST_ERROR = 2e-6
"""Largest relative difference of a product that counts as rounding of float32; bfloat16 differs by 1e-3."""


@contextmanager
def faster_products(device_type: str = "cpu") -> Iterator[None]:
    """Let torch use oneDNN for matrix products on the processor, where it stays with float32; as before afterwards.

    On processors with AVX-512 that are not of Intel, this is two to three times faster than MKL. What asks torch for
    it, precision "medium", stands for bfloat16 on processors that multiply it in matrix units: there nothing is
    changed.
    """
    before = torch.get_float32_matmul_precision()
    if device_type == "cpu" and medium_is_exact():
        torch.set_float32_matmul_precision("medium")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


@cache
def medium_is_exact() -> bool:
    """Whether precision "medium" gives products in float32 on this processor, found by multiplying."""
    before = torch.get_float32_matmul_precision()
    generator = torch.Generator().manual_seed(0)
    a, b = (torch.rand(size, generator=generator) for size in ((128, 2048), (2048, 128)))
    expected = a.double() @ b.double()
    try:
        torch.set_float32_matmul_precision("medium")
        found = a @ b
    finally:
        torch.set_float32_matmul_precision(before)
    return _relative(found, expected) < MOST_ERROR


def _relative(found: Any, expected: Any) -> float:
    return float(((found - expected).abs() / expected).max())
