"""Style transfer: the terms by hand, the canvas, the descent, the network of one style, the command."""

import math
import os
import signal

import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from minigan import cli, data, train, weights
from minigan.apps import painting, patterns
from minigan.apps import style as app
from minigan.apps.photographs import learn
from minigan.apps.pictures import Picture, read_picture
from minigan.apps.tasks import NETWORK, STYLES, recipes
from minigan.backbones import Backbone
from minigan.course.gallery import gallery
from minigan.data import to_pixels, to_signed
from minigan.perceptual import gram


def noise(*shape, seed=0):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1


@pytest.fixture(scope="module")
def eyes():
    """Two early layers with random weights: quick, and enough where no taste is asked for."""
    random = torch.Generator().manual_seed(0)
    return Backbone("efficientnet_lite0", ["stem", "block1.expand"], weights=None, generator=random)


@pytest.fixture(scope="module")
def loss(eyes):
    return app.StyleLoss(noise(1, 3, 32, 48), eyes, "block1.expand")


def fresh(width=4, blocks=1):
    """A small network, the same each time."""
    torch.manual_seed(0)
    return app.Stylist(width, blocks)


# The loss


def test_relative_by_hand():
    target = torch.tensor([3.0, 4.0])
    assert float(app.relative(target, target)) == 0
    assert float(app.relative(target, torch.zeros(2))) == 1
    assert float(app.relative(target, torch.tensor([3.0, 9.0]))) == pytest.approx(1)  # 25 of 25
    assert float(app.relative(7 * target, 7 * torch.tensor([3.0, 5.0]))) == pytest.approx(1 / 25)
    assert math.isfinite(float(app.relative(torch.zeros(2), target)))


def test_the_terms_by_hand(eyes, loss):
    content, painted = noise(1, 3, 32, 32, seed=1), noise(1, 3, 32, 32, seed=2)
    terms = loss(loss.target(content), painted)
    with torch.no_grad():
        wanted, found, kept = eyes(noise(1, 3, 32, 48)), eyes(painted), eyes(content)
    shares = [
        float((gram(found[layer]) - gram(wanted[layer])).square().sum() / gram(wanted[layer]).square().sum())
        for layer in eyes.layers
    ]
    assert float(terms["style"]) == pytest.approx(sum(shares) / 2, rel=1e-5)
    missed = (found["block1.expand"] - kept["block1.expand"]).square().sum()
    assert float(terms["content"]) == pytest.approx(float(missed / kept["block1.expand"].square().sum()), rel=1e-5)
    down, across = painted.diff(dim=-2).abs().mean(), painted.diff(dim=-1).abs().mean()
    assert float(terms["variation"]) == pytest.approx(float(down + across), rel=1e-6)


def test_the_style_picture_has_its_own_style_and_the_content_its_own_content(loss):
    style = noise(1, 3, 32, 48)
    terms = loss(loss.target(style), style)
    assert float(terms["style"]) == pytest.approx(0, abs=1e-8) and float(terms["content"]) == 0
    assert set(loss(None, style)) == {"style", "variation"}


def test_the_style_does_not_depend_on_the_size_of_the_picture(loss):
    """Tiles of the style laid side by side have its Gram matrices but for what the borders add."""
    style = noise(1, 3, 32, 48)
    tiled = float(loss(None, style.repeat(1, 1, 3, 3))["style"])
    assert tiled < 0.02 < float(loss(None, 0.3 * style)["style"])


def test_gradients_reach_the_picture_and_nothing_else(loss):
    painted = noise(2, 3, 32, 32, seed=2).requires_grad_()
    terms = loss(loss.target(noise(2, 3, 32, 32, seed=1)), painted)
    for term in terms.values():
        (found,) = torch.autograd.grad(term, painted, retain_graph=True)
        assert (found.abs().sum((1, 2, 3)) > 0).all()
    assert not any(parameter.requires_grad for parameter in loss.parameters())
    assert not loss.target(painted).requires_grad


# What is painted on


@pytest.mark.parametrize("size", [(8, 8), (5, 9), (2, 16)])
def test_no_change_is_the_picture_itself(size):
    images = noise(2, 3, 8, 8).clamp(-0.98, 0.98)
    torch.testing.assert_close(app.lay_over(images, torch.zeros(2, 3, *size)), images)


