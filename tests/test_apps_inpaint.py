"""Inpainting: the heat equation against closed forms, the network, its batches, seams, several fills, the command."""

import re

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.sparse import lil_matrix
from scipy.sparse.linalg import spsolve
from test_pictures import Largest
from torch import nn
from typer.testing import CliRunner

from minigan import cli, data, nets, weights
from minigan.apps import holes
from minigan.apps import inpaint as app
from minigan.apps.photographs import begin, learn, pairs
from minigan.apps.pictures import Picture, read_picture
from minigan.backbones import Backbone
from minigan.data import to_pixels, to_signed


def random(seed=0):
    return torch.Generator().manual_seed(seed)


def noise(*shape, seed=0):
    return torch.rand(shape, generator=random(seed)) * 2 - 1


def with_hole(size, hole, top=None):
    """A mask with a square hole, in the middle or from a corner."""
    known = torch.ones(1, 1, size, size)
    first = (size - hole) // 2 if top is None else top
    known[..., first : first + hole, first : first + hole] = 0
    return known


def awake(encoder="scratch", width=4):
    """A network whose last layer is not 0."""
    torch.manual_seed(0)
    network = app.Inpainter(encoder, width)
    for parameter in network.unet.to_image.parameters():
        nn.init.normal_(parameter, 0, 0.1)
    return network.eval()


# Diffusion


def harmonic(height, width):
    """Surfaces whose every pixel is the mean of its four neighbours, in [-1, 1]: (3, 3, H, W)."""
    y, x = torch.meshgrid(torch.linspace(-1, 1, height), torch.linspace(-1, 1, width), indexing="ij")
    wave = torch.sin(2 * x) * torch.sinh(2 * y) / 4
    return torch.stack([x / 2 + y / 3, x.square() - y.square(), wave])[:, None].expand(-1, 3, -1, -1)


@pytest.mark.parametrize("hole", [1, 2, 7, 16, 30])
def test_a_harmonic_surface_is_found_again(hole):
    surface, known = harmonic(41, 41), with_hole(41, hole)
    torch.testing.assert_close(app.diffuse(surface, known, 300), surface, rtol=0, atol=1e-4)
    torch.testing.assert_close(app.diffuse(surface, known), surface, rtol=0, atol=0.03)


def exact(image, known):
    """The same system of equations, solved directly: one channel (H, W)."""
    height, width = image.shape
    unknown = {place: number for number, place in enumerate(zip(*np.nonzero(known == 0), strict=True))}
    system, right = lil_matrix((len(unknown), len(unknown))), np.zeros(len(unknown))
    for (row, column), number in unknown.items():
        for down, across in ((-1, 0), (1, 0), (0, -1), (0, 1)):
            there = (min(max(row + down, 0), height - 1), min(max(column + across, 0), width - 1))
            system[number, number] += 0.25
            if there in unknown:
                system[number, unknown[there]] -= 0.25
            else:
                right[number] += 0.25 * image[there]
    filled = image.copy()
    values = spsolve(system.tocsr(), right)
    for place, number in unknown.items():
        filled[place] = values[number]
    return filled


@pytest.mark.parametrize("top", [0, 5, 17])
def test_diffusion_solves_laplaces_equation(top):
    """In the middle, at the edge and in the corner, where the picture is its own neighbour."""
    image, known = noise(1, 1, 23, 23), with_hole(23, 6, top)
    expected = torch.from_numpy(exact(image[0, 0].double().numpy(), known[0, 0].numpy())).float()
    torch.testing.assert_close(app.diffuse(image, known, 300)[0, 0], expected, rtol=0, atol=1e-4)
    torch.testing.assert_close(app.diffuse(image, known)[0, 0], expected, rtol=0, atol=0.01)


def test_diffusion_by_hand():
    image = torch.tensor([[0.0, 0.2, 0.0], [0.4, 9.0, 0.6], [0.0, 0.8, 0.0]])[None, None]
    known = with_hole(3, 1)
    assert float(app.sweep(image, known)[0, 0, 1, 1]) == pytest.approx(0.5)
    assert float(app.diffuse(image, known)[0, 0, 1, 1]) == pytest.approx(0.5, abs=0.01)
    assert float(app.diffuse(image, known, 100)[0, 0, 1, 1]) == pytest.approx(0.5)


