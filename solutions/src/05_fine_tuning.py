# %% [markdown]
# # Exercises for chapter 05: Fine-tuning
#
# They go with [chapter 05](../../notebooks/05_fine_tuning.ipynb). Each task has its place for your answer, and under it a
# check: run it as often as you like, it answers at once and each time with a stronger hint. Your progress is kept in this
# folder; `minigan progress` shows it.
#
# This set is about what happens to weights when training goes on from them: how far they move, how they are given new
# inputs, how they get lost, and how those of two relatives can be put together.

# %%
from collections import OrderedDict
from copy import deepcopy
from itertools import pairwise

import torch
from torch import Tensor, nn

from minigan import plot, weights
from minigan.course.checking import checking
from minigan.transfer import layers

# %% [markdown] task="adam" kind="predict" minutes=4 points=1 trains="what a rate means to Adam"
# ## Three weights, ten steps
#
# Three weights are fine-tuned by Adam at a rate of 0.001, with its usual settings and no weight decay. In ten steps the
# gradient of each stays what it is: 4 for the first, 0.04 for the second, and 0 for the third.
#
# How far has each moved after the ten steps? Give three distances in units of the rate, so that 1 means 0.001. Section 1
# says what is needed.

# %% answer="adam"
prediction = [..., ..., ...]
### BEGIN SOLUTION
prediction = [10, 10, 0]  # each step is about the rate, whatever the size of the gradient
### END SOLUTION

# %% check="adam"
hints = [
    "Adam divides its mean of the gradients by the root of its mean of their squares. What is left of a constant gradient?",
    "A constant gradient over its own size is 1 or -1, whether it is large or small. And 0 stays 0.",
]
mistakes = {
    "That is plain gradient descent: rate times gradient. Adam divides by the gradient's usual size.": [40, 0.4, 0],
    "Adam does not scale with the gradient: a small one that always points the same way moves its weight as far.": [
        10,
        0.1,
        0,
    ],
    "A small gradient is not 0. Adam divides it by its own size.": [10, 0, 0],
    "That is one step. There were ten.": [1, 1, 0],
    "Where the gradient is 0 there is nothing to divide, and no step.": [10, 10, 10],
}
with checking("Three weights, ten steps", hints) as c:
    three = torch.zeros(3, requires_grad=True)
    optimizer = torch.optim.Adam([three], lr=0.001)
    for _ in range(10):
        three.grad = torch.tensor([4.0, 0.04, 0.0])
        optimizer.step()
    moved = three.detach().abs() / 0.001
    c.close(prediction, moved, "measured with Adam", tolerance=0.005, mistakes=mistakes)
### BEGIN HIDDEN TESTS
probe("prediction", prediction, within=0.005)
### END HIDDEN TESTS

# %% [markdown] task="fourth" kind="complete" minutes=12 points=4 trains="surgery on a first layer"
# ## A fourth channel
#
# A pretrained network takes three channels: red, green, blue. The new task has a fourth, such as the mask of a hole
# (chapter 10). A new first layer with four inputs and random weights would throw away what the layer knew, and all
# layers behind it would get what they have never seen.
#
# There is a better way. Write `with_more_inputs`: a convolution that takes `extra` further channels *behind* the old
# ones. At the start its answer is that of the old convolution to the old channels, whatever the new ones hold. And the
# new weights learn from the first step on.
#
# The old convolution stays as it is, and the new one shares no memory with it. Kernel, stride, padding, dilation and
# bias, or its absence, are kept. (`groups` is 1.)


# %% answer="fourth"
def with_more_inputs(convolution: nn.Conv2d, extra: int) -> nn.Conv2d:
    """A convolution for `extra` further channels, which starts with the answers of the old one."""
    ### BEGIN SOLUTION
    old = convolution
    new = nn.Conv2d(
        old.in_channels + extra,
        old.out_channels,
        old.kernel_size,
        old.stride,
        old.padding,
        old.dilation,
        bias=old.bias is not None,
    )
    with torch.no_grad():
        new.weight.zero_()
        new.weight[:, : old.in_channels] = old.weight
        if old.bias is not None:
            new.bias.copy_(old.bias)
    return new
    ### END SOLUTION