def test_lay_over_by_hand():
    images, change = torch.tensor([[[[0.5, -1.0]]]]), torch.tensor([[[[1.0, 2.0]]]])
    expected = [math.tanh(math.atanh(0.5) + 0.5), math.tanh(math.atanh(-app.LIMIT) + 1.0)]
    assert app.lay_over(images, change, 0.5).flatten().tolist() == pytest.approx(expected)
    assert app.lay_over(images, 100 * change).abs().max() <= 1
    assert app.lay_over(images.expand(1, 1, 4, 2), torch.ones(1, 1, 1, 1)).shape == (1, 1, 4, 2)


@pytest.mark.parametrize(
    ("height", "width", "shapes"),
    [(32, 64, [(32, 64), (16, 32), (8, 16)]), (17, 9, [(17, 9), (9, 5)]), (2, 5, [(2, 5)])],
)
def test_the_grids_halve_down_to_the_smallest(height, width, shapes):
    canvas = app.Canvas(noise(1, 3, height, width))
    assert [tuple(grid.shape) for grid in canvas.grids] == [(1, 3, *shape) for shape in shapes]
    torch.testing.assert_close(canvas(), canvas.start.clamp(-app.LIMIT, app.LIMIT))
    assert len(list(canvas.parameters())) == len(shapes)  # the start is none


def test_the_change_is_the_sum_of_the_grids():
    canvas = app.Canvas(noise(1, 3, 16, 32))
    with torch.no_grad():
        for number, grid in enumerate(canvas.grids, 1):
            grid.fill_(number)
    torch.testing.assert_close(canvas.change(), torch.full((1, 3, 16, 32), 3.0))


def test_plain_pixels_are_a_canvas_with_one_grid():
    assert len(app.Canvas(noise(1, 3, 16, 32), smallest=16).grids) == 1


def test_painting_lowers_the_loss_and_says_so(loss):
    content = noise(1, 3, 32, 32, seed=1)
    canvas = app.Canvas(content)
    course = list(app.paint(canvas, loss, loss.target(content), steps=30))
    total = [sum(app.WEIGHTS[name] * float(term) for name, term in terms.items()) for terms in course]
    assert len(course) == 30 and total[-1] < 0.6 * total[0]
    assert float(course[0]["content"]) < 1e-3 and course[-1]["style"] < course[0]["style"]
    assert not any(term.requires_grad for term in course[0].values())


def test_without_content_only_the_style_is_painted(loss):
    canvas = app.Canvas(0.1 * noise(1, 3, 32, 32))
    course = list(app.paint(canvas, loss, None, steps=20, rate=0.05))
    assert "content" not in course[0] and course[-1]["style"] < course[0]["style"]


def test_paint_is_lazy(loss):
    """Nothing is computed that is not asked for: so a painting can be stopped."""
    canvas = app.Canvas(noise(1, 3, 16, 16))
    descent = app.paint(canvas, loss, None)
    next(descent)
    before = canvas().detach()
    next(descent)
    assert not torch.equal(before, canvas())


@pytest.mark.parametrize(
    ("size", "longest", "expected"),
    [((300, 400), 200, (150, 200)), ((300, 400), 999, (300, 400)), ((17, 4000), 512, (2, 512)), ((1, 1), 64, (2, 2))],
)
def test_within(size, longest, expected):
    assert app.within(torch.zeros(1, 3, *size), longest).shape == (1, 3, *expected)


def test_over_pixels_is_lay_over():
    pixels, change = to_pixels(noise(1, 3, 20, 30))[0], 2 * noise(1, 3, 10, 15, seed=3)
    expected = to_pixels(app.lay_over(to_signed(pixels)[None], change, 0.7))[0]
    torch.testing.assert_close(app.over_pixels(pixels, change, 0.7), expected, rtol=0, atol=0)


# The network of one style


@pytest.mark.parametrize("shape", [(1, 3, 1, 1), (2, 3, 2, 5), (1, 3, 17, 40), (1, 3, 33, 31)])
def test_the_network_paints_at_any_size_and_gives_the_change(shape):
    network, images = fresh(), noise(*shape)
    painted = network(images)
    assert painted.shape == images.shape and painted.abs().max() < 1
    torch.testing.assert_close(app.lay_over(images, network.change(images)), painted)


