"""Super-resolution: what the networks compute and reach, how they are trained, the command on every odd picture."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn
from typer.testing import CliRunner

from minigan import cli, data, metrics, train, weights
from minigan.apps import photographs, superres, tasks
from minigan.apps.pictures import read_picture
from minigan.course.judge import judge
from minigan.data import to_pixels, to_signed


def random(seed=0):
    return torch.Generator().manual_seed(seed)


def noise(*shape, seed=0):
    return torch.rand(shape, generator=random(seed)) * 2 - 1


def awake(scale=4, width=8, blocks=2, upsampling="pixel_shuffle"):
    """A network whose last layers are not 0."""
    torch.manual_seed(0)
    network = superres.Upscaler(scale, width, blocks, upsampling)
    for parameter in network.parameters():
        nn.init.normal_(parameter, 0, 0.1)
    return network


# Small and large


def test_enlarging_and_shrinking_a_flat_picture_by_hand():
    flat = torch.full((1, 3, 4, 8), 0.25)
    assert superres.enlarged(flat, 4).shape == (1, 3, 16, 32)
    torch.testing.assert_close(superres.enlarged(flat, 4), flat[..., :1, :1].expand(1, 3, 16, 32))
    small = superres.shrunk(flat, 4)
    assert small.shape == (1, 3, 1, 2)
    assert small.unique().tolist() == pytest.approx([round((0.25 + 1) * 127.5) / 127.5 - 1])


@pytest.mark.parametrize("scale", [2, 4])
def test_enlarging_agrees_with_pillow(scale):
    picture = Image.fromarray(np.random.default_rng(0).integers(100, 156, (12, 17, 3), np.uint8))
    theirs = np.array(picture.resize((17 * scale, 12 * scale), Image.Resampling.BICUBIC))
    images = to_signed(torch.from_numpy(np.array(picture)).permute(2, 0, 1))[None]
    ours = to_pixels(superres.enlarged(images, scale))[0].permute(1, 2, 0).numpy()
    assert np.abs(ours.astype(int) - theirs.astype(int)).max() <= 1


def test_a_picture_that_is_no_multiple_is_not_shrunk():
    with pytest.raises(ValueError, match="crop them to 8 x 8"):
        superres.shrunk(noise(1, 3, 9, 8), 4)


# The network


@pytest.mark.parametrize("upsampling", ["pixel_shuffle", "transposed", "resize"])
@pytest.mark.parametrize("scale", [2, 4])
def test_it_starts_as_bicubic_at_any_size(scale, upsampling):
    network = superres.Upscaler(scale, 8, 2, upsampling)
    for shape in ((1, 3, 1, 1), (2, 3, 7, 3), (1, 3, 1, 40)):
        images = noise(*shape)
        torch.testing.assert_close(network(images), superres.enlarged(images, scale), rtol=0, atol=0)


def test_a_scale_that_it_cannot_do_is_refused():
    with pytest.raises(ValueError, match="scale is 3, expected 2 or 4"):
        superres.Upscaler(3)


@pytest.mark.parametrize("scale", [2, 4])
def test_a_pixel_depends_on_no_more_than_the_reach_says(scale):
    network = awake(scale)
    assert network.reach == 2 * 2 + 5
    for row in (20 * scale, 21 * scale - 1):
        images = (0.1 * noise(1, 3, 41, 41)).requires_grad_()
        (touched,) = torch.autograd.grad(network(images)[0, 0, row, 20 * scale], images)
        rows = touched.abs().sum((0, 1, 3)).nonzero()[:, 0]
        assert rows.min() >= 20 - network.reach and rows.max() <= 20 + network.reach
        assert rows.max() - rows.min() > 2 * network.reach - 6  # and not much less


def test_pictures_in_tiles_of_the_reach_have_no_seam():
    network, images = awake(), noise(1, 3, 30, 30)
    whole = superres.enlarge(network, images)
    reach = network.reach
    tile = F.pad(images, [reach] * 4, mode="replicate")[..., 10 : 20 + 2 * reach, 10 : 20 + 2 * reach]
    inner = slice(4 * reach, -4 * reach)
    expected = network(tile).clamp(-1, 1)[..., inner, inner].detach()
    torch.testing.assert_close(whole[..., 40:80, 40:80], expected)


@pytest.mark.parametrize("scale", [2, 4])
def test_any_image_is_enlarged_within_the_range(scale):
    for shape in ((1, 3, 1, 1), (2, 3, 5, 31)):
        large = superres.enlarge(awake(scale), noise(*shape))
        assert large.shape == (*shape[:2], shape[2] * scale, shape[3] * scale)
        assert large.abs().max() <= 1 and not large.requires_grad


def test_it_is_written_and_read_again(tmp_path):
    network = awake(2)
    weights.save_network(tmp_path / "a.safetensors", network)
    again, _ = weights.load_network(tmp_path / "a.safetensors", superres.Upscaler)
    assert again.scale == 2
    torch.testing.assert_close(again(noise(1, 3, 8, 8)), network(noise(1, 3, 8, 8)), rtol=0, atol=0)


def test_another_network_takes_over_what_was_learnt_at_the_small_size():
    four, images = awake(4), noise(1, 3, 4, 4)
    two = superres.begun_with(four, scale=2, upsampling="resize")
    assert two.arguments == {"scale": 2, "width": 8, "blocks": 2, "upsampling": "resize"}
    torch.testing.assert_close(two.body(two.first(images)), four.body(four.first(images)), rtol=0, atol=0)
    torch.testing.assert_close(two(images), superres.enlarged(images, 2), rtol=0, atol=0)
    two.first.weight.data.zero_()
    assert four.first.weight.abs().sum() > 0  # a copy


def test_resizing_cannot_hatch_what_is_flat():
    flat = torch.full((1, 3, 16, 16), 0.3)
    inner = (..., slice(20, 44), slice(20, 44))  # where the border has no say
    for upsampling, patterned in (("resize", False), ("pixel_shuffle", True)):
        large = awake(4, 8, 1, upsampling)(flat)[inner]
        assert (float(large.detach().std((2, 3)).max()) > 1e-4) == patterned


# The discriminator


@pytest.mark.parametrize(("detail", "rows"), [(0, 38), (4, 42)])
def test_votes_are_of_neighbourhoods(detail, rows):
    torch.manual_seed(0)
    critic = superres.PatchDiscriminator(4, detail).double()
    assert critic(noise(2, 3, 96, 64).double()).shape == (2, 12, 8)
    images = noise(1, 3, 96, 96).double().requires_grad_()
    (touched,) = torch.autograd.grad(critic(images)[0, 6, 6], images)
    seen = touched.abs().sum((0, 1, 3)).nonzero()[:, 0]
    assert int(seen.max() - seen.min()) + 1 == rows  # the blur looks two pixels further


def test_the_detail_is_what_a_blur_takes_away():
    seen = []
    critic = superres.PatchDiscriminator(4, 2.5)
    critic.votes.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    images = noise(1, 3, 16, 16)
    critic(images)
    torch.testing.assert_close(seen[0][:, :3], images)
    by_hand = 2.5 * (images[..., 8, 9] - images[..., 6:11, 7:12].mean((2, 3)))
    torch.testing.assert_close(seen[0][:, 3:, 8, 9], by_hand)


# Training


@pytest.mark.parametrize("style", superres.STYLES)
def test_a_task_trains_its_terms_on_pairs(style):
    task = superres.task(4, style, superres.Upscaler(4, 8, 1), images=16)
    assert (task.discriminator is not None) == (style == "adversarial")
    one = photographs.learn(task, photographs.begin(task), photographs.whole_photographs("test")[:2], quiet=True)
    expected = {"pixel": {"pixel"}, "features": {"pixel", "features"}}.get(style, {"pixel", "features", "adversarial"})
    named = set(one.history[-1]) - {"images", "seconds", "discriminator", "real score", "fake score"}
    assert named == expected and set(task.config.weights) <= expected
    assert one.generator.to_image.weight.abs().sum() > 0


def test_the_small_image_of_a_pair_is_the_large_one_shrunk():
    real = to_signed(torch.randint(0, 256, (2, 3, 16, 16), dtype=torch.uint8, generator=random()))
    ((name, small),) = superres.shrinking(4)(real, random()).items()
    assert name == "small"
    torch.testing.assert_close(small, superres.shrunk(real, 4), rtol=0, atol=0)


def test_each_training_begins_with_the_network_before():
    four = awake(4)
    two = superres.task(2, "pixel", four).network
    features = superres.task(4, "features", four).network
    assert (two.scale, two.arguments["upsampling"]) == (2, "pixel_shuffle")
    assert (features.scale, features.arguments["upsampling"]) == (4, "resize")
    for network in (two, features):
        torch.testing.assert_close(network.first.weight, four.first.weight)
    assert superres.task(4, "pixel", four).network is four
    assert superres.task(4, "adversarial", features).network is features


def test_an_unknown_style_is_refused():
    with pytest.raises(ValueError, match="did you mean 'pixel'"):
        superres.task(4, "pixels")


def test_a_short_training_beats_bicubic_on_its_own_picture():
    photograph = photographs.whole_photographs()[10]
    torch.manual_seed(0)
    config = {"precision": "float32", "ema_half_life": 100, "batch": 4, "rate": 3e-3, "betas": (0.9, 0.99)}
    task = superres.task(2, "pixel", superres.Upscaler(2, 16, 1))
    task = photographs.Task(**{**vars(task), "config": train.TrainConfig(320, **config), "size": 48})
    one = photographs.learn(task, photographs.begin(task), [photograph], quiet=True)
    large = to_signed(photograph[:, :160, :160])[None]
    small = superres.shrunk(large, 2)
    gain = metrics.psnr(large, superres.enlarge(one.average, small)) - metrics.psnr(large, superres.enlarged(small, 2))
    assert float(gain) > 0.1


# What is shipped, and the command


@pytest.fixture(scope="module")
def held_out():
    """Pieces of an animal's fur, a palace, a roof and a cup: what is gained differs much between them."""
    names = ("chelsea", "mysorePalace", "china", "coffee")
    return torch.cat([data.photo(name)[..., 60:220, 100:300] for name in names])


