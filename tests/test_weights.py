"""Networks as files: they come back bit for bit with their facts, and nothing else is taken for one."""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch.testing import assert_close

from minigan import weights
from minigan.files import whole_file
from minigan.nets import NORMS, UPSAMPLING, Discriminator, Generator
from minigan.weights import find, load_generator, load_network, save_network, shipped, shipped_names, shipped_pair


def generator(**arguments) -> Generator:
    return Generator(**{"size": 8, "channels": 1, "latents": 4, "width": 2, **arguments})


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    """A folder of shipped networks: two generators and a discriminator."""
    monkeypatch.setattr(weights, "SHIPPED", tmp_path / "shipped")
    for name, network in (("peeps", generator()), ("bags", generator()), ("peeps-discriminator", Discriminator(8))):
        save_network(weights.SHIPPED / f"{name}.safetensors", network, data=name)
    return weights.SHIPPED


@pytest.fixture
def file(tmp_path):
    save_network(tmp_path / "generator.safetensors", generator(), data="peeps", images=12)
    return tmp_path / "generator.safetensors"


NETWORKS = [
    *(generator(upsampling=how) for how in UPSAMPLING),
    *(Discriminator(8, 1, 2, norm) for norm in NORMS),
    generator(size=14, channels=3).to(memory_format=torch.channels_last),
]


@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: " ".join(map(str, network.arguments.values())))
def test_a_network_comes_back_as_it_was(network, tmp_path):
    inputs = torch.randn(3, 4) if isinstance(network, Generator) else torch.randn(3, 1, 8, 8)
    network(inputs)  # moves the statistics of norms away from their start
    save_network(tmp_path / "net.safetensors", network, data="peeps", images=12, rates=[0.1, None])
    back, facts = load_network(tmp_path / "net.safetensors")
    assert type(back) is type(network)
    assert back.arguments == network.arguments
    assert facts == {"data": "peeps", "images": 12, "rates": [0.1, None]}
    assert not back.training
    with torch.no_grad():
        assert torch.equal(back(inputs), network.eval()(inputs))
    assert back.state_dict().keys() == network.state_dict().keys()


def test_the_file_is_plain_safetensors(file):
    assert load_file(file).keys() == generator().state_dict().keys()


def test_facts_that_json_cannot_hold_write_nothing(tmp_path):
    with pytest.raises(TypeError, match="JSON"):
        save_network(tmp_path / "net.safetensors", generator(), data={1, 2})
    assert not list(tmp_path.iterdir())


def test_a_missing_file_says_how_to_train(tmp_path, refuses):
    with refuses(FileNotFoundError, f"no weights at {tmp_path / 'net.safetensors'}", "minigan train"):
        load_network(tmp_path / "net.safetensors")


def foreign(about=None):
    """Other people's weights, or ours with another description."""
    return lambda path: save_file(load_file(path), path, metadata=about and {"minigan": about})


def described(**changes):
    about = {"network": "Generator", "arguments": generator().arguments, "facts": {}}
    return foreign(json.dumps({**about, **changes}))