def test_diffusion_keeps_what_is_known_and_stays_within_it():
    images, known = noise(2, 3, 37, 52), app.strokes(2, 64, 20, random())[..., :37, :52]
    filled = app.diffuse(images, known)
    assert torch.equal(filled * known, images * known)
    assert float(filled.abs().max()) <= 1.01 * float((images * known).abs().max())


def test_diffusion_forgets_what_was_in_the_hole():
    images, known = noise(1, 3, 20, 20), with_hole(20, 8)
    torch.testing.assert_close(app.diffuse(images, known), app.diffuse(images * known + 7 * (1 - known), known))


@pytest.mark.parametrize("shape", [(1, 3, 1, 1), (1, 3, 1, 9), (2, 3, 17, 40)])
def test_diffusion_without_a_hole_or_without_a_picture(shape):
    images = noise(*shape)
    assert torch.equal(app.diffuse(images, torch.ones_like(images[:, :1])), images)
    assert torch.equal(app.diffuse(images, torch.zeros_like(images[:, :1])), torch.zeros_like(images))


def test_many_sweeps_alone_come_to_the_same():
    image, known = noise(1, 1, 16, 16), with_hole(16, 5)
    fill = image * known
    for _ in range(500):
        fill = app.sweep(fill, known)
    torch.testing.assert_close(app.diffuse(image, known, 100), fill, rtol=0, atol=1e-4)


# The seam


def test_a_fake_that_is_off_by_a_harmonic_surface_is_put_right():
    """Its gradients are right up to something smooth, so after the membrane nothing is left of the error."""
    real, known = noise(3, 3, 31, 31) / 3, with_hole(31, 10)
    fake = real + harmonic(31, 31) / 3
    torch.testing.assert_close(app.blend(real, fake, known), real, rtol=0, atol=0.02)
    assert (app.paste(real, fake, known) - real).abs().max() > 0.05


def test_pasting_keeps_the_known_and_the_fakes_hole():
    real, fake, known = noise(1, 3, 9, 9), noise(1, 3, 9, 9, seed=1), with_hole(9, 3)
    pasted = app.paste(real, fake, known)
    assert torch.equal(pasted[..., 3:6, 3:6], fake[..., 3:6, 3:6]) and torch.equal(pasted * known, real * known)


# The network


@pytest.mark.parametrize("shape", [(1, 3, 1, 1), (2, 3, 17, 40), (1, 3, 97, 31)])
@pytest.mark.parametrize("encoder", ["scratch", "efficientnet_lite0"])
def test_it_starts_as_the_fill_it_is_given_at_any_size(encoder, shape):
    images, known = noise(*shape), torch.ones(1, 1, *shape[-2:])
    torch.testing.assert_close(app.Inpainter(encoder, 4).eval()(images, known), images, rtol=0, atol=0)
    assert awake(encoder)(images, known).shape == images.shape


@pytest.mark.parametrize("encoder", ["scratch", "efficientnet_lite0"])
def test_it_sees_where_the_hole_is(encoder):
    network, images = awake(encoder), noise(1, 3, 64, 64)
    if encoder != "scratch":
        nn.init.ones_(network.unet.backbone.paint.weight)
    here, there = (network.change(images, with_hole(64, 8, top)) for top in (8, 40))
    assert not torch.allclose(here, there)


def test_the_pretrained_encoder_is_the_classifier_and_learns():
    origin = Backbone("efficientnet_lite0")
    network = app.Inpainter("efficientnet_lite0", pretrained=True)
    encoder = network.unet.backbone.backbone
    assert all(torch.equal(a, b) for a, b in zip(encoder.parameters(), origin.parameters(), strict=True))
    assert all(parameter.requires_grad for parameter in encoder.parameters())
    images, known = noise(1, 3, 32, 32), with_hole(32, 8)
    nn.init.normal_(network.unet.to_image.weight)
    network.train()(images, known).square().mean().backward()
    assert network.unet.backbone.paint.weight.grad.abs().sum() > 0
    assert next(encoder.parameters()).grad.abs().sum() > 0
    assert not any(module.training for module in encoder.modules() if isinstance(module, nn.BatchNorm2d))


@pytest.mark.parametrize("encoder", ["scratch", "efficientnet_lite0"])
def test_it_is_written_and_read_again(tmp_path, encoder):
    network = awake(encoder)
    weights.save_network(tmp_path / "a.safetensors", network)
    again, _ = weights.load_network(tmp_path / "a.safetensors", app.Inpainter)
    images, known = noise(1, 3, 16, 16), with_hole(16, 4)
    torch.testing.assert_close(again(images, known), network(images, known), rtol=0, atol=0)