@pytest.mark.parametrize("scale", [4, 2])
@pytest.mark.parametrize("style", [s for s in superres.STYLES if f"superres_x4_{s}" in weights.shipped_app_names()])
def test_what_is_shipped_enlarges_better_than_bicubic(held_out, scale, style):
    network = weights.shipped_app(f"superres_x4_{style}", superres.Upscaler)[0]
    small = superres.shrunk(held_out, scale)
    ours, bicubic = superres.enlarge(network, small, scale), superres.enlarged(small, scale)
    with torch.no_grad():
        assert judge()(held_out, ours) < 0.95 * judge()(held_out, bicubic)
    if style == "pixel" and scale == 4:
        assert (metrics.psnr(held_out, ours) - metrics.psnr(held_out, bicubic)).mean() > 0.3


def test_half_of_four_times_is_twice():
    network, images = awake(4), noise(1, 3, 6, 7)
    four = superres.magnified(network, images, 4)
    torch.testing.assert_close(superres.magnified(network, images, 2), data.downscale(four, 2))
    assert superres.enlarge(network, images, 2).shape == (1, 3, 12, 14)


def save(path, pixels):
    Image.fromarray(pixels.permute(1, 2, 0).numpy()).save(path)
    return path


def invoke(*arguments):
    return CliRunner().invoke(cli.app, ["upscale", *map(str, arguments)])


