"""How the colours of plots were found: each as far as can be from all before it, whoever looks at them.

`python -m tests.embeddings.palette` prints them. The conversions are written from the publications: sRGB (IEC
61966-2-1), Oklab (Ottosson 2020), colour vision deficiencies of full severity (Machado,
Oliveira and Fernandes 2009, table 1).
"""

import itertools

import numpy as np

OKABE_ITO = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#F0E442", "#000000")
VISIONS = {
    "normal": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
LIGHTEST, DARKEST = 0.88, 0.4
"""Colours beyond would be lost on white, or look black."""
OF_NORMAL = 0.5
"""What people without a deficiency see counts half, or they would get colours that look alike to them."""
GREYS = ("#FFFFFF", "#9A9A9A", "#DDDDDD")
"""Are taken: the paper, and what has no name."""


def linear(hexes):
    values = np.array([[int(text[i : i + 2], 16) for i in (1, 3, 5)] for text in hexes]) / 255
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def oklab(rgb):
    lms = np.cbrt(
        np.clip(rgb, 0, 1)
        @ np.array(
            [
                [0.4122214708, 0.5363325363, 0.0514459929],
                [0.2119034982, 0.6806995451, 0.1073969566],
                [0.0883024619, 0.2817188376, 0.6299787005],
            ]
        ).T
    )
    return (
        lms
        @ np.array(
            [
                [0.2104542553, 0.7936177850, -0.0040720468],
                [1.9779984951, -2.4285922050, 0.4505937099],
                [0.0259040371, 0.7827717662, -0.8086757660],
            ]
        ).T
    )


def seen(hexes):
    """Return the colours in Oklab, for each vision."""
    return np.stack([oklab(linear(hexes) @ np.transpose(matrix)) for matrix in VISIONS.values()])


def distances(hexes, others):
    """Return for each two colours the distance in each vision."""
    a, b = seen(hexes), seen(others)
    return np.linalg.norm(a[:, :, None] - b[:, None], axis=-1)


def separation(hexes, others):
    """Return for each two colours the least distance that any vision sees."""
    apart = distances(hexes, others)
    return np.minimum(OF_NORMAL * apart[0], apart[1:].min(axis=0))


def find_palette(n):
    grid = ["#" + "".join(f"{value:02X}" for value in rgb) for rgb in itertools.product(range(0, 256, 15), repeat=3)]
    light = oklab(linear(grid))[:, 0]
    grid = [colour for colour, lightness in zip(grid, light, strict=True) if DARKEST <= lightness <= LIGHTEST]
    found = list(OKABE_ITO)
    nearest = separation(grid, [*found, *GREYS]).min(axis=1)
    while len(found) < n:
        found.append(grid[int(nearest.argmax())])
        nearest = np.minimum(nearest, separation(grid, found[-1:])[:, 0])
    return found


if __name__ == "__main__":
    print(*find_palette(40), sep="\n")