def test_half_the_size_is_the_mean_of_what_is_known():
    images = torch.tensor([[[[1.0, 2.0, 8.0], [3.0, 9.0, 4.0], [6.0, 7.0, 5.0]]]])
    known = torch.tensor([[[[1.0, 1.0, 0.0], [1.0, 0.0, 1.0], [0.0, 0.0, 1.0]]]])
    small, seen = app.halved(images, known)
    assert small.tolist() == [[[[2.0, 4.0], [0.0, 5.0]]]] and seen.tolist() == [[[[1.0, 1.0], [0.0, 1.0]]]]


def test_a_whole_fill_changes_the_hole_alone():
    images, known = noise(2, 3, 37, 50), app.strokes(2, 50, 9, random())[..., :37, :]
    made = app.inpaint(awake(), images, known)
    assert made.shape == images.shape and made.abs().max() <= 1 and not made.requires_grad
    assert torch.equal(made * known, images * known)
    assert not torch.allclose(made, app.diffuse(images, known), atol=1e-3)


def test_a_new_network_gives_the_diffusion_fill():
    images, known = noise(1, 3, 30, 41), with_hole(64, 9, 3)[..., :30, :41]
    made = app.inpaint(app.Inpainter(width=4).eval(), images, known)
    torch.testing.assert_close(made, app.diffuse(images, known), rtol=0, atol=1e-6)


# Training


def test_strokes_by_hand(monkeypatch):
    """From (1, 1) to (5, 1) and on the spot: pixels whose middle is within 1 of the way."""
    points = torch.tensor([[1.0, 1.0], [5.0, 1.0], [5.0, 1.0], [5.0, 1.0]]).view(1, 4, 1, 1, 2)
    given = iter([points / 8, torch.zeros(1, 1, 1)])
    monkeypatch.setattr(torch, "rand", lambda *shape, generator=None: next(given))
    hole = 1 - app.strokes(1, 8, 5, random())[0, 0]
    expected = torch.zeros(8, 8)
    expected[0:6, 0:2] = 1
    assert torch.equal(hole, expected)


def test_strokes_are_random_connected_and_thin():
    drawn = app.strokes(50, 64, 8, random())
    assert drawn.shape == (50, 1, 64, 64) and set(drawn.unique().tolist()) == {0.0, 1.0}
    assert len({float(one.sum()) for one in drawn}) > 40
    assert not holes.thick(drawn[0], deepest=8).any()


def state(task):
    return begin(task)


@pytest.mark.parametrize("count", [1, 3])
def test_a_batch_has_squares_and_strokes_and_their_fill(count):
    real = noise(8, 3, 40, 40)
    batch = app.holes(6, 12, count)(real, random())
    known, filled = batch["known"], batch["filled"]
    assert known.shape == (8, 1, 40, 40) and filled.shape == real.shape
    assert torch.equal(filled * known, real * known)
    sizes = (1 - known).sum((1, 2, 3))
    assert bool((sizes > 0).all()) and bool((sizes[::2] <= count * 144).all())
    if count == 1:
        assert all(float(size) ** 0.5 in range(6, 13) for size in sizes[::2])
    torch.testing.assert_close(filled, app.diffuse(real, known, 16))


def test_batches_follow_the_seed_alone():
    real = noise(4, 3, 32, 32)
    one, same, other = (app.holes()(real, random(seed))["known"] for seed in (0, 0, 1))
    assert torch.equal(one, same) and not torch.equal(one, other)


def test_the_error_is_that_of_the_hole():
    task = app.task(app.Inpainter(width=4), images=16)
    made = state(task)
    batch = pairs([torch.full((3, 80, 80), 200, dtype=torch.uint8)], task.size, task.spoil)(made)
    made.generator.change = lambda images, known: torch.ones_like(images)
    loss = task.terms(task.mend(made.generator, batch), batch)["pixel"]
    assert float(loss) == pytest.approx(float((1 - batch["known"]).mean()), rel=1e-5)