DAMAGE = {
    "empty": lambda path: path.write_bytes(b""),
    "truncated": lambda path: path.write_bytes(path.read_bytes()[:-9]),
    "text": lambda path: path.write_text("weights"),
    "without a description": foreign(),
    "not json": foreign("Generator"),
    "a list": foreign("[]"),
    "another network": described(network="Transformer"),
    "other arguments": described(arguments={"depth": 3}),
    "another width": described(arguments={**generator().arguments, "width": 3}),
    "an impossible size": described(arguments={"size": 9}),
    "a huge size": described(arguments={**generator().arguments, "width": 10**9}),
    "facts that are none": described(facts=3),
    "without facts": foreign(json.dumps({"network": "Generator", "arguments": generator().arguments})),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_what_is_no_network_of_minigan_is_refused(damage, file, refuses):
    damage(file)
    with refuses(OSError, f"{file} is damaged or no network of minigan (", "write it again"):
        load_network(file)


def test_one_bit_of_a_weight_or_of_the_facts_is_noticed(file, refuses):
    """safetensors itself would read both."""
    whole = file.read_bytes()
    for place in (len(whole) - 100, whole.index(b"peeps")):
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        load_file(file)
        with refuses(OSError, f"{file} is damaged", "its checksum is another", "write it again"):
            load_network(file)


def test_weights_that_are_no_numbers_are_refused(tmp_path, refuses):
    network = generator()
    with torch.no_grad():
        next(network.parameters())[0] = torch.nan
    save_network(tmp_path / "net.safetensors", network)
    with refuses(OSError, "net.safetensors is damaged", "start.0.weight holds numbers that are not finite"):
        load_network(tmp_path / "net.safetensors")


def test_a_discriminator_is_no_generator(tmp_path, refuses):
    save_network(tmp_path / "net.safetensors", Discriminator(8))
    with refuses(ValueError, "net.safetensors holds a Discriminator, expected a Generator"):
        load_generator(tmp_path / "net.safetensors")


def test_a_failing_write_leaves_the_old_weights(file, monkeypatch, refuses):
    before = file.read_bytes()
    monkeypatch.setattr(weights, "save", lambda *given, **facts: b"half")
    monkeypatch.setattr(weights, "whole_file", lambda path: full(path))
    with refuses(OSError, f"{file} cannot be written (No space left on device)"):
        save_network(file, generator())
    assert file.read_bytes() == before
    assert list(file.parent.iterdir()) == [file]


def full(path):
    """`whole_file` whose disk fills up after the block has written."""
    from contextlib import contextmanager

    @contextmanager
    def fill():
        with whole_file(path) as temporary:
            yield temporary
            raise OSError(28, "No space left on device")

    return fill()


def test_a_generator_is_found_by_run_file_or_name(file, shelf, monkeypatch):
    assert find(str(file))[1]["data"] == "peeps"
    assert find(str(file.parent))[1]["images"] == 12
    monkeypatch.chdir(file.parent)
    assert find("generator.safetensors")[1]["images"] == 12
    assert find("bags")[1] == {"data": "bags"}


def test_what_is_not_found_says_what_there_is(shelf, tmp_path, monkeypatch, refuses):
    with refuses(FileNotFoundError, "heads is no run's folder", "shipped: bags, peeps"):
        find("heads")
    with refuses(FileNotFoundError, f"no weights at {tmp_path / 'generator.safetensors'}"):
        find(str(tmp_path))
    with refuses(ValueError, "holds a Discriminator, expected a Generator"):
        find("peeps-discriminator")
    monkeypatch.setattr(weights, "SHIPPED", tmp_path / "nothing")
    with refuses(FileNotFoundError, "shipped: none yet"):
        find("heads")


def test_shipped_networks_by_name(shelf, refuses):
    assert shipped_names() == ["bags", "peeps", "peeps-discriminator"]
    network, facts = shipped("peeps")
    assert (type(network), facts) == (Generator, {"data": "peeps"})
    assert type(shipped("Peeps-Discriminator")[0]) is Discriminator
    with refuses(ValueError, "shipped network 'peep' is not known", "did you mean 'peeps'"):
        shipped("peep")


@pytest.mark.parametrize("name", shipped_names())
def test_what_is_shipped_can_be_used(name):
    network, facts = shipped(name)
    assert all(tensor.isfinite().all() for tensor in network.state_dict().values())
    assert facts["data"]
    inputs = torch.zeros(1, network.latents) if isinstance(network, Generator) else torch.zeros(1, *network.shape)
    assert network(inputs).isfinite().all()


def test_what_is_shipped_is_small():
    sizes = {path: path.stat().st_size for path in weights.SHIPPED.rglob("*.safetensors")}
    gans = [path for path in sizes if path.parent == weights.SHIPPED or path.stem == "fashion_classifier"]
    assert {path.stem for path in gans} >= {"peeps", "peeps-discriminator", "micah", "fashion", "fashion_classifier"}
    assert sum(sizes[path] for path in gans) < 40e6 and sum(sizes.values()) < 60e6


def test_half_precision_halves_the_file_and_computes_in_float32(tmp_path):
    network = generator(size=16, width=8, latents=32)
    save_network(tmp_path / "whole.safetensors", network)
    save_network(tmp_path / "half.safetensors", network, half=True)
    whole, half = (tmp_path / f"{name}.safetensors" for name in ("whole", "half"))
    assert half.stat().st_size < 0.6 * whole.stat().st_size
    loaded, _ = load_network(half)
    for name, tensor in network.state_dict().items():
        expected = tensor.half().to(tensor.dtype) if tensor.is_floating_point() else tensor
        assert_close(loaded.state_dict()[name], expected, rtol=0, atol=0)


def test_a_pair_to_go_on_from(shelf, refuses):
    generator, discriminator = shipped_pair("peeps")
    assert (type(generator), type(discriminator)) == (Generator, Discriminator)
    with refuses(ValueError, "start with a discriminator 'bags' is not known", "peeps"):
        shipped_pair("bags")