@pytest.fixture
def run(tmp_path):
    """The folder of a run: a network of its own."""
    weights.save_network(tmp_path / "run" / tasks.NETWORK, awake())
    return tmp_path / "run"


def test_the_command_enlarges_a_file_as_the_network_does(tmp_path, run):
    pixels = to_pixels(noise(1, 3, 9, 14))[0]
    for weights_from in (run, run / tasks.NETWORK):
        done = invoke(save(tmp_path / "a.png", pixels), "-o", tmp_path / "b.png", "--weights", weights_from, "--force")
        assert (done.exit_code, done.stdout) == (0, f"wrote {tmp_path / 'b.png'}\n")
    expected = to_pixels(superres.enlarge(awake(), to_signed(pixels)[None]))[0]
    result = read_picture(tmp_path / "b.png").pixels
    assert result.shape == (3, 36, 56)
    assert int((result.int() - expected.int()).abs().max()) <= 1


@pytest.mark.parametrize("scale", [4, 2])
def test_a_large_picture_is_cut_into_tiles_without_a_seam(tmp_path, run, scale):
    pixels = to_pixels(noise(1, 3, 6, 500))[0]
    done = invoke(save(tmp_path / "a.png", pixels), "-o", tmp_path / "b.png", "--weights", run, "--scale", scale)
    assert done.exit_code == 0
    whole = to_pixels(superres.enlarge(awake(), to_signed(pixels)[None], scale))[0]
    assert int((read_picture(tmp_path / "b.png").pixels.int() - whole.int()).abs().max()) <= 1