def test_it_sees_each_picture_by_itself():
    network, images = fresh(), noise(3, 3, 24, 24)
    torch.testing.assert_close(network(images)[:1], network(images[:1]), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(network.train()(images), network.eval()(images))


def test_it_is_written_and_read_again(tmp_path):
    network = fresh()
    weights.save_network(tmp_path / "a.safetensors", network)
    again, _ = weights.load_network(tmp_path / "a.safetensors", app.Stylist)
    images = noise(1, 3, 16, 16)
    torch.testing.assert_close(again(images), network(images), rtol=0, atol=0)


def test_a_short_training_brings_the_style():
    """The first steps already find the colours."""
    torch.manual_seed(0)
    task = app.task(patterns.whirls(64), app.Stylist(4, 1), images=4 * 12)
    state = train.start(task.config, task.network)
    photographs = [to_pixels(data.photo("cat"))[0]]
    learn(task, state, photographs, quiet=True, log_every=4)
    history = state.history
    assert set(history[0]) == {"images", "seconds", "content", "style", "variation"}
    assert history[-1]["style"] < 0.9 * history[0]["style"]


def test_every_style_with_a_network_has_its_recipe():
    for name in STYLES:
        assert name in patterns.PATTERNS and recipes()[f"style_{name}"].kind is app.Stylist


@pytest.mark.parametrize("name", patterns.PATTERNS)
def test_patterns_are_pictures_and_always_the_same(name):
    picture = patterns.PATTERNS[name](48)
    data.check_images(picture)
    assert picture.shape == (1, 3, 48, 48) and picture.std() > 0.3
    assert torch.equal(picture, patterns.PATTERNS[name](48))


# The command


def save(path, pixels):
    Image.fromarray(pixels.permute(1, 2, 0).numpy()).save(path)
    return path


def invoke(*arguments):
    return CliRunner().invoke(cli.app, ["stylize", *map(str, arguments)])


@pytest.fixture
def run(tmp_path):
    """A folder as a training leaves it."""
    weights.save_network(tmp_path / "run" / NETWORK, fresh())
    return tmp_path / "run"


def test_the_command_paints_in_the_style_of_a_picture(tmp_path, monkeypatch, loss):
    monkeypatch.setattr(app, "StyleLoss", lambda style: loss)
    pixels = to_pixels(noise(1, 3, 40, 60))[0]
    file, style = save(tmp_path / "a.png", pixels), save(tmp_path / "s.png", pixels[:, :20])
    done = invoke(file, style, "-o", tmp_path / "b.png", "--size", 32, "--steps", 3)
    assert (done.exit_code, done.stdout) == (0, f"wrote {tmp_path / 'b.png'}\n")
    content = app.within(to_signed(pixels)[None], 32)
    canvas = app.Canvas(content)
    for _ in app.paint(canvas, loss, loss.target(content), steps=3):
        pass
    expected = app.over_pixels(pixels, canvas.change().detach())
    assert int((read_picture(tmp_path / "b.png").pixels.int() - expected.int()).abs().max()) <= 1
    assert invoke(file, style, "-o", tmp_path / "c.png", "--strength", 0, "--steps", 1).exit_code == 0
    assert int((read_picture(tmp_path / "c.png").pixels.int() - pixels.int()).abs().max()) <= 2  # black and white


def test_the_command_with_a_trained_network(tmp_path, run):
    pixels = to_pixels(noise(1, 3, 50, 70))[0]
    file = save(tmp_path / "a.png", pixels)
    for style in (run, run / NETWORK):
        done = invoke(file, style, "-o", tmp_path / "b.png", "--size", 35, "--force")
        assert done.exit_code == 0, done.stderr
    with torch.no_grad():
        change = fresh().change(app.within(to_signed(pixels)[None], 35))
    expected = app.over_pixels(pixels, change)
    assert int((read_picture(tmp_path / "b.png").pixels.int() - expected.int()).abs().max()) <= 1


def test_the_command_on_a_folder_of_odd_pictures(tmp_path, run):
    folder, pixels = tmp_path / "in", to_pixels(noise(1, 3, 40, 50))[0]
    folder.mkdir()
    save(folder / "one.png", pixels[:, :1, :1])
    save(folder / "long.png", pixels[:, :2].repeat(1, 1, 30))
    save(folder / "alpha.png", torch.cat([pixels, torch.full((1, 40, 50), 9, dtype=torch.uint8)]))
    Image.new("CMYK", (9, 9), (0, 99, 9, 0)).save(folder / "four.jpg")
    Image.fromarray(pixels[0].numpy()).save(folder / "grey.png")
    upright = Image.Exif()
    upright[0x0112] = 6  # turned by 90 degrees
    Image.fromarray(pixels.permute(1, 2, 0).numpy()).save(folder / "turned.png", exif=upright)
    (folder / "text.png").write_text("this is no picture")
    done = invoke(folder, run, "-o", tmp_path / "out", "--size", 32)
    assert done.exit_code == 1 and "wrote 6 pictures" in done.stdout and "text.png is not a readable" in done.stderr
    shapes = {file.name: tuple(read_picture(file).pixels.shape) for file in (tmp_path / "out").iterdir()}
    assert shapes["one.png"] == (3, 1, 1) and shapes["long.png"] == (3, 2, 1500) and shapes["turned.png"] == (3, 50, 40)
    assert read_picture(tmp_path / "out" / "alpha.png").alpha.unique().tolist() == [9]


def test_steps_on_the_smallest_pictures_stay_finite(loss):
    for size in ((1, 1), (1, 9), (2, 300)):
        picture = Picture.of(to_pixels(noise(1, 3, *size))[0])
        painter = painting.Painter(lambda small, title: painted(small))

        def painted(small):
            canvas = app.Canvas(small)
            for terms in app.paint(canvas, loss, loss.target(small), steps=2):
                assert all(term.isfinite() for term in terms.values())
            return canvas.change().detach()

        assert painting.painted(picture, painter, 64).pixels.shape == (3, *size)


def test_ctrl_c_writes_what_is_painted_and_begins_no_other(tmp_path, monkeypatch, loss):
    monkeypatch.setattr(app, "StyleLoss", lambda style: loss)
    folder = tmp_path / "in"
    folder.mkdir()
    pixels = to_pixels(noise(1, 3, 24, 24))[0]
    for name in ("a.png", "b.png"):
        save(folder / name, pixels)
    descend, done = app.paint, []

    def interrupted(*arguments, **options):
        for terms in descend(*arguments, **options):
            done.append(terms)
            if len(done) == 3:
                os.kill(os.getpid(), signal.SIGINT)
            yield terms

    monkeypatch.setattr(app, "paint", interrupted)
    result = invoke(folder, "mosaic", "-o", tmp_path / "out", "--size", 32, "--steps", 50)
    assert result.exit_code == 130 and 3 <= len(done) <= 4
    assert "stopped after" in result.stderr and "of 50 steps" in result.stderr
    assert "pictures left undone: 1; --skip-existing does them" in result.stderr
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["a.png"]
    assert not torch.equal(read_picture(tmp_path / "out" / "a.png").pixels, pixels)
    done.clear()
    alone = invoke(folder / "a.png", "mosaic", "-o", tmp_path / "alone.png", "--size", 32, "--steps", 50)
    assert alone.exit_code == 130 and (tmp_path / "alone.png").exists() and "wrote" in alone.stdout


def test_a_style_that_is_not_there_is_refused_with_what_there_is(tmp_path):
    file = save(tmp_path / "a.png", torch.zeros(3, 8, 8, dtype=torch.uint8))
    done = invoke(file, "whirl", "-o", tmp_path / "b.png")
    assert isinstance(done.exception, ValueError) and "did you mean 'whirls'" in str(done.exception)
    assert "or give the file of a picture" in str(done.exception)
    (tmp_path / "text.png").write_text("this is no picture")
    done = invoke(file, tmp_path / "text.png", "-o", tmp_path / "b.png")
    assert isinstance(done.exception, OSError) and "text.png is not a readable picture" in str(done.exception)
    (tmp_path / "b.png").write_text("precious")
    done = invoke(file, "mosaic", "-o", tmp_path / "b.png", "--size", 32, "--steps", 1)
    assert "exists already" in str(done.exception) and (tmp_path / "b.png").read_text() == "precious"


# The figures of the chapter


def test_a_gallery_shows_pictures_pixel_for_pixel_in_few_colours(tmp_path):
    flat, wide = torch.zeros(1, 3, 10, 20), noise(1, 3, 40, 160)
    pictures = {"flat": flat, "wide": wide, "third": flat - 1}
    gallery(pictures, alt="A grey, a noisy and a black rectangle.", columns=2, width=80, save=tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as sheet:
        assert sheet.mode == "P" and sheet.size == (2 * 80 + 6, 20 + 20 + 6 + 20 + 10)
        shown = sheet.convert("RGB")
    assert shown.getpixel((10, 25)) == (128, 128, 128) and shown.getpixel((10, 70)) == (0, 0, 0)
    assert shown.getpixel((40, 25)) == (255, 255, 255)  # beside the small picture


# What is shipped


@pytest.mark.parametrize("name", [name for name in weights.shipped_app_names() if name.startswith("style_")])
def test_the_shipped_network_has_the_style_on_a_photograph_that_it_has_not_seen(name):
    network = weights.shipped_app(name, app.Stylist)[0]
    content = app.within(data.photo("chelsea"), 128)
    loss = app.StyleLoss(patterns.PATTERNS[name.removeprefix("style_")]())
    with torch.no_grad():
        target = loss.target(content)
        before, after = loss(target, content), loss(target, network(content))
    assert after["style"] < 0.1 * before["style"] and after["content"] < 0.7