def test_heads_are_not_turned_and_meet_the_critic():
    task = app.task(app.Inpainter(width=4), "peeps", adversarial=0.01)
    assert not task.turned and app.task().turned and app.task().discriminator is None
    shipped = weights.shipped_pair("peeps")[1]
    assert all(torch.equal(a, b) for a, b in zip(task.discriminator.parameters(), shipped.parameters(), strict=True))
    assert task.config.weights == {"pixel": 1.0, "adversarial": 0.01}


def test_a_short_training_beats_diffusion():
    """Two bars on grey: a network learns within some steps that bars go on through the hole."""
    picture = torch.full((3, 64, 64), 128, dtype=torch.uint8)
    picture[:, :, 20:24] = picture[:, :, 40:44] = 0
    torch.manual_seed(0)
    task = app.task(app.Inpainter(width=4), "peeps", images=16 * 60)
    trained = begin(task)
    learn(task, trained, [picture], quiet=True)
    real, known = to_signed(picture)[None], with_hole(64, 24)
    errors = [
        float((fill - real).square().mean())
        for fill in (app.diffuse(real, known), app.inpaint(trained.average, real, known))
    ]
    assert errors[1] < 0.7 * errors[0]


# Several fills


class Shifts(nn.Module):
    """A generator of flat pictures: the first latent is their grey, and there is a slope that no latent changes."""

    latents = 2

    def forward(self, latents):
        slope = torch.linspace(-0.2, 0.2, 16).expand(3, 16, 16)
        return (latents[:, :1, None, None] / 4).tanh() + slope


def test_the_search_finds_drawings_that_agree():
    image = Shifts()(torch.tensor([[1.3, 0.0]]))
    known = with_hole(16, 6)
    fills = app.search(Shifts(), image, known, count=3, candidates=64, steps=40, random=random())
    assert fills.shape == (3, 3, 16, 16)
    torch.testing.assert_close(fills, image.expand(3, -1, -1, -1), rtol=0, atol=0.01)
    assert torch.equal(fills * known, (image * known).expand(3, -1, -1, -1))


def test_the_critic_has_a_say_in_the_search():
    """This one likes dark pictures: the drawings become darker, and before the blend they do not agree any more."""
    image, known = torch.zeros(1, 3, 16, 16), with_hole(16, 6)

    class Dark(nn.Module):
        def forward(self, images):
            return -20 * images.mean((1, 2, 3))

    seen = []
    generator = Shifts()
    generator.register_forward_hook(lambda module, inputs, output: seen.append(output.detach().mean()))
    for critic in (None, Dark()):
        app.search(generator, image, known, 2, 32, 30, critic, weight=1.0, random=random())
    half = len(seen) // 2
    assert float(seen[-1]) < float(seen[half - 1]) - 0.1


def test_the_search_of_a_real_generator_gives_different_fills():
    torch.manual_seed(0)
    generator = nets.Generator(16, width=4).eval()
    fills = app.search(generator, noise(1, 3, 16, 16), with_hole(16, 6), 3, 16, 2, random=random())
    assert not torch.allclose(fills[0], fills[1], atol=1e-3) and fills.abs().max() <= 1


# Whole pictures


def test_what_is_too_deep_for_the_network():
    for hole, expected in ((1, 0), (20, 0), (21, 21 * 21), (50, 50 * 50)):
        assert int(holes.thick(with_hole(128, hole)[0]).sum()) == expected, hole
    scratch = with_hole(128, 50)
    scratch[..., 60:70, :] = 0
    assert torch.equal(holes.thick(scratch[0]), with_hole(128, 50)[0] == 0)


def test_tiles_have_no_seam(monkeypatch):
    pixels = to_pixels(data.photo("coffee"))[0]
    known = torch.full((1, *pixels.shape[1:]), 255, dtype=torch.uint8)
    known[:, 100:110, 20:-20] = 0
    network = awake()
    whole = holes.mended(network, Picture.of(pixels), known).pixels
    monkeypatch.setattr(holes, "TILE", 128)
    tiled = holes.mended(network, Picture.of(pixels), known).pixels
    assert int((whole.int() - tiled.int()).abs().max()) <= 1  # the heat of other tiles is rounded otherwise
    assert not torch.equal(whole, pixels)