# %% check="fourth"
hints = [
    "With which weights does a channel count for nothing, whatever it holds?",
    "Make a new nn.Conv2d with in_channels + extra inputs and the old one's other settings, then fill it under no_grad.",
    "new.weight has the shape (outputs, inputs, height, width): zeros everywhere, then the old kernel into [:, :inputs].",
]
random = torch.Generator().manual_seed(0)
old = nn.Conv2d(3, 5, 3, stride=2, padding=1)
with torch.no_grad():
    for weight in old.parameters():
        weight.copy_(torch.randn(weight.shape, generator=random))
before = deepcopy(old.state_dict())
picture, mask = torch.randn(2, 3, 9, 9, generator=random), torch.randn(2, 1, 9, 9, generator=random)
with checking("A fourth channel", hints) as c, torch.no_grad():
    expected = old(picture)
    new = with_more_inputs(old, 1)
    fits = isinstance(new, nn.Conv2d) and new.weight.shape == (5, 4, 3, 3)
    c.true(fits, "a convolution of 4 channels to 5", f"got {new}", hint="One more input than before: four channels.")
    if fits:
        settings = (new.stride, new.padding, new.dilation) == (old.stride, old.padding, old.dilation)
        c.true(
            settings,
            "stride, padding and dilation are kept",
            f"got {new}",
            hint="Stride, padding and dilation are settings of the layer: hand them on.",
        )
        if settings:
            both = torch.cat([picture, mask], 1)
            without_bias = new(both) - (0 if new.bias is None else new.bias[:, None, None])
            kernel_fits = bool((without_bias - (expected - old.bias[:, None, None])).abs().max() < 1e-4)
            told = "The answer changes with the new channel: weights of 0 make it count for nothing."
            if torch.equal(new.weight[:, 1:], before["weight"]):
                told = "The old channels come first, the new one behind them."
            elif not torch.equal(new.weight[:, :3], before["weight"]):
                told = "The kernel of the old channels has to be the old one, number by number."
            elif kernel_fits:
                told = "The bias belongs to what the layer knew."
            c.close(new(both), expected, "the answers of the old one, with some mask", hint=told)
            c.close(new(torch.cat([picture, 100 * mask], 1)), expected, "and with another mask", 1e-3, hint=told)
    c.true(
        all(torch.equal(value, before[key]) for key, value in old.state_dict().items()) and old.in_channels == 3,
        "the old convolution is as it was",
        "it has changed",
        hint="The old convolution is somebody else's. Make a new one.",
    )
    if fits:
        addresses = {weight.data_ptr() for weight in old.parameters()}
        shared = any(weight.data_ptr() in addresses for weight in new.parameters())
        c.true(
            not shared,
            "it shares no memory with the old one",
            "a weight or the bias is the very same tensor",
            hint="Copy the numbers of weight and bias. Assigning the tensor would let both learn together.",
        )
        with torch.enable_grad():
            learns = all(weight.requires_grad for weight in new.parameters())
            answer = new(torch.cat([picture, mask], 1)).square().sum()
            found = torch.autograd.grad(answer, new.weight)[0] if learns else torch.zeros(5, 4, 3, 3)
        c.true(
            (found[:, 3] != 0).all(),
            "the new weights learn from the first step on",
            "they get no gradient",
            hint="A weight of 0 learns like any other, if it is a parameter that requires a gradient.",
        )
    bare = with_more_inputs(nn.Conv2d(2, 3, (1, 3), dilation=2, bias=False), 3)
    c.true(
        isinstance(bare, nn.Conv2d) and bare.bias is None and bare.weight.shape == (3, 5, 1, 3),
        "a layer without a bias, a kernel of 1 x 3, three more channels",
        f"got {bare}",
        hint="Take the sizes and the absence of a bias from the old layer.",
    )
### BEGIN HIDDEN TESTS
kernel, images = given(
    "layer", lambda g: (torch.randn(4, 3, 5, 5, generator=g), torch.randn(2, 5, 13, 11, generator=g))
)
shift = given("bias", lambda g: torch.randn(4, generator=g))
origin = nn.Conv2d(3, 4, 5, stride=(2, 1), padding=2)
with torch.no_grad():
    origin.weight.copy_(kernel)
    origin.bias.copy_(shift)
