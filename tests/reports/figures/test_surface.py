"""The surface: a number, its spread and a colour for each point."""

import pytest
from factories.legibility import assert_legible, texts_of
from factories.made_up_grids import make_grid
from matplotlib.colors import to_rgba
from matplotlib.patches import Rectangle

from reno_store.errors import RenoStoreError, UnknownNameError
from reno_store.reports.figures import save_surface, surface_figure

MANY = {"beta": (1.5, 2, 3, 5, 8), "delta": (0.01, 0.05, 0.2, 0.8, 2), "lam": tuple(range(2))}


def cells(canvas):
    """Cells of all maps, and frames."""
    found = [each for axes in canvas.axes for each in axes.patches if isinstance(each, Rectangle)]
    return [c for c in found if c.get_fill()], [c for c in found if not c.get_fill()]


def test_every_point_has_its_mean_and_spread():
    grid = make_grid()
    texts = texts_of(surface_figure(grid).draw())
    for point in grid.points:
        mean, sd = 100 * point.mean("accuracy"), 100 * point.sd("accuracy")
        assert f"{mean:.1f}\n± {sd:.1f}" in texts
    assert {"λ = 0.2", "λ = 0.4", "λ = 0.8"} <= set(texts)
    assert sum("\n± " in text for text in texts) == 27


def test_beta_goes_right_and_delta_up():
    known = {(1.5, 0.05, 0.4): [0.1] * 5, (3.0, 0.8, 0.4): [0.9] * 5}
    grid = make_grid(known, lam=(0.4,))
    axes = surface_figure(grid).draw().axes[0]
    at = {tuple(text.get_position()): text.get_text() for text in axes.texts}
    assert at[0, 0] == "10.0\n± 0.0"
    assert at[2, 2] == "90.0\n± 0.0"


@pytest.mark.parametrize(
    ("settings", "n_maps"),
    [({"dropout": (0.1, 0.3)}, 1), ({"dropout": (0.1, 0.3), "lr": (0.001, 0.01)}, 2)],
)
def test_any_numeric_hyperparameter_can_be_an_axis(settings, n_maps):
    grid = make_grid(beta=(2,), delta=(0.2,), lam=(0.4, 0.8), settings=settings)
    figure = surface_figure(grid)
    canvas = figure.draw()
    assert_legible(canvas)
    assert len(canvas.axes) == n_maps + 1  # and the colour bar
    assert "dropout" in figure.title


def test_more_axes_than_a_picture_has_are_an_error():
    axes = {"beta": (1.5, 2), "delta": (0.1, 0.2), "lam": (0.2, 0.4)}
    with pytest.raises(RenoStoreError, match="4"):
        surface_figure(make_grid(**axes, settings={"dropout": (0.1, 0.3)}))


def test_the_papers_point_alone_is_framed():
    canvas = surface_figure(make_grid()).draw()
    filled, frames = cells(canvas)
    assert len(filled) == 27
    assert len(frames) == 1
    assert frames[0] in canvas.axes[1].patches  # λ = 0.4 is the second map
    x, y = frames[0].get_center()
    assert (x, y) == pytest.approx((1, 1))
    without = surface_figure(make_grid(beta=(1.5, 3)))
    assert not cells(without.draw())[1]
    assert "framed" not in without.caption


def test_a_surface_that_is_no_rougher_than_folds_looks_flat():
    noise = [0.5, 0.6, 0.7]
    flat = make_grid(
        {(1.5, 0.2, 0.4): noise, (1.5, 0.2, 0.8): [each + 0.01 for each in noise]},
        n_folds=3,
        beta=(1.5,),
        delta=(0.2,),
        lam=(0.4, 0.8),
    )
    rough = make_grid(
        {(1.5, 0.2, 0.4): [0.3] * 3, (1.5, 0.2, 0.8): [0.9] * 3},
        n_folds=3,
        beta=(1.5,),
        delta=(0.2,),
        lam=(0.4, 0.8),
    )

    def distance(grid):
        one, other = (
            to_rgba(cell.get_facecolor()) for cell in cells(surface_figure(grid).draw())[0]
        )
        return max(abs(a - b) for a, b in zip(one, other, strict=True))

    assert distance(flat) < 0.1
    assert distance(rough) > 0.7


def test_a_point_that_failed_says_so():
    grid = make_grid(failed=[(3.0, 0.8, 0.8)])
    canvas = surface_figure(grid).draw()
    assert texts_of(canvas).count("failed") == 1
    assert_legible(canvas)


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"beta": (2,), "delta": (0.2,), "lam": (0.4,)},
        {"beta": (2,), "delta": (0.2, 0.3), "lam": (0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)},
        MANY,
        {"beta": tuple(1 + i / 8 for i in range(1, 13)), "lam": (0.123456, 0.4)},
    ],
)
def test_it_can_be_read(asked):
    assert_legible(surface_figure(make_grid(**asked)).draw())


def test_the_caption_says_what_follows():
    figure = surface_figure(make_grid())
    assert "spread over the grid" in figure.details.lower()
    assert "mean ± standard deviation over 5 folds" in figure.caption


@pytest.mark.parametrize("ending", ["png", "pdf", "svg"])
def test_it_is_written_under_the_name_that_is_given(ending, tmp_path):
    grid = make_grid(beta=(1.5, 2), delta=(0.2,), lam=(0.4,))
    path = save_surface(grid, tmp_path / f"my.surface.{ending}")
    assert path == tmp_path / f"my.surface.{ending}"
    first = path.read_bytes()
    assert first[:4] in (b"\x89PNG", b"%PDF", b"<?xm")
    assert save_surface(grid, path).read_bytes() == first


def test_another_ending_is_refused(tmp_path):
    with pytest.raises(UnknownNameError, match="format of figures 'gif'"):
        save_surface(make_grid(), tmp_path / "s.gif")
