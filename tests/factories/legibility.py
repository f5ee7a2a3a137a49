"""Whether a figure can be read: no text overlaps another, leaves the figure, or is too small."""

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

__all__ = ["assert_legible", "texts_of"]


def _shown(canvas):
    """Texts that are drawn: axes keep labels of ticks beyond their limits, which are not."""
    beyond = set()
    for axes in canvas.axes:
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            beyond |= {
                label
                for tick in axis.get_major_ticks()
                if not low - 1e-9 <= tick.get_loc() <= high + 1e-9
                for label in (tick.label1, tick.label2)
            }
    return [
        text
        for text in canvas.findobj(Text)
        if text not in beyond and text.get_visible() and text.get_text().strip()
    ]


def texts_of(canvas):
    """All that is written on a figure."""
    FigureCanvasAgg(canvas).draw()
    return [text.get_text() for text in _shown(canvas)]


def assert_legible(canvas, *, smallest=7.0):
    """Measure with the renderer what the layout only computed."""
    agg = FigureCanvasAgg(canvas)
    agg.draw()
    renderer = agg.get_renderer()
    whole = canvas.bbox
    boxes = []
    for text in _shown(canvas):
        box = text.get_window_extent(renderer)
        words = text.get_text()
        assert text.get_fontsize() >= smallest, words
        assert box.x0 >= whole.x0 - 1, f"{words!r} leaves the figure to the left"
        assert box.x1 <= whole.x1 + 1, f"{words!r} leaves the figure to the right"
        assert box.y0 >= whole.y0 - 1, f"{words!r} leaves the figure below"
        assert box.y1 <= whole.y1 + 1, f"{words!r} leaves the figure above"
        boxes.append((words, box))
    corners = np.array([box.extents for _, box in boxes])
    for i, (words, _) in enumerate(boxes):
        shared = np.minimum(corners[i, 2:], corners[i + 1 :, 2:]) - np.maximum(
            corners[i, :2], corners[i + 1 :, :2]
        )
        # Boxes hold room for accents and descenders, so a touch is no overlap.
        overlapping = np.flatnonzero((shared[:, 0] > 1.5) & (shared[:, 1] > 3.5))
        assert not len(overlapping), f"{words!r} and {boxes[i + 1 + overlapping[0]][0]!r} overlap"