grown = with_more_inputs(origin, 2)
answers = grown(images)
probe("answers", answers)
probe("gradient", torch.autograd.grad(answers.square().mean(), grown.weight)[0])
probe("old", origin.weight)
probe("dilated", with_more_inputs(nn.Conv2d(1, 2, 3, dilation=3, bias=False), 1)(images[:, :2]).shape[-1])
### END HIDDEN TESTS

# %% [markdown] task="lost" kind="mend" minutes=15 points=4 trains="proof that pretrained weights have arrived"
# ## Lost without an error
#
# A program has saved a classifier with a body and a head. Its state dict `saved` names the tensors "module.body.0.weight",
# "module.head.weight" and so on. The new network has the same body and *another* head. A colleague starts it so:
#
# - `network.body` gets all tensors of the saved body: weights, and the statistics of batch norm;
# - `network.head` begins anew, by `fresh`;
# - a tensor of the body that is missing in `saved` is an error.
#
# That is what the docstring says. The function runs, the training runs, and its curve is that of random weights. Find
# out why, and mend it. Any kind of error will do for a missing tensor.


# %%
def fresh(module: nn.Module) -> None:
    """A start from nothing, for `network.apply` or for one module: small random weights, no bias."""
    if isinstance(module, nn.Conv2d):
        nn.init.normal_(module.weight, 0, 0.02)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.ones_(module.weight)
    if isinstance(module, nn.Conv2d | nn.BatchNorm2d) and module.bias is not None:
        nn.init.zeros_(module.bias)


def network_with_head(outputs: int) -> nn.Sequential:
    """A small network with a body and a head."""
    body = nn.Sequential(nn.Conv2d(3, 4, 3, bias=False), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 8, 3))
    return nn.Sequential(OrderedDict(body=body, head=nn.Conv2d(8, outputs, 1)))


# %% given="lost"
def start_from(network: nn.Module, saved: dict[str, Tensor]) -> nn.Module:
    """Fill network.body with the tensors saved as "module.body...", start network.head anew, and return the network.

    Raises an error where a tensor of the body is missing.
    """
    network.load_state_dict(saved, strict=False)
    network.apply(fresh)
    return network


# %% answer="lost"
def start_from(network: nn.Module, saved: dict[str, Tensor]) -> nn.Module:
    """Fill network.body with the tensors saved as "module.body...", start network.head anew, and return the network.

    Raises an error where a tensor of the body is missing.
    """
    prefix = "module.body."
    tensors = {name.removeprefix(prefix): tensor for name, tensor in saved.items() if name.startswith(prefix)}
    network.body.load_state_dict(tensors)  # strict: what is missing or unknown is an error
    network.head.apply(fresh)
    return network


# %% check="lost"
hints = [
    "load_state_dict returns which names were missing and which were unexpected. Print it.",
    "strict=False passes over every name that does not fit. Cut off the prefix, and load the body alone, strictly.",
    "And apply(fresh) reaches every module of the network, after the loading. Who is to begin anew?",
]


def trained_before(random: torch.Generator) -> dict[str, Tensor]:
    """A saved state, with a head of ten outputs."""
    state = network_with_head(10).state_dict()
    for tensor in state.values():
        if tensor.is_floating_point():
            tensor.copy_(1 + torch.rand(tensor.shape, generator=random))
        else:
            tensor.fill_(70)
    return {f"module.{name}": tensor.clone() for name, tensor in state.items()}


