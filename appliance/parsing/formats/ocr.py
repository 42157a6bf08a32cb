"""Text recognition for pages without a text layer. The models come inside the package; nothing is fetched."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from rapidocr import RapidOCR

from appliance.parsing.blocks import Box

GOOD_SCORE = 0.80
"""Mean confidence below which the page is tried in the other three directions."""

VERTICAL_RATIO = 1.8
"""Lines this much higher than wide are columns of vertical writing."""


@dataclass(frozen=True, slots=True)
class OcrLine:
    text: str
    score: float
    box: Box


@cache
def _engine() -> Any:
    return RapidOCR(params={"Global.log_level": "critical", "EngineConfig.onnxruntime.intra_op_num_threads": 2})


def recognise(image: Image.Image) -> list[OcrLine]:
    """Lines in reading order; of four directions the surest one."""
    best: list[OcrLine] = []
    for turn in (0, 90, 270, 180):
        turned = image.rotate(turn, expand=True) if turn else image
        lines = _lines(turned)
        if _sureness(lines) > _sureness(best):
            best = lines if turn == 0 else [OcrLine(x.text, x.score, Box(0, 0, 1, 1)) for x in lines]
        if _mean(best) >= GOOD_SCORE:
            break
    return best


def _lines(image: Image.Image) -> list[OcrLine]:
    pixels: NDArray[np.uint8] = np.asarray(image.convert("RGB"))
    found = _engine()(pixels)
    if found.boxes is None or found.txts is None:
        return []
    wide, high = image.size
    lines = []
    for corners, text, score in zip(found.boxes, found.txts, found.scores, strict=True):
        xs, ys = [float(c[0]) for c in corners], [float(c[1]) for c in corners]
        box = Box(min(xs) / wide, min(ys) / high, max(xs) / wide, max(ys) / high)
        lines.append(OcrLine(str(text), float(score), box))
    return _ordered(lines, high / wide)


def _ordered(lines: list[OcrLine], page_ratio: float) -> list[OcrLine]:
    """Rows from top to bottom; columns of vertical writing from right to left."""

    def upright(line: OcrLine) -> bool:
        height = (line.box.bottom - line.box.top) * page_ratio
        return len(line.text) > 2 and height > VERTICAL_RATIO * (line.box.right - line.box.left)

    if sum(map(upright, lines)) * 2 > len(lines):
        return sorted(lines, key=lambda x: (-x.box.right, x.box.top))
    rows: list[list[OcrLine]] = []
    for line in sorted(lines, key=lambda x: x.box.top):
        middle = (line.box.top + line.box.bottom) / 2
        if rows and middle < rows[-1][0].box.bottom:
            rows[-1].append(line)
        else:
            rows.append([line])
    return [line for row in rows for line in sorted(row, key=lambda x: x.box.left)]


def joined_rows(lines: list[OcrLine]) -> list[tuple[str, Box]]:
    """Lines at one height joined to rows, so that a table's row stays together."""
    rows: list[tuple[str, Box]] = []
    for line in lines:
        middle = (line.box.top + line.box.bottom) / 2
        if rows and rows[-1][1].top <= middle <= rows[-1][1].bottom and line.box.left >= rows[-1][1].left:
            text, box = rows[-1]
            joined = Box(
                min(box.left, line.box.left),
                min(box.top, line.box.top),
                max(box.right, line.box.right),
                max(box.bottom, line.box.bottom),
            )
            whole_page = line.box.right - line.box.left >= 1.0
            if not whole_page:
                rows[-1] = (f"{text} {line.text}", joined)
                continue
        rows.append((line.text, line.box))
    return rows


def _mean(lines: list[OcrLine]) -> float:
    return sum(x.score for x in lines) / len(lines) if lines else 0.0


def _sureness(lines: list[OcrLine]) -> float:
    """Confidence weighed by how much was read: a wrong direction finds few characters, surely."""
    return sum(x.score**4 * len(x.text) for x in lines)