def odd(folder):
    """Every kind of picture that a folder may hold: {name: (size of the result, or None where it is refused)}."""
    rgb = np.random.default_rng(0).integers(0, 256, (5, 9, 3), np.uint8)
    Image.fromarray(rgb[:1, :1]).save(folder / "one.png")
    Image.fromarray(np.zeros((3, 400, 3), np.uint8)).save(folder / "long.png")
    Image.fromarray(rgb[..., 0]).save(folder / "grey.png")
    Image.fromarray(np.concatenate([rgb, rgb[..., :1]], 2)).save(folder / "alpha.png")
    Image.fromarray(rgb).convert("CMYK").save(folder / "cmyk.jpg")
    Image.fromarray(rgb[..., 0].astype(np.uint16) * 257).save(folder / "deep.png")
    Image.fromarray(rgb).convert("P").save(folder / "palette.png")
    frames = [Image.fromarray(np.full((5, 9, 3), grey, np.uint8)) for grey in (0, 99)]
    frames[0].save(folder / "moving.gif", save_all=True, append_images=frames[1:])
    whole = (folder / "palette.png").read_bytes()
    (folder / "cut.png").write_bytes(whole[: len(whole) // 2])
    (folder / "text.png").write_text("this is no picture")
    Image.fromarray(np.zeros((4000, 3200), np.uint8)).save(folder / "huge.png")
    usual = (36, 20)
    treated = dict.fromkeys(("grey.png", "alpha.png", "cmyk.jpg", "deep.png", "palette.png", "moving.png"), usual)
    return treated | {"one.png": (4, 4), "long.png": (1600, 12), "cut.png": None, "text.png": None, "huge.png": None}


@pytest.fixture(scope="module")
def enlarged_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("odd")
    (folder / "in").mkdir()
    expected = odd(folder / "in")
    weights.save_network(folder / "run" / tasks.NETWORK, awake(4, 4, 1))
    return invoke(folder / "in", "-o", folder / "out", "--weights", folder / "run"), folder / "out", expected


ODD = ("one.png", "long.png", "grey.png", "alpha.png", "cmyk.jpg", "deep.png", "palette.png", "moving.png")


@pytest.mark.parametrize("name", ODD)
def test_odd_pictures_are_enlarged(enlarged_folder, name):
    _, out, expected = enlarged_folder
    result = read_picture(out / name)
    assert tuple(result.pixels.shape[:0:-1]) == expected[name]
    assert (result.alpha is not None) == (name == "alpha.png")


@pytest.mark.parametrize(
    ("name", "reason"), [("cut", "not a readable"), ("text", "not a readable"), ("huge", "12800 x 16000")]
)
def test_what_cannot_be_enlarged_is_named_with_the_reason(enlarged_folder, name, reason):
    done, out, _ = enlarged_folder
    assert done.exit_code == 1 and f"wrote {len(ODD)} pictures" in done.stdout
    (line,) = [line for line in done.stderr.splitlines() if f"{name}.png" in line]
    assert reason in line and not (out / f"{name}.png").exists()


def test_what_cannot_be_asked(tmp_path, run):
    file = save(tmp_path / "a.png", torch.zeros(3, 4, 4, dtype=torch.uint8))
    weights.save_network(tmp_path / "two" / tasks.NETWORK, awake(2))
    weights.save_network(tmp_path / "other.safetensors", superres.PatchDiscriminator(4))
    for options, said in (
        (("--scale", 3), "scale is 3, expected 2 or 4"),
        (("--style", "pixels"), "did you mean 'pixel'"),
        (("--weights", tmp_path), "network.safetensors; give the folder of a run that has ended"),
        (("--weights", tmp_path / "two", "--scale", 4), "enlarges 2 times, --scale says 4"),
        (("--weights", tmp_path / "other.safetensors"), "damaged or no network"),
    ):
        done = invoke(file, "-o", tmp_path / "b.png", *options)
        assert done.exit_code != 0 and said in str(done.exception)
    (tmp_path / "b.png").write_text("precious")
    done = invoke(file, "-o", tmp_path / "b.png", "--weights", run)
    assert "exists already" in str(done.exception) and (tmp_path / "b.png").read_text() == "precious"