@pytest.mark.parametrize("hole", [slice(200, 300), slice(0, 60)], ids=["in the middle", "at the edge"])
def test_a_large_hole_has_no_seam(monkeypatch, hole):
    pixels = to_pixels(data.photo("coffee"))[0]
    known = torch.full((1, *pixels.shape[1:]), 255, dtype=torch.uint8)
    known[:, hole, 50:150] = 0
    network = awake()
    whole = holes.mended(network, Picture.of(pixels), known).pixels
    monkeypatch.setattr(holes, "TILE", 64)
    tiled = holes.mended(network, Picture.of(pixels), known).pixels
    assert int((whole.int() - tiled.int()).abs().max()) <= 2  # each size is rounded to bytes


def test_a_large_hole_is_filled_from_its_edge():
    """A slope goes on through a hole that the network is too small for: a new network is the heat equation."""
    slope = torch.linspace(20, 220, 300).round().to(torch.uint8).expand(3, 200, 300)
    known = torch.full((1, 200, 300), 255, dtype=torch.uint8)
    known[:, 40:160, 100:220] = 0
    made = holes.mended(app.Inpainter().eval(), Picture.of(torch.where(known > 0, slope, 0)), known).pixels
    assert int((made.int() - slope.int()).abs().max()) <= 2


def test_small_holes_beside_a_large_one_are_left_to_the_network():
    pixels = to_pixels(data.photo("coffee"))[0]
    both, small = (torch.full((1, *pixels.shape[1:]), 255, dtype=torch.uint8) for _ in range(2))
    both[:, 20:30, 20:30] = small[:, 20:30, 20:30] = 0
    both[:, 250:330, 300:380] = 0
    network = awake()
    spot = (..., slice(20, 30), slice(20, 30))
    made = [holes.mended(network, Picture.of(pixels), known).pixels[spot] for known in (both, small)]
    assert int((made[0].int() - made[1].int()).abs().max()) <= 1


def test_no_colours_of_a_whole_picture_become_floats(monkeypatch):
    monkeypatch.setattr(holes, "TILE", 64)
    monkeypatch.setattr(holes, "MARGIN", 32)
    pixels, known = noise(1, 3, 600, 800), torch.full((1, 600, 800), 255, dtype=torch.uint8)
    known[:, 100:150, 200:260] = 0
    picture = Picture.of(to_pixels(pixels)[0])
    with Largest() as largest:
        holes.mended(awake(), picture, known)
    assert 0 < largest.size <= 4 * 600 * 800  # one channel of floats


def test_alpha_and_all_that_is_known_stay():
    pixels, alpha = to_pixels(noise(1, 3, 50, 70))[0], torch.randint(0, 256, (1, 50, 70), dtype=torch.uint8)
    known = torch.full((1, 50, 70), 255, dtype=torch.uint8)
    known[:, 10:45, 5:60] = 0
    made = holes.mended(awake(), Picture.of(pixels, alpha), known)
    assert torch.equal(made.alpha, alpha)
    outside = (known > 0).expand(3, -1, -1)
    assert torch.equal(made.pixels[outside], pixels[outside]) and not torch.equal(made.pixels, pixels)


# The command


def save(path, pixels):
    array = pixels.permute(1, 2, 0).numpy()
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array[..., 0] if array.shape[-1] == 1 else array).save(path)
    return path


@pytest.fixture
def run(tmp_path):
    """A folder as a training run leaves it, with a network that has learnt nothing yet."""
    weights.save_network(tmp_path / "run" / "network.safetensors", awake())
    return tmp_path / "run"


def invoke(*arguments):
    return CliRunner().invoke(cli.app, ["inpaint", *map(str, arguments)])


def hole_file(path, height, width, top=10, side=12):
    white = torch.zeros(1, height, width, dtype=torch.uint8)
    white[:, top : top + side, top : top + side] = 255
    return save(path, white)


def test_the_command_fills_a_file_and_nothing_else(tmp_path, run):
    pixels = to_pixels(noise(1, 3, 40, 57))[0]
    picture, mask = save(tmp_path / "a.png", pixels), hole_file(tmp_path / "mask.png", 40, 57)
    done = invoke(picture, "--mask", mask, "-o", tmp_path / "b.png", "--weights", run)
    assert (done.exit_code, done.stdout) == (0, f"wrote {tmp_path / 'b.png'}\n")
    result = read_picture(tmp_path / "b.png").pixels
    inside = (..., slice(10, 22), slice(10, 22))
    assert not torch.equal(result[inside], pixels[inside])
    result[inside] = pixels[inside]
    assert torch.equal(result, pixels)


