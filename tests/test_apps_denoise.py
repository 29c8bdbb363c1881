"""Denoising: what the network computes and reaches, the noise in its batches, the classical rival, the command."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from skimage.restoration import denoise_nl_means
from torch import nn
from typer.testing import CliRunner

from minigan import cli, data, metrics, weights
from minigan.apps import denoise as app
from minigan.apps.photographs import begin, learn
from minigan.apps.pictures import read_picture
from minigan.apps.tasks import NETWORK
from minigan.data import to_pixels, to_signed


def random(seed=0):
    return torch.Generator().manual_seed(seed)


def noise(*shape, seed=0):
    return torch.rand(shape, generator=random(seed)) * 2 - 1


def awake(width=8, blocks=2):
    """A network whose last layers are not 0."""
    torch.manual_seed(0)
    network = app.Denoiser(width, blocks)
    for parameter in network.parameters():
        nn.init.normal_(parameter, 0, 0.1)
    return network


# The network


@pytest.mark.parametrize("shape", [(1, 3, 1, 1), (2, 3, 2, 5), (1, 3, 17, 40), (3, 3, 97, 31)])
def test_it_starts_by_changing_nothing_at_any_size(shape):
    images = noise(*shape)
    torch.testing.assert_close(app.Denoiser(8, 2)(images, 25), images, rtol=0, atol=0)
    assert awake()(images).shape == images.shape


def test_the_level_is_a_channel_of_its_own():
    seen = []
    network = awake()
    network.start.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    images = noise(2, 3, 6, 4)
    for sigma in (None, 25.5, torch.tensor([51.0, app.UNKNOWN])):
        network(images, sigma)
    assert [tuple(one.shape) for one in seen] == [(2, 13, 3, 2)] * 3
    levels = [one[:, 12].flatten(1).unique(dim=1).flatten().tolist() for one in seen]
    assert levels == [pytest.approx(expected) for expected in ([-1, -1], [0.2, 0.2], [0.4, -1])]
    torch.testing.assert_close(seen[0][:, :12].reshape(2, 3, 4, 3, 2)[:, :, 0], images[..., ::2, ::2])


def test_one_level_for_each_image_is_that_level_for_each():
    network, images = awake(), noise(2, 3, 8, 8)
    both = network(images, torch.tensor([10.0, app.UNKNOWN]))
    torch.testing.assert_close(both, torch.cat([network(images[:1], 10), network(images[1:])]))
    assert not torch.allclose(both[1], network(images, 10)[1])


def test_a_pixel_depends_on_no_more_than_the_reach_says():
    network = awake()
    for row in (40, 41):
        images = noise(1, 3, 81, 81).requires_grad_()
        (touched,) = torch.autograd.grad(network(images)[0, 0, row, 40], images)
        rows = touched.abs().sum((0, 1, 3)).nonzero()[:, 0]
        assert rows.min() >= row - network.reach and rows.max() <= row + network.reach
    assert network.reach % 2 == 0
    assert rows.max() - rows.min() == 2 * 2 * 6 + 1  # six convolutions on blocks of two pixels


def test_the_result_is_the_image_less_the_noise_seen():
    network, images = awake(), noise(1, 3, 9, 9)
    torch.testing.assert_close(network(images, 5) + network.noise(images, 5), images)


def test_it_is_written_and_read_again(tmp_path):
    network = awake()
    weights.save_network(tmp_path / "a.safetensors", network)
    again, _ = weights.load_network(tmp_path / "a.safetensors", app.Denoiser)
    images = noise(1, 3, 8, 8)
    torch.testing.assert_close(again(images), network(images), rtol=0, atol=0)


def test_any_image_gets_a_clean_one_of_its_shape():
    network = awake()
    for images in (noise(1, 1, 5, 7), noise(2, 3, 31, 2), 3 * noise(1, 3, 8, 8)):
        clean = app.denoise(network, images, 25)
        assert clean.shape == images.shape and clean.abs().max() <= 1 and not clean.requires_grad
    grey = noise(1, 1, 6, 6)
    three = app.denoise(network, grey.expand(-1, 3, -1, -1))
    torch.testing.assert_close(app.denoise(network, grey), three.mean(1, keepdim=True))


@pytest.mark.parametrize("sigma", [-1, 256, float("nan")])
def test_a_level_that_cannot_be_is_refused(sigma):
    with pytest.raises(ValueError, match="expected a level from 0 to 255, or None"):
        app.denoise(awake(), noise(1, 3, 4, 4), sigma)


# Training


def flat(value=128, count=64, size=32):
    """Flat photographs, so that all that varies is noise."""
    return to_signed(torch.full((count, 3, size, size), value, dtype=torch.uint8))


def test_the_noise_of_a_batch_has_its_level():
    batch = app.noise(told=1)(flat(), random())
    assert batch["real"].shape == batch["noisy"].shape == (64, 3, 32, 32) and batch["sigma"].shape == (64,)
    found = (batch["noisy"] - batch["real"])[1::2].flatten(1).std(1) * 127.5
    torch.testing.assert_close(found, batch["sigma"][1::2], rtol=0.1, atol=0.1)
    assert 0 < batch["sigma"].min() < 10 and 50 < batch["sigma"].max() < 60


def test_half_of_a_batch_is_clamped_and_an_eighth_is_grey():
    batch = app.noise(levels=(25, 25))(flat(255), random())
    over = batch["noisy"].flatten(1).amax(1) > 1
    assert over.tolist() == [False, True] * 32
    grain = batch["noisy"] - batch["real"]
    assert [bool(torch.equal(one[0], one[1])) for one in grain] == ([True] + [False] * 7) * 8


def test_a_grey_one_is_the_mean_of_its_channels_and_the_others_stay():
    real = noise(9, 3, 8, 8)
    kept = real.clone()
    batch = app.noise()(real, random())
    torch.testing.assert_close(real, kept, rtol=0, atol=0)
    torch.testing.assert_close(batch["real"][::8], real[::8].mean(1, keepdim=True).expand(-1, 3, -1, -1))
    torch.testing.assert_close(batch["real"][1:8], real[1:8], rtol=0, atol=0)


@pytest.mark.parametrize("told", [0.0, 0.5, 1.0])
def test_a_share_of_the_levels_is_told(told):
    sigma = app.noise((10, 20), told)(flat(count=1000, size=2), random())["sigma"]
    known = sigma != app.UNKNOWN
    assert abs(float(known.float().mean()) - told) < 0.05
    assert bool(((sigma[known] >= 10) & (sigma[known] <= 20)).all())


def test_the_noise_is_new_each_time_and_follows_the_generator_alone():
    generator, spoil = random(), app.noise()
    first, second = (spoil(flat(count=8), generator)["noisy"] for _ in range(2))
    again = spoil(flat(count=8), random())["noisy"]
    assert torch.equal(first, again) and not torch.equal(first, second)


def test_the_task_of_the_squared_error():
    task = app.task(awake(), images=5)
    batch = app.noise()(noise(8, 3, 16, 16), random())
    torch.testing.assert_close(task.mend(task.network, batch), task.network(batch["noisy"], batch["sigma"]))
    losses = task.terms(torch.full((2, 3, 4, 4), 0.5), {"real": torch.zeros(2, 3, 4, 4)})
    assert {name: float(loss) for name, loss in losses.items()} == {"pixel": 0.25}
    assert task.config.images == 5 and task.config.weights == {} and task.discriminator is None


def test_the_task_of_features_weighs_them_and_goes_on_gently():
    task, plain = app.task(awake(), features=0.25), app.task()
    real = noise(1, 3, 96, 96)
    losses = task.terms(real, {"real": real, "offset": torch.tensor([3, 0])})
    assert {name: float(loss) for name, loss in losses.items()} == {"pixel": 0, "features": 0}
    assert task.config.weights == {"features": 0.25}
    assert task.config.rate < plain.config.rate and task.config.ema_ramp_up == 0
    assert task.size % 32 == 0  # what the feature network sees whole


def test_a_short_training_finds_the_noise():
    """Of flat pictures all deviation is noise: after some steps a good part of it is gone."""
    torch.manual_seed(0)
    task = app.task(app.Denoiser(16, 1), images=32 * 160)
    config = replace(task.config, batch=32, rate=3e-3, precision="float32", ema_half_life=100)
    task = replace(task, size=16, spoil=app.noise((25, 25)), config=config)
    photographs = [torch.full((3, 60, 50), 128, dtype=torch.uint8)]
    trained = learn(task, begin(task), photographs, quiet=True)
    batch = task.spoil(flat(), random())
    cleaned = app.denoise(trained.average, batch["noisy"], 25)
    assert (cleaned - batch["real"]).square().mean() < 0.3 * (batch["noisy"] - batch["real"]).square().mean()


# The classical rival


@pytest.mark.parametrize(("sigma", "strength"), [(15, 0.8), (40, 0.6)])
def test_non_local_means_agrees_with_its_formula(sigma, strength):
    noisy = data.add_noise(data.resize(data.photo("chelsea"), (14, 15)), sigma, random())[:, :2]
    ours = app.non_local_means(noisy, sigma, strength, patch=3, search=2)
    wide = np.pad(noisy[0].double().numpy(), ((0, 0), (3, 3), (3, 3)), mode="edge") * 127.5
    for row, column in ((0, 0), (6, 7), (13, 14), (9, 2)):
        here = wide[:, row + 2 : row + 5, column + 2 : column + 5]
        weights, values = [], []
        for down in range(5):
            for right in range(5):
                there = wide[:, row + down : row + down + 3, column + right : column + right + 3]
                exponent = max(np.mean((here - there) ** 2) - 2 * sigma**2, 0) / (strength * sigma) ** 2
                weights.append(np.exp(-exponent) if exponent < 5 else 0)
                values.append(there[:, 1, 1])
        expected = np.average(values, axis=0, weights=weights) / 127.5
        assert ours[0, :, row, column].tolist() == pytest.approx(expected.clip(-1, 1), abs=1e-4)


def test_non_local_means_is_as_good_as_scikit_images():
    """Each with the strength that is best for it here: scikit-image compares squares of one pixel less a side."""
    clean = data.photo("chelsea")[..., 60:140, 100:200]
    noisy = data.add_noise(clean, 25, random())
    array, level = (noisy[0].permute(1, 2, 0).double().numpy() + 1) / 2, 25 / 255
    options = {"patch_size": 5, "patch_distance": 6, "fast_mode": True, "channel_axis": -1, "sigma": level}
    theirs = torch.from_numpy(denoise_nl_means(array, h=0.5 * level, **options) * 2 - 1).float().permute(2, 0, 1)[None]
    ours = app.non_local_means(noisy, 25)
    assert abs(float(metrics.psnr(clean, ours) - metrics.psnr(clean, theirs.clamp(-1, 1)))) < 0.25


def test_non_local_means_by_hand():
    """A flat picture: all weights are equal, so each pixel becomes the mean of its neighbourhood of 3 x 3."""
    flat = torch.zeros(1, 1, 9, 9)
    flat[..., 4, 4] = 0.01
    result = app.non_local_means(flat, sigma=25, patch=1, search=1)
    expected = torch.zeros(9, 9)
    expected[3:6, 3:6] = 0.01 / 9
    torch.testing.assert_close(result[0, 0], expected, rtol=0, atol=1e-9)


def test_non_local_means_keeps_what_is_not_noise():
    edge = -torch.ones(1, 3, 20, 20)
    edge[..., 10:] = 1
    torch.testing.assert_close(app.non_local_means(edge, 10), edge, rtol=0, atol=1e-6)
    torch.testing.assert_close(app.non_local_means(edge[..., :1, :1], 0), edge[..., :1, :1])


# What is shipped, and the command


@pytest.fixture(scope="module")
def shipped():
    return weights.shipped_app("denoise", app.Denoiser)[0]


def test_the_shipped_network_is_above_non_local_means(shipped):
    clean = data.photo("chelsea")[..., 60:220, 100:300]
    noisy = data.add_noise(clean, 25, random())
    rival = float(metrics.psnr(clean, app.non_local_means(noisy, 25)))
    assert float(metrics.psnr(clean, app.denoise(shipped, noisy, 25))) > rival + 0.66
    assert float(metrics.psnr(clean, app.denoise(shipped, noisy))) > rival + 0.66


def save(path, pixels):
    Image.fromarray(pixels.permute(1, 2, 0).numpy()).save(path)
    return path


def invoke(*arguments):
    return CliRunner().invoke(cli.app, ["denoise", *map(str, arguments)])


@pytest.mark.parametrize("options", [(), ("--sigma", "25")])
def test_the_command_cleans_a_file(tmp_path, shipped, options):
    clean = data.photo("chelsea")[..., 60:220, 100:301]
    noisy = to_pixels(data.add_noise(clean, 25, random()))[0]
    done = invoke(save(tmp_path / "noisy.png", noisy), "-o", tmp_path / "clean.png", *options)
    assert (done.exit_code, done.stdout) == (0, f"wrote {tmp_path / 'clean.png'}\n")
    result = to_signed(read_picture(tmp_path / "clean.png").pixels)[None]
    expected = app.denoise(shipped, to_signed(noisy)[None], 25 if options else None)
    inner = (..., slice(30, -30), slice(30, -30))  # the command continues the picture beyond its border
    torch.testing.assert_close(result[inner], expected[inner], rtol=0, atol=2.1 / 127.5)
    assert metrics.psnr(clean, result) > metrics.psnr(clean, to_signed(noisy)[None]) + 6


def test_the_command_cleans_a_folder_in_tiles_without_a_seam(tmp_path, shipped, monkeypatch):
    (tmp_path / "in").mkdir()
    pixels = to_pixels(noise(1, 3, 20, 1200))[0]
    save(tmp_path / "in" / "long.png", pixels)
    save(tmp_path / "in" / "alpha.png", torch.cat([pixels[:, :, :9], torch.full((1, 20, 9), 7, dtype=torch.uint8)]))
    save(tmp_path / "in" / "one.png", pixels[:, :1, :1])
    (tmp_path / "in" / "text.png").write_text("this is no picture")
    done = invoke(tmp_path / "in", "-o", tmp_path / "out")
    assert done.exit_code == 1 and "wrote 3 pictures" in done.stdout and "text.png is not a readable" in done.stderr
    assert read_picture(tmp_path / "out" / "alpha.png").alpha.unique().tolist() == [7]
    assert read_picture(tmp_path / "out" / "one.png").pixels.shape == (3, 1, 1)
    whole = to_pixels(app.denoise(shipped, to_signed(pixels)[None]))[0]
    tiled = read_picture(tmp_path / "out" / "long.png").pixels
    across = (slice(None), slice(None), slice(450, 1100))  # both seams, at 512 and 1024
    rows = app.denoise(shipped, to_signed(pixels[:, torch.arange(-40, 60).clamp(0, 19)])[None])[..., 40:60, :]
    assert int((tiled[across].int() - to_pixels(rows)[0][across].int()).abs().max()) <= 1
    assert whole.shape == tiled.shape


def test_the_command_replaces_nothing_and_knows_its_levels(tmp_path):
    file = save(tmp_path / "a.png", torch.zeros(3, 8, 8, dtype=torch.uint8))
    (tmp_path / "b.png").write_text("precious")
    done = invoke(file, "-o", tmp_path / "b.png")
    assert done.exit_code != 0 and "exists already" in str(done.exception)
    assert (tmp_path / "b.png").read_text() == "precious"
    assert invoke(file, "-o", tmp_path / "b.png", "--force").exit_code == 0
    done = invoke(file, "-o", tmp_path / "c.png", "--sigma", "99")
    assert done.exit_code == 2 and "60" in done.stderr


@pytest.fixture
def own(tmp_path):
    """A run's folder with a network of its own."""
    network = awake()
    weights.save_network(tmp_path / "run" / NETWORK, network)
    return tmp_path / "run", network