saved = trained_before(torch.Generator().manual_seed(0))
as_saved = {name: tensor.clone() for name, tensor in saved.items()}
with checking("Lost without an error", hints) as c:
    torch.manual_seed(0)
    network = network_with_head(16)
    try:
        started = start_from(network, saved)
    except RuntimeError as error:
        c.true(
            False,
            "the body is loaded and the head is not",
            str(error).replace("\n", " ")[:120],
            hint="The saved head has another shape, and it is not wanted. Load the body alone.",
        )
    else:
        c.true(
            started is network,
            "the network that came in is returned",
            f"got {type(started).__name__}",
            hint="Fill the network that was given, and return it.",
        )
        body = network.body.state_dict()
        arrived = sum(torch.equal(tensor, as_saved[f"module.body.{name}"]) for name, tensor in body.items())
        mistakes = {
            "Nothing has arrived. The saved names begin with 'module.', and strict=False passes over names unknown.": 0,
            "The statistics have arrived, the weights have not: were they started anew after the loading?": 3,
            "The weights have arrived, the statistics of batch norm have not: they are buffers and no parameters.": 5,
        }
        c.equal(arrived, 8, "all 8 tensors of the body are those that were saved", mistakes=mistakes)
        spread = float(network.head.weight.detach().std())
        c.true(
            0.015 < spread < 0.025 and not network.head.bias.any(),
            "the head begins anew, by fresh",
            f"its weights have the standard deviation {spread:.3f}, expected about 0.02, and a bias of 0",
            hint="The head is to begin anew by fresh, and the head alone.",
        )
        c.true(
            list(saved) == list(as_saved) and all(torch.equal(saved[name], as_saved[name]) for name in as_saved),
            "what was saved is as it was",
            "the dictionary or its tensors have changed",
            hint="The saved dictionary belongs to the caller: build another one instead of changing it.",
        )
        for missing in ("module.body.0.weight", "module.body.1.running_var"):
            rest = {name: tensor for name, tensor in as_saved.items() if name != missing}
            c.raises(
                Exception,
                lambda rest=rest: start_from(network_with_head(16), rest),
                f"an error where {missing} is missing",
                hint="A tensor that is missing has to be an error. Silence is how weights get lost.",
            )
### BEGIN HIDDEN TESTS
shapes = {name: tensor.shape for name, tensor in as_saved.items()}
values = given("saved", lambda g: [torch.randn(shape, generator=g) for shape in shapes.values()])
others = dict(zip(shapes, values, strict=True))
torch.manual_seed(0)
filled = start_from(network_with_head(6), others)
probe("body", [tensor.float() for tensor in filled.body.state_dict().values()])
probe("head's bias", filled.head.bias)
probe("head is small", bool(filled.head.weight.abs().max() < 0.15))
try:
    start_from(network_with_head(6), {name: tensor for name, tensor in others.items() if name != "module.body.3.bias"})
    probe("missing bias", "no error")
except Exception:
    probe("missing bias", "an error")
### END HIDDEN TESTS

# %% [markdown] task="parents" kind="complete" minutes=20 points=5 trains="layers, their norms, and whose memory it is"
# ## A head of two parents
#
# The generator of `micah` was fine-tuned from that of `peeps`. All its weights have moved, yet each layer still
# understands what the layer before it says. So one can *cross* the two: the first layers of one, the others of the other
# ([Pinkney and Adler 2020](https://arxiv.org/abs/2010.05334) made faces of cartoons in this way).
#
# Write `crossed(early, late, count)`: a new network whose first `count` layers are those of `early`, and whose others are
# those of `late`. Layers are counted by `layers` of the chapter: a convolution or linear layer, and the norm behind it,
# *with its statistics*. It must work for any two networks of the same architecture, discriminators too. The parents stay
# as they are and share no memory with the child.
#
# When it passes, look at the children: `plot.grid(crossed(peeps, micah, 3)(latents), alt="...")`, for 0 to 5 layers.
# Which layers hold the pose, and which the colours and the line? (That is not marked.)

# %%
peeps, micah = (weights.shipped(name)[0] for name in ("peeps", "micah"))
latents = torch.randn(8, 128, generator=torch.Generator().manual_seed(3))
print(len(layers(peeps)), "layers:", [[type(module).__name__ for module in layer] for layer in layers(peeps)])


# %% answer="parents"
def crossed(early: nn.Module, late: nn.Module, count: int) -> nn.Module:
    """A new network: the first `count` layers of `early`, the others of `late`, with the statistics of their norms."""
    ### BEGIN SOLUTION
    child = deepcopy(late)
    for ours, theirs in list(zip(layers(child), layers(early), strict=True))[:count]:
        for module, other in zip(ours, theirs, strict=True):
            module.load_state_dict(other.state_dict())
    return child
    ### END SOLUTION