def test_the_command_fills_a_folder_with_masks_by_name(tmp_path, run):
    pixels = to_pixels(noise(1, 3, 30, 30))[0]
    for name in ("one.png", "two.png", "three.png", "four.png"):
        save(tmp_path / "in" / name, pixels)
    (tmp_path / "in" / "text.png").write_text("this is no picture")
    hole_file(tmp_path / "masks" / "one.bmp", 30, 30)
    hole_file(tmp_path / "masks" / "two.png", 31, 30)
    save(tmp_path / "masks" / "four.png", torch.zeros(1, 30, 30, dtype=torch.uint8))
    done = invoke(tmp_path / "in", "--mask", tmp_path / "masks", "-o", tmp_path / "out", "--weights", run)
    assert done.exit_code == 1 and f"wrote {tmp_path / 'out' / 'one.png'}" in done.stdout
    for said in (
        "two.png has 30 x 31 pixels, the picture 30 x 30",
        "three.png has no mask in",
        "no white part, so there is nothing to fill",
        "text.png is not a readable picture",
    ):
        assert said in done.stderr


def test_a_mask_may_be_transparent_where_the_picture_is_known(tmp_path):
    layer = torch.full((4, 8, 8), 255, dtype=torch.uint8)
    layer[3] = 0
    layer[3, 2:4, 2:5] = 255
    known = holes.read_mask(save(tmp_path / "layer.png", layer), (8, 8))
    expected = torch.full((1, 8, 8), 255, dtype=torch.uint8)
    expected[:, 2:4, 2:5] = 0
    assert torch.equal(known, expected)


def test_a_mask_must_leave_something(tmp_path):
    white = save(tmp_path / "white.png", torch.full((1, 8, 8), 255, dtype=torch.uint8))
    with pytest.raises(ValueError, match="white throughout, so nothing is known"):
        holes.read_mask(white, (8, 8))


def test_masks_are_found_by_name_once(tmp_path):
    mask = hole_file(tmp_path / "masks" / "a.png", 30, 30)
    assert holes.mask_finder(mask)("anything.jpg") == mask
    assert holes.mask_finder(tmp_path / "masks")("a.jpg") == mask
    hole_file(tmp_path / "masks" / "a.bmp", 30, 30)
    with pytest.raises(ValueError, match="has several masks"):
        holes.mask_finder(tmp_path / "masks")("a.jpg")
    with pytest.raises(FileNotFoundError, match="does not exist; check the path"):
        holes.mask_finder(tmp_path / "nowhere")


def test_the_mask_of_a_turned_photograph_is_that_of_the_upright_one(tmp_path, run):
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held upright
    Image.fromarray(np.full((20, 34, 3), 90, np.uint8)).save(tmp_path / "a.jpg", exif=exif)
    mask = hole_file(tmp_path / "mask.png", 34, 20, 4, 6)
    done = invoke(tmp_path / "a.jpg", "--mask", mask, "-o", tmp_path / "b.png", "--weights", run)
    assert done.exit_code == 0 and read_picture(tmp_path / "b.png").pixels.shape == (3, 34, 20)


def test_the_command_replaces_nothing(tmp_path, run):
    picture, mask = (
        save(tmp_path / "a.png", torch.zeros(3, 30, 30, dtype=torch.uint8)),
        hole_file(tmp_path / "m.png", 30, 30),
    )
    (tmp_path / "b.png").write_text("precious")
    done = invoke(picture, "--mask", mask, "-o", tmp_path / "b.png", "--weights", run)
    assert done.exit_code != 0 and "exists already" in str(done.exception)
    assert (tmp_path / "b.png").read_text() == "precious"
    done = invoke(picture, "-o", tmp_path / "c.png")
    assert done.exit_code == 2 and re.search("mask", done.stderr)


# What is shipped


def in_the_hole(real, fake, known):
    hole = (1 - known).expand_as(real)
    return float(((real - fake).square() * hole).sum() / hole.sum())


def test_the_shipped_network_of_heads_is_above_diffusion():
    network = weights.shipped_app("inpaint_peeps", app.Inpainter)[0]
    images = data.load("peeps", "test")[:24]
    known = data.hole_masks(len(images), 64, 24, random())
    made = app.inpaint(network, images, known)
    assert in_the_hole(images, made, known) < 0.85 * in_the_hole(images, app.diffuse(images, known), known)