def test_the_command_takes_a_network_from_a_run_or_a_file(tmp_path, own):
    run, network = own
    pixels = to_pixels(noise(1, 3, 40, 40))[0]
    expected = to_pixels(app.denoise(network, to_signed(pixels)[None], 20))[0]
    inner = (..., slice(16, -16), slice(16, -16))  # the command continues the picture beyond its border
    for number, source in enumerate((run, run / NETWORK)):
        target = tmp_path / f"{number}.png"
        done = invoke(save(tmp_path / "in.png", pixels), "-o", target, "--sigma", 20, "--weights", source)
        assert done.exit_code == 0, done.output
        assert int((read_picture(target).pixels.int() - expected.int())[inner].abs().max()) <= 1
    done = invoke(tmp_path / "in.png", "-o", tmp_path / "c.png", "--weights", tmp_path)
    assert done.exit_code != 0 and f"no network at {tmp_path / NETWORK}" in str(done.exception)


def odd_pictures(folder):
    """One of each kind that has ever made trouble: the names that can be read, and those that cannot."""
    random = np.random.default_rng(0)

    def pixels(*shape):
        return Image.fromarray(random.integers(0, 256, shape, dtype=np.uint8))

    folder.mkdir()
    frames = [pixels(12, 9, 3) for _ in range(3)]
    deep = Image.fromarray(random.integers(0, 65536, (12, 9)).astype(np.uint16))
    good = {"one.png": pixels(1, 1, 3), "long.jpg": pixels(17, 4000, 3), "grey.png": pixels(12, 9)}
    good |= {"rgba.png": pixels(12, 9, 4), "cmyk.jpg": pixels(12, 9, 3).convert("CMYK"), "deep.png": deep}
    good |= {"palette.png": pixels(12, 9, 3).quantize(16), "moving.gif": frames[0]}
    for name, picture in good.items():
        options = {"save_all": True, "append_images": frames[1:]} if name == "moving.gif" else {}
        picture.save(folder / name, **options)
    whole = (folder / "long.jpg").read_bytes()
    (folder / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "text.png").write_text("this is no picture")
    return sorted(good), ["cut.jpg", "text.png"]


def test_the_command_treats_each_odd_picture_or_names_it(tmp_path, own):
    good, bad = odd_pictures(tmp_path / "in")
    done = invoke(tmp_path / "in", "-o", tmp_path / "out", "--weights", own[0])
    assert done.exit_code == 1 and f"wrote {len(good)} pictures" in done.stdout
    reasons = [line for line in done.stderr.splitlines() if line.startswith("minigan: ")]
    assert len(reasons) == len(bad)
    assert all(name in reason for name, reason in zip(bad, reasons, strict=True))
    written = {file.stem: read_picture(file) for file in (tmp_path / "out").iterdir()}
    assert sorted(written) == sorted(name.partition(".")[0] for name in good)
    assert written["one"].pixels.shape == (3, 1, 1) and written["long"].pixels.shape == (3, 17, 4000)
    assert written["rgba"].alpha is not None
    for name in ("grey", "deep"):
        assert torch.equal(written[name].pixels[0], written[name].pixels[2])