# %% check="parents"
hints = [
    "Begin with a deepcopy of one parent, and replace what comes from the other.",
    "layers(network) gives lists of modules. Go through those of the child and of the other parent side by side.",
    "module.load_state_dict(other.state_dict()) copies weights and statistics, and copies them instead of sharing.",
]


def owners(child: object, early: nn.Module, late: nn.Module) -> str:
    """One letter for each layer: E for early, L for late, s where only its norm's statistics are others, ? for a mixture."""
    if not isinstance(child, nn.Module) or len(layers(child)) != len(layers(early)):
        return "no such network"
    letters = ""
    for mine, one, other in zip(layers(child), layers(early), layers(late), strict=True):
        fit = {}
        for letter, parent in (("E", one), ("L", other)):
            pairs = list(zip(mine, parent, strict=True))
            learnt = all(
                torch.equal(a, b) for m, p in pairs for a, b in zip(m.parameters(), p.parameters(), strict=True)
            )
            measured = all(torch.equal(a, b) for m, p in pairs for a, b in zip(m.buffers(), p.buffers(), strict=True))
            fit[letter] = letter if learnt and measured else "s" if learnt else ""
        letters += fit["E"] or fit["L"] or "?"
    return letters


critics = [
    nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Conv2d(2, 2, 3), nn.Flatten(), nn.Linear(8, 1)) for _ in "ab"
]
with checking("A head of two parents", hints) as c:
    early, late = deepcopy(peeps), deepcopy(micah)
    child = crossed(early, late, 2)
    mistakes = {
        "The parents are swapped: the first layers are those of early.": "LLEEE",
        "One layer too many comes from early.": "EEELL",
        "One layer too few comes from early.": "ELLLL",
        "The weights of the norms have come along, their running means and variances have not.": "ssLLL",
        "These are all of early: the others are those of late.": "EEEEE",
        "These are all of late: nothing of early has arrived.": "LLLLL",
        "A norm belongs to the convolution in front of it: both come from one parent.": "??LLL",
        "The last layers come from early, and it should be the first.": "LLLEE",
    }
    c.equal(owners(child, peeps, micah), "EELLL", "2 layers of early, 3 of late", mistakes=mistakes)
    for network, original in ((early, peeps), (late, micah)):
        state = original.state_dict()
        c.true(
            all(torch.equal(value, state[key]) for key, value in network.state_dict().items()),
            "a parent is as it was",
            "a parent has changed",
            hint="The parents must stay as they are. Work on a deepcopy.",
        )
    if isinstance(child, nn.Module):
        addresses = {value.data_ptr() for parent in (early, late) for value in parent.state_dict().values()}
        c.true(
            not any(value.data_ptr() in addresses for value in child.state_dict().values()),
            "the child shares no memory with them",
            "a tensor of the child is a parent's: training the child would train the parent",
            hint="Some modules or tensors are the parents' own. Copy the numbers.",
        )
    c.equal(owners(crossed(deepcopy(peeps), deepcopy(micah), 0), peeps, micah), "LLLLL", "0 layers: all of late")
    c.equal(owners(crossed(deepcopy(peeps), deepcopy(micah), 5), peeps, micah), "EEEEE", "5 layers: all of early")
    c.equal(
        owners(crossed(*critics, 1), *critics),
        "ELL",
        "two critics of three layers",
        hint="It must work for any network: go by layers(...), not by the names inside a Generator.",
    )
### BEGIN HIDDEN TESTS
noise = given("noise", lambda g: torch.randn(2, 128, generator=g))
with torch.no_grad():
    for number in (1, 3, 4):
        probe(f"pictures {number}", crossed(peeps, micah, number).eval()(noise), within=1e-3)
    probe("the other way", crossed(micah, peeps, 3).eval()(noise), within=1e-3)
pair = [weights.shipped_pair(name)[1] for name in ("peeps", "peeps")]
with torch.no_grad():
    for weight in pair[1].parameters():
        weight.mul_(0.9)
images = given("images", lambda g: 2 * torch.rand(2, 3, 64, 64, generator=g) - 1)
probe("logits", crossed(*pair, 2)(images), within=1e-3)
### END HIDDEN TESTS

# %% [markdown] task="midway" kind="explain" minutes=8 points=4 trains="what fine-tuning keeps"
# ## Half way between two generators
#
# Take two generators of the same architecture, and mix them weight by weight: $(1 - t)\, w + t\, w'$, with the statistics
# of the norms mixed likewise. Each row goes from the one, $t = 0$, to the other, $t = 1$, with the same latent.
#
# - **kin**: from `peeps` to `micah`, which was fine-tuned from it.
# - **shuffled**: the same, but the channels of `micah` have been renumbered at random, in each layer between latents
#   and picture. The layer behind takes them in the new order.


# %%
def mixed(one: nn.Module, other: nn.Module, share: float) -> nn.Module:
    """One generator, moved so far towards the other."""
    net, target = deepcopy(one), other.state_dict()
    state = {name: torch.lerp(a.float(), target[name].float(), share) for name, a in one.state_dict().items()}
    net.load_state_dict(state)
    return net.eval()


def renumbered(generator: nn.Module, random: torch.Generator) -> nn.Module:
    """The same generator with the channels between its layers in another order."""
    net = deepcopy(generator)
    parts = layers(net)
    with torch.no_grad():
        for (convolution, norm), (following, *_) in pairwise(parts):
            order = torch.randperm(norm.num_features, generator=random)
            convolution.weight.copy_(convolution.weight[:, order])
            for tensor in (norm.weight, norm.bias, norm.running_mean, norm.running_var):
                tensor.copy_(tensor[order])
            following.weight.copy_(following.weight[order])
    return net


start, end = (weights.shipped(name)[0] for name in ("peeps", "micah"))
other_order = renumbered(end, torch.Generator().manual_seed(0))
head = torch.randn(6, 128, generator=torch.Generator().manual_seed(3))[[0, 2]]
shares = [0.0, 0.25, 0.5, 0.75, 1.0]
rows = {}
with torch.no_grad():
    for number in range(2):
        for name, target in (("kin", end), ("shuffled", other_order)):
            pictures = [mixed(start, target, share)(head[[number]]) for share in shares]
            rows[name + " " * number] = torch.cat(pictures)
alt = "Four rows of five heads. In the rows of kin a peeps head turns into a micah head, and half way it is a head with features of both. In the shuffled rows the ends are the same, and half way there is only pale fog."
plot.compare(rows, titles=[f"t = {share:g}" for share in shares], alt=alt, width=5.6)

# %% [markdown]
# 1. Why do both kinds of rows end in the same picture, though hardly a number stands in the same place?
# 2. Why is half way still a head in the rows of kin, and fog in the others?
# 3. Two generators are trained from scratch on the same heads with different seeds. Which row would their mixtures look
#    like, and why?
# 4. `kept` of section 1 says that not one number of `peeps` stands in `micah` unchanged. What has fine-tuning kept all
#    the same?
#
# One or two sentences for each. (More on this: [Neyshabur et al. 2020](https://arxiv.org/abs/2008.11687),
# [Entezari et al. 2022](https://arxiv.org/abs/2110.06296).)

# %% [markdown] explain="midway"
# A layer adds up its input channels, so their order does not matter as long as the weights behind follow it: the
# renumbered network computes the same function. In the rows of kin a channel has the same meaning in both networks,
# because fine-tuning has moved it from there by a little; half of both is a channel of about this meaning, and the layer
# behind still understands it. In the shuffled rows the mean is taken of channels that mean different things. They
# blur each other, layer after layer, and the layers behind get a signal that is weak and without meaning. Two networks
# from different seeds number their channels by chance, and do not even have the same ones, so their mixture is fog as
# well. What fine-tuning keeps is not the numbers but the roles: which channel does what, and how the layers speak to each
# other. Therefore fine-tuned relatives, or a network and its own past as in the moving average, can be averaged.
#
# **Rubric.**
#
# - 1 point: the order of channels is arbitrary; the next layer's weights are renumbered too, so the function is the same.
# - 1 point: kin: corresponding channels have like meanings, their mean has a meaning; shuffled: means of unrelated
#   channels.
# - 1 point: different seeds: fog, for the numbering, and the channels themselves, depend on the seed.
# - 1 point: kept are the roles of the channels or the function of the layers, though every number has moved.
