# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 02 The minimax game as code
#
# **How does a formula become a network that draws?**
#
# Chapter 01 played the game with points, where everything could be checked. This chapter writes it down line by line,
# puts convolutions in the place of small networks, and lets them draw: garments first, then heads. On the way stand the
# mistakes that nearly everybody makes once. Each is shown failing, and at the end six sick runs wait for your
# diagnosis.
#
# | | |
# | --- | --- |
# | **You will learn** | to write the game as a loss on logits; which gradients may reach which network; why the generator does not play minimax; what four other losses and three leashes do; how a DCGAN is built and trained; to read the curves; to diagnose a run that fails |
# | **You need** | chapter 01, PyTorch to the level of a training loop, convolutions. No GPU and no network |
# | **It takes** | about 90 minutes to read. The machine needs about three minutes on two CPU cores, most of it for two runs that you can watch |

# %%
import io
import math
import signal
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from copy import deepcopy
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn

from minigan import data, hardware, plot, weights
from minigan.course import checking, pick, zoo
from minigan.course.checking import NotYet
from minigan.data import ImageSet, known
from minigan.files import whole_file
from minigan.plot import FAKE, GOLD, GREEN, PINK, REAL, tile
from minigan.progress import Progress
from minigan.weights import save_network

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The game
#
# $$\min_G \max_D\; \mathbb{E}_{x}[\log D(x)] + \mathbb{E}_{z}[\log(1 - D(G(z)))]$$
#
# From here to code: means over batches, a minimum for each player, logits.
#
# ???
# (3 min) x is a real picture, z random numbers, G(z) the picture made of them, D the probability of real. Ask which terms
# each player can move: D both, G only the second. Optimisers go downhill, so D's loss is minus V. An expectation becomes a
# mean over a batch. One step remains: a network puts out a logit and no probability.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Both logarithms are one function
#
# $$-\log \sigma(\ell) = \log(1 + e^{-\ell}) = \mathrm{softplus}(-\ell)$$
#
# $$-\log\big(1 - \sigma(\ell)\big) = \log(1 + e^{\ell}) = \mathrm{softplus}(\ell)$$
#
# ???
# (4 min) Let the room derive the first line: sigma is one over 1 plus e to the minus l. The second is the same with the
# sign turned. So D's loss is softplus of minus the real logits plus softplus of the fake logits, both in the mean. That is
# bce_d, a single line of the library. Show it in the notebook.

# %% [markdown]
# ## 1. From the formula to a loss
#
# This is the first of the two formulas of the course
# ([Goodfellow et al. 2014](https://arxiv.org/abs/1406.2661), eq. 1):
#
# $$\min_G \max_D V(D, G) = \mathbb{E}_{x \sim p_\mathrm{data}}[\log D(x)] + \mathbb{E}_{z \sim p_z}[\log(1 - D(G(z)))]$$
#
# $x$ is a real picture, $z$ a vector of random numbers, $G(z)$ the picture that the generator makes of it, and $D(x)$
# the probability that the discriminator gives to "real". Five steps lead from here to code.
#
# 1. **An expectation becomes a mean over a batch.**
# 2. **A maximum becomes a minimum.** Optimizers go downhill, so $D$'s loss is $-V$.
# 3. **A probability becomes a logit.** The network puts out any number $\ell$, and
#    $D(x) = \sigma(\ell) = 1 / (1 + e^{-\ell})$. Large positive: surely real. Large negative: surely fake. Zero: no
#    idea.
# 4. **Both logarithms become the same function.** With $\mathrm{softplus}(t) = \log(1 + e^t)$:
#
# $$-\log \sigma(\ell) = \log(1 + e^{-\ell}) = \mathrm{softplus}(-\ell)$$
#
# $$-\log(1 - \sigma(\ell)) = -\log \frac{e^{-\ell}}{1 + e^{-\ell}} = \log(1 + e^{\ell}) = \mathrm{softplus}(\ell)$$
#
# 5. **Each player gets its own loss.** $G$ minimises $V$, and only the second term depends on $G$.

# %% minigan="losses"
# DiscriminatorLoss, GeneratorLoss, bce_d, minimax_g

# %% [markdown]
# **Predict.** A discriminator that cannot tell the two apart answers with logit 0 to everything. What does it pay? And
# what did chapter 01 say about the value of the game at its end?

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What does an undecided $D$ pay?
#
# It answers with logit 0 to everything. **Predict** its loss.
#
# ???
# (2 min) Give them a minute: log 2 for the reals, log 2 for the fakes. Together log 4, minus the value of the game at its
# end in chapter 01. It is the one number on D's curve that means something. We come back to it with the garments.

# %% slideshow={"slide_type": "fragment"} tags=["nbval-check-output", "slide-text"]
undecided = torch.zeros(8)
print(f"bce_d with all logits 0: {bce_d(undecided, undecided):.6f}")
print(f"log 4:                   {math.log(4):.6f}")

# %% [markdown]
# It pays $\log 2$ for each of the two kinds, together $\log 4$. That is minus the value $-\log 4$ of the game where
# $p_g = p_\mathrm{data}$. Remember this number: it is the one on $D$'s curve that means something.
#
# ### Why not take the sigmoid first?
#
# **Predict.** A fake gets the logit 20: $D$ is badly fooled. The exact loss $-\log(1 - \sigma(20))$ is a little more
# than 20. What comes out in `float32`, with its 24 bits, if the sigmoid is computed first?

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Sigmoid first loses the gradient
#
# A fake gets the logit 20: $D$ is badly fooled. **Predict** loss and slope in `float32`, by three routes.
#
# ???
# (4 min) Ask which of the three still has a slope at 20. Most say all of them, the formula is the same. Show. The naive
# logarithm breaks off to infinity from 16.7 on, where sigmoid is exactly 1. BCELoss cuts it off at 100: the value looks
# harmless and the slope is 0, so the worst mistake of D is the one it learns nothing from. Softplus never forms the sigmoid.
# And no softmax: a softmax of one logit is always 1.

# %% slideshow={"slide_type": "fragment"}
logits = torch.linspace(-5, 110, 1151)


def with_slope(function: Callable[[Tensor], Tensor], logits: Tensor) -> tuple[Tensor, Tensor]:
    """A function of each logit by itself, and its derivative as autograd finds it."""
    logits = logits.clone().requires_grad_(True)
    values = function(logits)
    (slopes,) = torch.autograd.grad(values.sum(), logits)
    return values.detach(), slopes


routes = {
    "log of 1 - sigmoid": (lambda fake: -torch.log(1 - torch.sigmoid(fake)), GOLD, 7),
    "BCELoss of a sigmoid": (
        lambda fake: F.binary_cross_entropy(torch.sigmoid(fake), torch.zeros_like(fake), reduction="none"),
        FAKE,
        4,
    ),
    "softplus": (F.softplus, REAL, 1.8),
}
alt = (
    "Left: the loss of a fake against its logit. Softplus rises as a straight line; the naive logarithm breaks off to "
    "infinity near 17, and BCELoss jumps to 100. Right: only the slope of softplus stays at 1; the others fall to 0 or vanish."
)
with plot.figure(2, alt=alt) as (left, right):
    for name, (function, colour, width) in routes.items():
        values, slopes = with_slope(function, logits)
        left.plot(logits, values, color=colour, lw=width, label=name)
        right.plot(logits, slopes, color=colour, lw=width)
    left.set(title="loss of a fake, in float32", xlabel="logit of the fake", ylim=(-5, 115))
    right.set(title="its slope: what training gets", xlabel="logit of the fake", ylim=(-0.1, 1.25))
    left.legend(loc="lower right")

first_lost = logits[torch.sigmoid(logits) == 1][0]
print(f"From logit {first_lost:.1f} on, sigmoid gives exactly 1 in float32.")

# %% [markdown]
# One minus one is zero, the logarithm of zero is minus infinity, and its slope is not a number. `BCELoss` guards itself
# by cutting the logarithm off at -100. The value then looks harmless, but its slope is 0: the worst mistake of $D$ is
# the one it learns nothing from. `softplus` never forms the sigmoid. It is right everywhere, and its slope is
# $\sigma(\ell)$.
#
# PyTorch has this loss under the name `binary_cross_entropy_with_logits`. One often reads that it "combines a softmax
# with the cross-entropy". It does not: it combines a *sigmoid* with it. A softmax of one logit is 1, whatever the logit
# says. What is true: a softmax over the *two* logits $(0, \ell)$ gives $(1 - \sigma(\ell), \sigma(\ell))$.

# %% tags=["nbval-check-output"]
real_logits, fake_logits = torch.tensor([-2.0, 0.0, 3.0]), torch.tensor([1.0, -4.0, 0.5])
ones, zeros = torch.ones(3), torch.zeros(3)
torch_loss = F.binary_cross_entropy_with_logits(real_logits, ones) + F.binary_cross_entropy_with_logits(
    fake_logits, zeros
)
pairs = torch.stack([zeros, real_logits], dim=1)
print(f"ours {bce_d(real_logits, fake_logits):.6f}, torch's {torch_loss:.6f}")
print("softmax of one logit:     ", torch.softmax(real_logits[:, None], dim=1).flatten().tolist())
print("softmax of (0, logit):    ", [round(p, 4) for p in torch.softmax(pairs, dim=1)[:, 1].tolist()])
print("sigmoid of the logit:     ", [round(p, 4) for p in torch.sigmoid(real_logits).tolist()])

# %% [markdown]
# ## 2. Which gradient may go where
#
# Two networks, two losses, one graph. One training step looks like this.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Two updates, one graph
#
# ???
# (4 min) Let somebody read the upper picture aloud: whose weights learn, where is the gradient cut, and why there. Then the
# lower one: the gradient passes through D and must not stay in it. Both updates use the same fakes, because a forward pass
# of the generator is not cheap. That is where the trouble starts.

# %% slideshow={"slide_type": "-"}
NODES = {
    "z": (0.4, 2.4),
    "G": (2.2, 2.4),
    "G(z)": (4.1, 2.4),
    "x": (4.1, 0.7),
    "D": (6.3, 1.55),
    "logits": (8.1, 1.55),
    "loss": (9.8, 1.55),
}


def arrow(
    axis: Any, start_at: str, end_at: str, colour: str, bend: float = 0.0, style: str = "-", width: float = 1.5
) -> None:
    """An arrow between two nodes; gradients bend away from the data."""
    shape = {"arrowstyle": "-|>", "color": colour, "lw": width, "ls": style, "connectionstyle": f"arc3,rad={bend}"}
    axis.annotate("", NODES[end_at], NODES[start_at], arrowprops={**shape, "shrinkA": 17, "shrinkB": 17})


def draw_step(axis: Any, title: str, learns: str) -> None:
    """The graph of one player's update: data in grey from left to right, gradients in colour from right to left."""
    axis.set(xlim=(-0.2, 10.6), ylim=(0.2, 3.9), title=title)
    axis.axis("off")
    for ends in pairwise(("z", "G", "G(z)", "D", "logits", "loss")):
        arrow(axis, *ends, "0.65")
    if learns == "D":
        arrow(axis, "x", "D", "0.65")
    colours = {"G": FAKE if learns == "G" else "0.85", "D": REAL if learns == "D" else "0.85"}
    for name, (x, y) in NODES.items():
        if name == "x" and learns == "G":
            continue
        box = {"boxstyle": "round,pad=0.45", "fc": colours.get(name, "white"), "ec": "0.4"}
        axis.text(x, y, name, ha="center", va="center", color="white" if name == learns else "black", bbox=box)
    colour = REAL if learns == "D" else FAKE
    arrow(axis, "loss", "D", colour, bend=0.5, width=2.6, style="-" if learns == "D" else "--")
    if learns == "D":
        axis.plot([5.15, 5.35], [2.75, 1.75], color="black", lw=4)
        axis.text(5.15, 2.9, "detach: no further", ha="center", fontsize=9.5)
        axis.text(8.1, 2.95, "gradient into D's weights", color=colour, ha="center", fontsize=9.5)
    else:
        arrow(axis, "D", "G(z)", colour, bend=0.5, width=2.6, style="--")
        arrow(axis, "G(z)", "G", colour, bend=0.7, width=2.6)
        axis.text(8.1, 3.0, "through D, not into it", color=colour, ha="center", fontsize=9.5)
        axis.text(2.9, 3.65, "gradient into G's weights", color=colour, ha="center", fontsize=9.5)


alt = (
    "Two graphs. In the discriminator's update the gradient runs from the loss into D and is cut before the fake pictures. "
    "In the generator's update it runs through D without stopping there, over the fake pictures into G."
)
with plot.figure(1, 2, alt=alt, size=(7.4, 2.4)) as (above, below):
    draw_step(above, "1. D's update: bce_d(real logits, fake logits)", "D")
    draw_step(below, "2. G's update, on the same fakes: the generator's loss(fake logits)", "G")

# %% [markdown]
# Both updates use the same fakes, because a generator's forward pass is not cheap. That is where the trouble starts. To
# see it plainly, take networks for points in the plane, as in chapter 01.

# %% minigan="nets"
# mlp

# %% [markdown]
# **Predict.** The cell below makes fakes once, updates nothing, and asks for both gradients, one after the other. There
# is no `detach`. What happens?

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Without `detach`: what happens?
#
# ???
# (3 min) Fakes are made once, nothing is updated, both gradients are asked for. Take answers: works, wrong numbers, error.
# It is an error: D's backward pass ran on into G and freed the graph behind it. PyTorch advises retain_graph=True. Ask who
# has written that line. Then: what is left in G?

# %% slideshow={"slide_type": "-"} tags=["slide-code"]
torch.manual_seed(0)
small_g, small_d = mlp(2, 2), mlp(2, 1)
points, latents = torch.randn(64, 2) + 2, torch.randn(64, 2)
fake_points = small_g(latents)

bce_d(small_d(points), small_d(fake_points)).backward()
try:
    minimax_g(small_d(fake_points)).backward()
except RuntimeError as error:
    print("RuntimeError:", str(error).split(".")[0])
    print("It advises:", str(error).split(". ")[-1])

# %% [markdown]
# $D$'s backward pass ran on through the fakes into $G$, and PyTorch freed the graph behind it. The message advises
# `retain_graph=True`. Many a program has that line. The error is gone, and this is what is left.


# %% [markdown] slideshow={"slide_type": "slide"}
# ## With `retain_graph=True` the error is gone
#
# **Predict** the gradient that is left in $G$.
#
# ???
# (3 min) Show, and wait. It is exactly zero: PyTorch adds gradients, D's loss holds plus softplus for each fake, the
# minimax loss of G holds minus softplus. Two players pull at the same weights with the same force. There is no error and no
# strange number, and the generator stands still. Remember it for the ward.


# %% slideshow={"slide_type": "fragment"} tags=["slide-text"]
def size_of_gradient(network: nn.Module) -> float:
    """The length of the gradient that is stored with a network's weights, all together. 0 where there is none."""
    return math.sqrt(sum(float(p.grad.square().sum()) for p in network.parameters() if p.grad is not None))


def forget(*networks: nn.Module) -> None:
    for network in networks:
        network.zero_grad()


forget(small_g, small_d)
fake_points = small_g(latents)
bce_d(small_d(points), small_d(fake_points)).backward(retain_graph=True)
left_by_d = size_of_gradient(small_g)
minimax_g(small_d(fake_points)).backward()
together = size_of_gradient(small_g)

forget(small_g, small_d)
minimax_g(small_d(small_g(latents))).backward()
alone = size_of_gradient(small_g)
print(f"gradient of D's loss, left in G:  {left_by_d:.6f}")
print(f"gradient of G's own loss:         {alone:.6f}")
print(f"both, added up in G:              {together:.6f}")

# %% [markdown]
# **They cancel.** PyTorch *adds* gradients. $D$'s loss holds $+\mathrm{softplus}(\ell)$ for each fake, and the minimax
# loss of $G$ holds $-\mathrm{softplus}(\ell)$. The two players pull at the same weights with the same force in opposite
# directions, and the generator stands still. There is no error, no warning, no strange number: patient 4 in section 9
# has this illness. (Here $D$ was not moved between the two passes. In training it is, and the sum is nearly 0.)
#
# Clearing $G$'s gradient just before its own backward pass would hide it. The right mend takes the fakes out of $G$'s
# graph for $D$'s update: `fake.detach()` has the same numbers and no history. It saves the useless backward pass
# through $G$ as well.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Say whose gradients you want
#
# `fake.detach()` in $D$'s update
#
# `backward(inputs=list(generator.parameters()))` in $G$'s
#
# ???
# (3 min) Ask why the second cannot be a detach: G's gradient must pass through D. A plain backward stores it in D's weights
# as well, 1.2 of it here, where nobody wants it. Nothing is toggled, so nothing must be toggled back.

# %% slideshow={"slide_type": "-"} tags=["slide-text"]
forget(small_g, small_d)
fake_points = small_g(latents)
bce_d(small_d(points), small_d(fake_points.detach())).backward()
print(f"with detach, D's update leaves in G:        {size_of_gradient(small_g):.6f}")

forget(small_d)
minimax_g(small_d(fake_points)).backward()
print(f"G's update, plain backward(), leaves in D:  {size_of_gradient(small_d):.6f}")

forget(small_g, small_d)
fake_points = small_g(latents)
minimax_g(small_d(fake_points)).backward(inputs=list(small_g.parameters()))
print(f"with backward(inputs=...) it leaves in D:   {size_of_gradient(small_d):.6f}")
print(f"and in G, as it should:                     {size_of_gradient(small_g):.6f}")

# %% [markdown]
# The other direction has no `detach`: $G$'s gradient *must* pass through $D$. A plain `backward()` also stores it in
# $D$'s weights, where nobody wants it. `backward(inputs=...)` says whose gradients are asked for, and PyTorch computes
# no others. Nothing is toggled, nothing must be toggled back.
#
# ## 3. The generator does not play minimax
#
# The paper that defines the game also says, in its section 3, not to train $G$ on it. Instead of minimising
# $\log(1 - D(G(z)))$, it maximises $\log D(G(z))$.

# %% minigan="losses"
# non_saturating_g

# %% [markdown]
# **Predict.** Early in training $D$ is confident: it gives fakes the logit -8, say. Which of the two losses is flat
# there? Sketch both against the logit before you look.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## $D$ is sure: which loss is flat?
#
# Minimax: $\log(1 - D)$. Non-saturating: $-\log D$. A bad fake has the logit $-8$.
#
# ???
# (5 min) Let everybody sketch both losses over the logit. Show, middle panel: minimax pulls hard where a sample already
# passes for real and lets go where it is bad. It saturates. Some well-known accounts say the reverse. The third panel shows
# how: drawn over D, minimax looks steep at the left end. No network puts out D. Draw a loss over what the network puts out.
# The paper itself, in its section 3, tells you to train G on the other one.

# %% slideshow={"slide_type": "fragment"}
logits = torch.linspace(-8, 8, 321)
both = {
    "minimax: log(1 − D)": (lambda fake: -F.softplus(fake), REAL),
    "non-saturating: −log D": (lambda fake: F.softplus(-fake), FAKE),
}
alt = (
    "Three panels. Against the logit the minimax loss is flat on the left, where samples are bad, and its slope is 0 there; "
    "the non-saturating loss has slope 1 there and is flat on the right. Against D itself the minimax loss hides its flatness."
)
with plot.figure(3, alt=alt, size=(3.3, 3.0)) as (loss_panel, slope_panel, hidden_panel):
    for name, (function, colour) in both.items():
        values, slopes = with_slope(function, logits)
        loss_panel.plot(logits, values, color=colour, label=name)
        slope_panel.plot(logits, slopes.abs(), color=colour)
        hidden_panel.plot(torch.sigmoid(logits), values, color=colour)
    for panel in (loss_panel, slope_panel):
        panel.axvspan(-8, -3, color="0.92", lw=0)
        panel.set_xlabel("logit of a fake")
    loss_panel.set_title("the generator's loss")
    loss_panel.legend(loc="upper right", fontsize=8.5)
    loss_panel.set_ylim(-8.5, 12)
    slope_panel.set_title("strength of the pull on the logit")
    slope_panel.text(-7.7, 0.5, "bad samples,\nrejected by D", fontsize=8.5)
    hidden_panel.set(title="the same losses against D(G(z))", xlabel="D(G(z))", ylim=(-6, 6))

# %% [markdown]
# The slopes are $-\sigma(\ell)$ for minimax and $-\sigma(-\ell)$ for the other. Both push the logit up, so both have
# the same aim. But minimax pulls hard where a sample is already taken for real, and lets go where it is *bad*: the loss
# **saturates**. The non-saturating loss does the reverse.
#
# Some well-known accounts have this backwards. The third panel shows how that comes about. Drawn over $D(G(z))$, the
# minimax curve has slope -1 at the left end and does not look flat at all. But no network puts out $D$. It puts out the
# logit, and between the two stands the sigmoid, whose slope $D(1 - D)$ is 0 at that end. **Draw a loss over what the
# network puts out.**
#
# A second trap has the opposite sign: many programs that are called "minimax" train the non-saturating loss, because it
# is one short line with labels swapped. That is good for the pictures, but such a program shows nothing about minimax.
#
# ## 4. Four more games, and three leashes
#
# Any pair of losses that lifts real logits and lowers fake ones makes a game. Three pairs besides cross-entropy are in
# wide use: least squares ([Mao et al. 2017](https://arxiv.org/abs/1611.04076)), hinge
# ([Lim and Ye 2017](https://arxiv.org/abs/1705.02894)) and Wasserstein
# ([Arjovsky et al. 2017](https://arxiv.org/abs/1701.07875)).

# %% minigan="losses"
# least_squares_d, least_squares_g, hinge_d, wasserstein_d, linear_g, ADVERSARIAL

# %% [markdown]
# **Predict.** At a certain $x$ real pictures are three times as dense as fakes, $p / q = 3$. The best discriminator of
# chapter 01 answers with the logit $\log 3$. What does the best one answer in each of the other games?
#
# There is no need for algebra. The third panel tries all answers from -6 to 6, and takes the one that costs $D$ the
# least.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What does the best $D$ answer?
#
# Real pictures are three times as dense here: $p / q = 3$. Cross-entropy says $\log 3$. **Predict** the others.
#
# ???
# (5 min) Least squares, hinge, Wasserstein. Take a guess for each, then look at the right panel. Least squares says three
# quarters, p over p + q: a sigmoid in front of it would be a mistake. Hinge says plus one, only which is denser. Wasserstein
# runs to the edge and would run further: it makes sense only on a leash.

# %% slideshow={"slide_type": "fragment"}
answers = torch.linspace(-6, 6, 1201)
log_ratio = torch.linspace(-5, 5, 201)
share = torch.sigmoid(log_ratio)[:, None]  # of real pictures at this x: p / (p + q)
looks = {
    "minimax": (REAL, "-"),
    "non_saturating": (FAKE, "--"),
    "least_squares": (GREEN, "-"),
    "hinge": (GOLD, "-"),
    "wasserstein": (PINK, ":"),
}
alt = (
    "Three panels for five games. The discriminator's loss falls with a growing margin, levels off or turns up again. The generator's losses. "
    "The best answer: a straight line for cross-entropy, a curve between 0 and 1 for least squares, a step from -1 to 1 for hinge, the edge for Wasserstein."
)
with plot.figure(3, alt=alt, size=(3.3, 3.1)) as (d_panel, g_panel, answer_panel):
    for name, (d_loss, g_loss) in ADVERSARIAL.items():
        colour, style = looks[name]
        d_panel.plot(answers, torch.vmap(d_loss)(answers, -answers), color=colour, ls=style)
        g_panel.plot(answers, torch.vmap(g_loss)(answers), color=colour, ls=style, label=name)
        on_real = torch.vmap(d_loss)(answers, torch.zeros_like(answers))  # up to a constant, which moves no minimum
        on_fake = torch.vmap(d_loss)(torch.zeros_like(answers), answers)
        best = answers[(share * on_real + (1 - share) * on_fake).argmin(1)]
        answer_panel.plot(log_ratio, best, color=colour, ls=style)
    d_panel.set(title="D's loss: real at t, fake at −t", xlabel="margin t", ylim=(-5, 9))
    g_panel.set(title="G's loss", xlabel="logit of a fake", ylim=(-7, 12))
    answer_panel.set(title="best answer of D", xlabel="log p/q")
    g_panel.legend(loc="upper right", fontsize=8)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The leash is the more important half
#
# $$\text{R1: } \tfrac12\, \lVert \nabla_x D(x) \rVert^2 \text{ at real } x$$
#
# $$\text{gradient penalty: } \big(\lVert \nabla_x D(x) \rVert - 1\big)^2 \text{ in between}$$
#
# ???
# (3 min) Where reals and fakes do not overlap, which is how it is with pictures, p over q is zero or infinite, and
# cross-entropy wants infinite logits. A slope has to be forbidden. R1 wants slope 0 at the reals, the gradient penalty slope
# 1 on the way, and spectral norm divides each weight matrix so that no layer stretches. Ask why 0 at the reals: there D is
# level when the game ends.

# %% [markdown]
# - **Cross-entropy** (both generator losses share this $D$) answers $\log p/q$, without bound.
# - **Least squares** answers $p / (p + q)$, between its two targets 0 and 1. Its loss grows again for a $D$ that is
#   right by *too much*. The raw score takes the place of the probability: a sigmoid in front of it would be a mistake.
# - **Hinge** says only which is denser, by +1 or -1. Beyond the margin it pays nothing, and learns nothing more.
# - **Wasserstein** runs to the edge, and would run further: more is always better. Its $D$, called a *critic*, makes
#   sense only on a leash: among all functions whose slope is nowhere above 1, the best one measures how far the fakes
#   must be moved.
#
# The leash is the more important half. If reals and fakes do not overlap, $p / q$ is 0 or infinite everywhere, and
# cross-entropy wants infinite logits too. Pictures are in this situation: a slope has to be *forbidden*. The penalties
# do it softly. **R1** ([Mescheder et al. 2018](https://arxiv.org/abs/1801.04406)) wants slope 0 at real pictures,
# because $D$ is level there when the game ends. The **gradient penalty**
# ([Gulrajani et al. 2017](https://arxiv.org/abs/1704.00028)) wants slope 1 between real and fake.

# %% minigan="losses"
# squared_gradient_norm, r1_penalty, gradient_penalty

# %% [markdown]
# The third leash is no penalty. **Spectral norm** ([Miyato et al. 2018](https://arxiv.org/abs/1802.05957)) divides each
# weight matrix by its largest singular value, the most by which it can stretch a vector. No layer then stretches, so
# the slope is at most 1 by construction. (For a convolution the matrix is the reshaped kernel, so there it holds only
# roughly.)
#
# A critic whose slope is known checks all this on paper. Let $D(x) = \sum_i x_i$ on pictures of 3 x 3 pixels. Its
# gradient is 1 at each of nine pixels, so $\lVert \nabla_x D \rVert = \sqrt 9 = 3$ at every picture.
#
# **Predict** the two penalties. And what do you get with the norm over the channels (`dim=1`, a mistake found in
# much-copied code), or over the whole batch of 16?

# %% [markdown] slideshow={"slide_type": "slide"}
# ## One norm for each picture
#
# $D(x) = \sum_i x_i$ on 3 x 3 pixels: $\lVert \nabla_x D \rVert = 3$. **Predict** both penalties, and two wrong ones.
#
# ???
# (4 min) Nine ones, so the norm is 3. R1 is 4.5, the penalty 4. With the norm over channels, a mistake found in much-copied
# code, the penalty is 0: content with a critic three times too steep. Over the batch of 16 it presses the slope of each
# picture down. Both run without an error. Known answers like these make the test.

# %% slideshow={"slide_type": "fragment"} tags=["nbval-check-output", "slide-text"]
linear = nn.Sequential(nn.Flatten(), nn.Linear(9, 1, bias=False))
nn.init.ones_(linear[1].weight)
pictures, others = torch.rand(16, 1, 3, 3), torch.rand(16, 1, 3, 3)
print(f"R1, 1/2 * 3^2:                        {r1_penalty(linear, pictures):.2f}")
print(f"gradient penalty, (3 - 1)^2:          {gradient_penalty(linear, pictures, others):.2f}")

pictures.requires_grad_(True)
(gradient,) = torch.autograd.grad(linear(pictures).sum(), pictures)
print(f"norm over channels, (1 - 1)^2:        {(gradient.norm(dim=1) - 1).square().mean():.2f}")
print(f"norm over the batch, (3 * 4 - 1)^2:   {(gradient.norm() - 1).square():.2f}")

# %% [markdown]
# Over the channels the penalty is content with a critic three times too steep. On a picture of 64 x 64 pixels it would
# be content with 64 times. Over the batch it is the reverse: it presses the slope of each picture down to
# $1 / \sqrt N$. Both run without an error. **One norm for each picture, over everything in it.**
#
# What does each leash do to the logit? Put the reals at 1 and the fakes at -1, far enough apart that they never
# overlap, and train $D$ alone. **Predict** its curve with no leash after ever more steps.


# %% [markdown] slideshow={"slide_type": "slide"}
# ## What each leash does
#
# Reals at 1, fakes at $-1$, no overlap. Dotted: a third of the way.
#
# ???
# (3 min) Cover the right side and ask what cross-entropy does with ever more steps: it grows, without end. R1 levels it off
# at the reals, and only there. Right: the gradient penalty gives a ramp of slope 1.1 from fakes to reals, so a fake learns
# the way wherever it is. Spectral norm needs no term in the loss.


# %% slideshow={"slide_type": "-"}
def trained_critic(
    loss: str, leash: Callable[..., Tensor | float], spectral: bool, steps: int, seed: int = 2
) -> list[Tensor]:
    """Logits over the line after a third of the steps and after all. `leash(D, real, fake)` is added to D's loss."""
    torch.manual_seed(seed)
    critic = mlp(1, 1, 64)
    if spectral:
        for layer in critic:
            if isinstance(layer, nn.Linear):
                nn.utils.parametrizations.spectral_norm(layer)
    optimizer = torch.optim.Adam(critic.parameters(), 2e-3)
    seen = []
    for number in range(1, steps + 1):
        real, fake = 1 + 0.15 * torch.randn(64, 1), -1 + 0.15 * torch.randn(64, 1)
        total = ADVERSARIAL[loss][0](critic(real), critic(fake)) + leash(critic, real, fake)
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
        if number in (steps // 3, steps):
            seen.append(critic(line[:, None]).detach().flatten())
    return seen


line = torch.linspace(-2.2, 2.2, 221)
steps_of_critic = pick(quick=6, cpu=300, full=600)
critics = {
    "cross-entropy, no leash": ("non_saturating", lambda critic, real, fake: 0.0, False, REAL),
    "cross-entropy + R1": ("non_saturating", lambda critic, real, fake: r1_penalty(critic, real), False, GREEN),
    "Wasserstein + penalty": (
        "wasserstein",
        lambda critic, real, fake: 10 * gradient_penalty(critic, real, fake),
        False,
        PINK,
    ),
    "hinge + spectral norm": ("hinge", lambda critic, real, fake: 0.0, True, GOLD),
}
alt = (
    "Logits over a line with reals at 1 and fakes at -1. Left, cross-entropy: without a leash the curve keeps growing; with R1 it "
    "is level at the reals. Right: the gradient penalty gives a ramp of slope about 1, and so does spectral norm."
)
with plot.figure(2, alt=alt, size=(4.4, 3.3)) as axes:
    for number, (name, (loss, leash, spectral, colour)) in enumerate(critics.items()):
        axis = axes[number // 2]
        early, late = trained_critic(loss, leash, spectral, steps_of_critic)
        axis.plot(line, early - early[110], color=colour, lw=1, ls=":")  # a critic's zero is arbitrary
        axis.plot(line, late - late[110], color=colour, label=name)
    for axis in axes:
        axis.axvspan(-1.3, -0.7, color=FAKE, alpha=0.12, lw=0)
        axis.axvspan(0.7, 1.3, color=REAL, alpha=0.12, lw=0)
        axis.text(-1, 0.02, "fakes", ha="center", transform=axis.get_xaxis_transform())
        axis.text(1, 0.02, "reals", ha="center", transform=axis.get_xaxis_transform())
        axis.legend(loc="upper left", fontsize=8.5)
        axis.set_xlabel("x")
    axes[0].set_title("logit, less that at 0")
    axes[1].plot(line, line, color="0.7", lw=1, zorder=0)
    axes[1].set_title("the same; grey: slope 1")

loss, leash, spectral, _ = critics["Wasserstein + penalty"]
for seed in (2, 0):
    _, late = trained_critic(loss, leash, spectral, steps_of_critic, seed)
    print(f"seed {seed}: slope of the critic with the penalty between -1 and 1: {(late[160] - late[60]) / 2:+.2f}")

# %% [markdown]
# Dotted is a third of the way, solid the end. Without a leash the logit grows for as long as $D$ trains: a perfect
# separation can always be made more certain. R1 levels it off at the reals, and *only* there. The gradient penalty
# gives a ramp from the fakes to the reals with a slope near 1: wherever a fake is, it learns the way. Spectral norm
# keeps the slope at 1 or below without any term in the loss.
#
# The slope of the penalised critic can be worked out. Reals and fakes are 2 apart, so a critic of slope $s$ pays
# $-2s + \lambda (|s| - 1)^2$ with $\lambda = 10$. The least is at $s = 1 + 1/\lambda = 1.1$: the penalty is a spring,
# not a wall, and the game stretches it.
#
# And the seed 0? There the untrained critic happens to fall, and ends at the *other* minimum of the same expression,
# $s = -1 + 1/\lambda = -0.9$, with the reals below the fakes. The penalty asks for the size of the slope, not for its
# sign, and on a line the only way from -1 to 1 leads through 0, which the penalty makes too dear. The gradient of a
# picture has thousands of components, and can turn around without shrinking.
#
# ## 5. Networks that draw
#
# A network for points becomes one for pictures by convolutions. Which ones work was found by much trying. *DCGAN*
# ([Radford et al. 2016](https://arxiv.org/abs/1511.06434)) wrote the findings down as rules, most of which still hold:
#
# 1. no pooling and no fully connected layers: strided convolutions in $D$, transposed ones in $G$;
# 2. the picture doubles its side and halves its channels at each stage of $G$, and the reverse in $D$;
# 3. batch norm in both, but not on $G$'s output and not on $D$'s input;
# 4. ReLU in $G$, leaky ReLU in $D$, and tanh at $G$'s end, which is why pictures live in [-1, 1];
# 5. weights from $N(0, 0.02^2)$; Adam with a low momentum.
#
# Rule 3 has changed. Batch norm in $D$ mixes the pictures of a batch, so that $\nabla_x D(x)$ of one picture depends on
# all others, and a penalty on it loses its meaning. With a penalty, leave batch norm out of $D$ and start the weights
# as [He et al. 2015](https://arxiv.org/abs/1502.01852) advise.

# %% minigan="nets"
# UPSAMPLING, NORMS, stages, upsample, icnr_

# %% [markdown]
# Three ways to double a picture. The second, pixel shuffle, has a trap at its start: each pixel of a 2 x 2 block comes
# from its own kernel, so random kernels draw a checkerboard before anything is learnt. `icnr_` gives the four the same
# kernel.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Networks that draw, before they have learnt
#
# The same smooth map, doubled by four untrained layers.
#
# ???
# (3 min) Ask which one they would start with. The transposed convolution and the naive pixel shuffle draw a grid before
# anything is learnt. ICNR gives the four kernels of a block the same start, and the grid is gone. Then tell the rules of
# DCGAN in a minute: strided convolutions, double and halve, batch norm but not at the ends, ReLU and leaky ReLU, tanh. With
# a penalty, no batch norm in D: it mixes the pictures of a batch.

# %% slideshow={"slide_type": "-"}
torch.manual_seed(1)
smooth = F.interpolate(torch.randn(1, 16, 4, 4), 24, mode="bicubic")
naive = nn.Sequential(nn.Conv2d(16, 4, 3, 1, 1, bias=False), nn.PixelShuffle(2))
untrained = {"transposed": upsample(16, 1), "pixel shuffle, naive": naive}
untrained |= {"pixel shuffle, ICNR": upsample(16, 1, "pixel_shuffle"), "resize": upsample(16, 1, "resize")}
with torch.no_grad():
    drawn = [layer(smooth) for layer in untrained.values()]
alt = "What four untrained layers make of the same smooth map: grids of dots from the first two, smooth pictures from pixel shuffle with ICNR and from resizing."
plot.compare(
    {"": torch.cat([picture / picture.abs().max() for picture in drawn])}, titles=list(untrained), alt=alt, width=7.6
)

# %% [markdown]
# The transposed convolution starts with a grid too. It is the fastest of the three, and learns the grid away, as the
# pictures below show. Chapter 07, where a grid would matter most, measures what remains of it.

# %% minigan="nets"
# Generator, Discriminator, initialise, initialise_for_leaky_relu

# %% tags=["nbval-check-output"]
generator, discriminator = Generator(32, channels=1, latents=64, width=32), Discriminator(32, 1, 32, norm="batch")
features = generator.start(torch.randn(2, 64, 1, 1))
print("latents (2, 64)")
print("start      ", tuple(features.shape))
for number in range(0, len(generator.blocks), 3):
    features = generator.blocks[number : number + 3](features)
    print(f"block {number // 3 + 1}    ", tuple(features.shape))
images = generator(torch.randn(2, 64))
print("image      ", tuple(images.shape), "within [-1, 1]:", bool(images.abs().max() <= 1))
print("logits     ", tuple(discriminator(images).shape))
for network in (generator, discriminator):
    print(f"{type(network).__name__}: {sum(p.numel() for p in network.parameters()):,} weights")

# %% [markdown]
# ## 6. One step, and the loop around it
#
# One more part before training. With 2,400 pictures $D$ can learn them by heart, and then rejects everything else: the
# generator gets no useful gradient. **Differentiable augmentation**
# ([Zhao et al. 2020](https://arxiv.org/abs/2006.10738)) changes reals *and* fakes at random before $D$ sees them.
# Gradients pass through the changes back to $G$, so the generator still learns to draw unchanged pictures.

# %% minigan="augment"
# one_each, brightness, saturation, translation, AUGMENTATIONS, augment

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Augment both, or learn the wrong pictures
#
# With 2,400 pictures $D$ can learn them by heart.
#
# Change reals **and** fakes before $D$ sees them.
#
# ???
# (3 min) Ask what happens when only the reals are augmented, which is the classical mistake: G learns to draw pale heads off
# the centre. With both, gradients pass back through the changes, and G still learns to draw the unchanged pictures.

# %% slideshow={"slide_type": "-"}
peeps = data.load("peeps")
random = torch.Generator().manual_seed(0)
rows = {"as they are": peeps[:6]}
rows |= {name: augment(peeps[:6], [name], random).clamp(-1, 1) for name in AUGMENTATIONS}
rows["all three"] = augment(peeps[:6], AUGMENTATIONS, random).clamp(-1, 1)
alt = "Six heads, and the same after changes of brightness, saturation, place, and all three together"
plot.compare(rows, alt=alt, width=6)

# %% [markdown]
# Augmenting the reals alone is the classical mistake: $G$ would then learn to draw pale heads off the centre.
#
# Now the step. What can be set stands in one place, with its unit: lengths are counted in images, so that they keep
# their meaning when the batch changes.

# %% minigan="train"
# Batch, Generate, Terms, TrainConfig

# %% minigan="train"
# TrainState, start, describe

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The step, in forty lines
#
# 1. One batch of fakes, for both updates
# 2. `detach` for $D$; the loss of $D$, and its leash
# 3. `inputs=` for $G$; named terms, weighted and summed
# 4. An average of $G$'s weights, for drawing
#
# ???
# (4 min) Open section 6 of the notebook on the projector and find these four in the code of `step`, with the room calling
# out the line. The terms have names: "adversarial" is the first formula of the course. The second enters later as one more
# name, "features", and this code will not change for it.

# %% [markdown]
# The next cell is the chapter in forty lines. Find in it: the one batch of fakes, the `detach`, the two losses of
# section 1 and 3, the `inputs=`, the leashes.

# %% minigan="train"
# step, learning, discriminator_step

# %% [markdown]
# The step weighs and sums *named* terms. "adversarial" is the first formula of the course. The second,
# $L = L_\mathrm{adv} + \lambda L_\mathrm{FD}$, will enter as one more name, `{"features": ...}` with its weight
# $\lambda$, and this step will not change for it.
#
# Three things are there for quality or speed. The **average** of the generator's weights draws better pictures than the
# weights of the last step, which never settle ([Yazıcı et al. 2019](https://arxiv.org/abs/1806.04498)). R1 is computed
# only every 16 steps and weighted by 16 ([Karras et al. 2020](https://arxiv.org/abs/1912.04958), appendix B). The
# convolutions run in `bfloat16` where the machine is faster with it; losses, penalties and weights stay in `float32`.

# %% minigan="train"
# update_average, draw, fit

# %% [markdown]
# ### How a run survives
#
# A run that takes an hour will be interrupted: by Ctrl-C, by a full disk, by a loss that is no longer a number. Nothing
# of this should cost the hour. The rest of `train` sees to it, and can be skipped at a first reading.

# %% minigan="train"
# passed, mean_losses, finite, go_back, stopping

# %% minigan="train"
# parts, contents, restore, settings, save, read_checkpoint, saved_settings, resume

# %% [markdown]
# **Predict.** Train for ten steps. Train again, from the same start, for five, save, load, and go on for five. Are the
# weights equal? To how many digits?

# %% tags=["nbval-check-output"]
tiny = data.load("fashion", size=16)


def fresh(steps: int) -> TrainState:
    torch.manual_seed(0)
    config = TrainConfig(
        images=8 * steps, batch=8, r1_every=4, augment=("brightness", "translation"), precision="float32"
    )
    return start(config, Generator(16, 1, 8, width=4), Discriminator(16, 1, 4))


whole = fit(fresh(10), tiny, quiet=True)
with tempfile.TemporaryDirectory() as folder:
    fit(fresh(5), tiny, run=Path(folder), quiet=True)
    halves = fit(resume(fresh(10), Path(folder)), tiny, quiet=True)
pairs_of_weights = zip(whole.generator.parameters(), halves.generator.parameters(), strict=True)
print("equal, bit for bit:", all(torch.equal(one, other) for one, other in pairs_of_weights))

# %% [markdown]
# All of them, on a CPU. This works only if *everything* that changes is saved: weights, their average, both optimizers
# with their momenta, the random numbers. A checkpoint that lacks one of them still loads, and is a different run.
#
# ## 7. Garments
#
# Ten thousand pictures of Fashion-MNIST, 32 pixels a side. DCGAN as it stands: batch norm in both networks, no penalty,
# the non-saturating loss.
#
# **Predict.** After how many seconds do you recognise the first garment? And where will the two curves go: down, up,
# level?
#
# (When you have seen enough, press the stop button. The step is finished, and everything below works with what is
# there.)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Garments
#
# After how many seconds is the first one recognised? Which way do the curves go?
#
# ???
# (6 min) Write down the guesses, then run the cell of section 7 live, 40 seconds or so on two cores, and let people call out
# what they see. The figure here is such a run. Each player's gain is the other's loss, so neither can go down for long. A
# curve that stays in between is a game still being played. How good the pictures are it does not say.

# %% slideshow={"slide_type": "fragment"}
fashion = data.load("fashion", size=32)


def dcgan(loss: str, images: int, width: int = 32) -> TrainState:
    """DCGAN for Fashion-MNIST with the same first weights, batches and latents whatever the loss. `width`: of D."""
    torch.manual_seed(0)
    config = TrainConfig(images=images, loss=loss, rate=5e-4, betas=(0.5, 0.999), r1=0.0, ema_half_life=3_000)
    return start(config, Generator(32, channels=1, latents=64, width=32), Discriminator(32, 1, width, norm="batch"))


garments = dcgan("non_saturating", pick(quick=96, cpu=44_000, full=600_000))
garments = fit(garments, fashion, log_every=800, title="Fashion-MNIST, non-saturating")

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What $D$'s curve can tell
#
# $$\mathrm{JS}(p_\mathrm{data}, p_g) \;\ge\; \log 2 - \tfrac12 \cdot (D\text{'s loss})$$
#
# $\log 4$: it sees no difference. $0$: it sees nothing in common.
#
# ???
# (4 min) From chapter 01: V is at most minus log 4 plus twice JS, and the loss is minus V. At log 4 the bound says nothing:
# the fakes are perfect or D is too weak, and only the samples say which. Ask what a loss of 0 means. In any other training
# it would be success. For the generator it is a complete failure.

# %% [markdown]
# Trousers, shoes, bags, shirts: drawn by a network that has only ever been told how real its pictures look. Now the
# curves, which are read differently from any other training curve. Each player's gain is the other's loss, so neither
# can go down for long. **A curve that stays in between is a game still being played.** How good the pictures are it
# does not say.
#
# $D$'s curve can be turned into a number. Chapter 01 showed that no $D$ reaches more than
# $V = -\log 4 + 2\,\mathrm{JS}$, with the Jensen-Shannon divergence $\mathrm{JS}$ between the real and the generated
# distribution. Its loss is $-V$, so
#
# $$\mathrm{JS}(p_\mathrm{data}, p_g) \;\ge\; \log 2 - \tfrac12 \cdot (\text{D's loss}).$$
#
# - **D's loss is log 4.** The bound says nothing more than $\mathrm{JS} \ge 0$. *This* $D$ sees no difference: either
#   the fakes are perfect, or $D$ is too weak to notice. The samples say which.
# - **D's loss is 0.** Then $\mathrm{JS} \ge \log 2$, which is the largest value that it can have: to $D$ the two
#   distributions do not overlap at all. For the generator that is not nearly done but a complete failure.
#
# Now the loss that the formula itself writes down, minimax, in a race with the non-saturating one. Same data, same
# first weights, same noise. $D$ is three times as wide as before, so that it is soon confident.
#
# **Predict** $D$'s loss and the pictures of both.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A race: minimax against non-saturating
#
# Same data, same weights, same noise. $D$ is three times as wide. **Predict** the pictures.
#
# ???
# (4 min) Show. Orange swings wildly and gets away. Blue is minimax: both its losses are next to 0, and the samples are noise.
# The right panel is the slope of the earlier slide in action, on a logarithmic axis. The value of the game is right, its
# equilibrium is right, and the road to it has no slope. With a weaker D minimax comes loose, so believe no absolute claim.

# %% slideshow={"slide_type": "fragment"}
race = {
    name: fit(dcgan(name, pick(quick=96, cpu=4_000, full=4_000), width=96), fashion, log_every=160, quiet=True)
    for name in ("non_saturating", "minimax")
}

alt = (
    "Samples of both runs, and two charts over the images seen. With the non-saturating loss D's loss swings and blurred garments appear. "
    "With minimax D's loss falls to 0 and stays there, the generator's pull on its logits all but vanishes, and the samples are noise."
)
with plot.figure(4, alt=alt, size=(2.5, 2.5)) as axes:
    for axis, (name, run) in zip(axes, race.items(), strict=False):
        axis.imshow(tile(run.sample()[:25], 5))
        axis.axis("off")
        axis.set_title(name.replace("_", "-"))
    for (name, run), colour in zip(race.items(), (FAKE, REAL), strict=True):
        seen = [entry["images"] for entry in run.history]
        score = torch.tensor([entry["fake score"] for entry in run.history])
        axes[2].plot(seen, [entry["discriminator"] for entry in run.history], color=colour)
        axes[3].plot(seen, torch.sigmoid(-score if name == "non_saturating" else score), color=colour)
    axes[2].axhline(math.log(4), color="0.6", ls="--", lw=1)
    axes[2].text(seen[-1], math.log(4) + 0.05, "log 4", fontsize=8.5, color="0.4", ha="right")
    axes[2].set(title="D's loss", xlabel="images seen", ylim=(-0.1, 3))
    axes[3].set(title="pull on a mean fake", xlabel="images seen", yscale="log")

last = race["minimax"].history[-1]
print(
    f"minimax at its end: D's loss {last['discriminator']:.6f}, G's loss {last['adversarial']:.6f}, "
    f"mean logit of fakes {last['fake score']:.1f}"
)

# %% [markdown]
# Orange, the non-saturating run, swings wildly, for this $D$ is too strong for it too. But it gets away. Blue is
# minimax. Both its losses are next to 0, and in any other training that would be a success. Here it is section 3 in
# action. $D$ separates the first fakes within a few steps, their logits fall to the left end of the curve, and there
# minimax is flat. The value of the game is right, its equilibrium is right, and the road to it has no slope.
#
# Such a run is not dead for ever: a tiny pull is not zero, and Adam enlarges small gradients. With a weaker $D$ minimax
# comes loose and learns. Try it with `width=64`, and watch when. The non-saturating loss never has to wait.
#
# ## 8. Heads
#
# `peeps` are 2,400 drawn heads in colour, 64 pixels a side, from Open Peeps by Pablo Stanley. Four times the pixels,
# three channels, a quarter of the pictures. So the recipe changes: no batch norm in $D$, R1 as the leash, augmentation
# on both sides, no momentum. These are the defaults of `TrainConfig` and of the networks.
#
# **Predict.** In about a minute, what comes first: the outline, the colours, or the eyes?

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Heads: what comes first?
#
# The outline, the colours, or the eyes? About a minute, from nothing.
#
# ???
# (6 min) Vote, then run the cell of section 8 live and watch. The recipe has changed: no batch norm in D, R1, augmentation
# on both sides, no momentum. Colours and outline come first, eyes last. Nobody told the network what a head is: it saw 2,400
# drawings and was told how real its own looked.

# %% slideshow={"slide_type": "fragment"}
del fashion, tiny, garments, race, run, whole, halves
torch.manual_seed(0)
config = TrainConfig(
    images=pick(quick=96, cpu=12_000, full=400_000), augment=("brightness", "saturation", "translation")
)
heads = start(config, Generator(64), Discriminator(64), data="peeps")
print(describe(heads))
heads = fit(heads, peeps, title="peeps")

# %% [markdown]
# A head on a neck, hair, skin of many tones, the beginning of a face: from 2,400 drawings and a formula, on this
# machine, while you watched. The rest is time. The same networks were trained for longer with nearly the same settings,
# and what they learnt came with the installation (`minigan/weights/peeps.md` says how).

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The rest is time
#
# Above: the minute you have just watched. Below: the same networks, trained for longer.
#
# ???
# (2 min) The lower rows are the generator that comes with the course. None of these people was ever drawn by hand. Whether
# that is true of each of them, and how good they are in numbers, is chapter 03. To train one at home for eight minutes:
# minigan train peeps -o run.

# %% slideshow={"slide_type": "-"} tags=["slide-title-1"]
finished, facts = weights.shipped("peeps")
with torch.no_grad():
    longer = finished(heads.latents.cpu()[:16])
print(f"row 1: yours after {heads.seen:,} images; rows 2 and 3: the shipped generator after {facts['images']:,}")
alt = "Three rows of eight drawn heads. The first from the short run above, with blurred faces; the others from the shipped generator, with clear faces."
plot.grid(torch.cat([heads.sample()[:8], longer]), alt=alt)

# %% [markdown]
# None of these people was ever drawn by hand. Whether that is true of each of them, and how good they are in numbers,
# is the question of chapter 03.
#
# To train your own for eight minutes, in a terminal: `minigan train peeps -o run`, and then
# `minigan generate run -o heads.png`.
#
# ## 9. The ward: what is wrong with these runs?
#
# Six training runs, each healthy but for one thing. They use the plain loop that most tutorials write, on four kinds of
# garment at 16 pixels, so that each takes seconds. Each chart shows samples and five vital signs. **Grey is the healthy
# twin**: the same run without the fault.
#
# The six illnesses, in alphabetical order:
#
# - the data are in [0, 1], the generator ends in a tanh;
# - the data have been normalised to mean 0 and standard deviation 1, the generator ends in a tanh;
# - the discriminator learns much too fast for the generator;
# - the discriminator learns much too slowly for the generator;
# - the fakes are not detached;
# - the gradient penalty takes its norm over the whole batch.
#
# Look at each chart, write down a diagnosis *and the sign that decided it*, and only then open the answer. The code of
# the ward is in `minigan/course/zoo.py`. Reading it first spoils the game.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The ward: what ails patient 1?
#
# Grey is the healthy twin.
#
# ???
# (4 min) Two minutes in pairs: a diagnosis and the sign that decided it. Read out the list of six illnesses from section 9.
# It is mode collapse: D learns much too slowly. The losses are inconspicuous, as in most collapses. The sign is variety,
# lower left: fakes lie much closer together than reals. The mend is to let D keep up.

# %% slideshow={"slide_type": "-"}
del heads, finished, longer
ward = pick(quick=12, cpu=400, full=400)  # training steps for each run
zoo.show(1, ward)

# %% [markdown]
# **What is wrong with patient 1?**
#
# <details><summary>The answer</summary>
#
# **Mode collapse: the discriminator learns much too slowly for the generator.** All samples are nearly the same picture,
# whatever the latents. The sign that decides is *variety*: fakes lie much closer together than reals do. The losses are
# inconspicuous, as in most collapses; $D$'s is even above $\log 4$, worse than guessing. A generator against a
# discriminator that stands still has one best answer: the one picture that $D$ likes most. Before $D$ has learnt to
# reject it, all latents have gone there.
#
# *How to see it*: look at many samples at once, and compare their distances with those of real pictures. *The mend*:
# let $D$ keep up. Here its learning rate is set to that of $G$. R1, a lower momentum or more steps of $D$ for each of
# $G$ help too, as the ring in chapter 01 showed.
#
# </details>
#
# Above the patient, below the mended run:

# %%
zoo.show_mended(1, ward)

# %%
zoo.show(2, ward)

# %% [markdown]
# **What is wrong with patient 2?**
#
# <details><summary>The answer</summary>
#
# **The discriminator wins: it learns much too fast for the generator.** $D$'s loss is 0 and $G$'s keeps rising. The
# sign that decides is the *size of G's gradient*: it is larger than in health. The generator is told loudly where to go
# and hardly moves, because its learning rate is a thirtieth of what it should be. With the minimax loss the gradient
# would have vanished as well.
#
# *How to see it*: $D$'s loss near 0, the two mean scores far apart and drifting. *The mend*: equal rates to begin with.
# A leash on $D$, or a larger generator, where equal rates are not enough.
#
# </details>

# %%
zoo.show_mended(2, ward)

# %%
zoo.show(3, ward)

# %% [markdown]
# **What is wrong with patient 3?**
#
# <details><summary>The answer</summary>
#
# **The data are in [0, 1].** The losses are healthy, the variety too: the generator learns what it is shown. The sign
# that decides is the *values of pixels*: nothing real lies below 0. Shown as what they claim to be, pictures in [-1,
# 1], the samples are washed out, with grey where black should be. Half of the range of the tanh is wasted, and the
# black background, an exact -1 that a tanh reaches by itself, has become an exact 0 that it must hit.
#
# *How to see it*: print the range of a batch before training. A `save_image(..., normalize=True)` stretches every
# picture to the full range and hides the fault for good. *The mend*: `2 * x - 1`, once, where the pictures enter.
#
# </details>

# %%
zoo.show_mended(3, ward)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## And patient 4?
#
# ???
# (4 min) Pairs again. D wins, the samples are noise: many say that D is too fast, which is patient 2. The sign that decides
# is the size of G's gradient, upper right: next to nothing from the first step. The fakes are not detached, retain_graph has
# silenced the error, and with minimax the two gradients cancel. Losses alone diagnose nothing. The other four patients make
# good homework.

# %% slideshow={"slide_type": "-"}
zoo.show(4, ward)

# %% [markdown]
# **What is wrong with patient 4?**
#
# <details><summary>The answer</summary>
#
# **The fakes are not detached.** As with patient 2, $D$ wins, and the samples are noise. The sign that decides is again
# the *size of G's gradient*: here it is next to nothing from the first steps on. $D$'s backward pass has run on into
# $G$, `retain_graph=True` has silenced the error, and with the minimax loss the two gradients cancel (section 2).
#
# *How to see it*: print the size of $G$'s gradient after $D$'s backward pass. It must be 0. *The mend*:
# `discriminator(fake.detach())`. The loss of the mended run is still minimax. On these small pictures it is lucky and
# does not saturate.
#
# </details>

# %%
zoo.show_mended(4, ward)

# %%
zoo.show(5, ward)

# %% [markdown]
# **What is wrong with patient 5?**
#
# <details><summary>The answer</summary>
#
# **The gradient penalty takes its norm over the whole batch.** The samples are rough, and the losses far too small for
# a Wasserstein game. The sign that decides is the *slope of D*: the healthy twin holds it near 1, the patient at
# $1 / \sqrt{32} \approx 0.18$. The penalty asks for *one* norm over 32 pictures to be 1, and each picture gets its
# share. Such an exact wrong number is a gift: it names the line.
#
# *How to see it*: log the mean slope beside the penalty. *The mend*: `gradient.flatten(1).norm(dim=1)`.
#
# </details>

# %%
zoo.show_mended(5, ward)

# %%
zoo.show(6, ward)

# %% [markdown]
# **What is wrong with patient 6?**
#
# <details><summary>The answer</summary>
#
# **The data have been normalised to mean 0 and standard deviation 1.** Their brightest pixels are near 2, and a tanh
# ends at 1. The sign that decides is again the *values of pixels*: no fake reaches the right part of the real
# histogram. One bright pixel gives a real picture away, so $D$ need not look at garments at all. The generator presses
# everything against its limit, in vain.
#
# *How to see it*: compare the ranges of reals and fakes. *The mend*: pictures in [-1, 1]. Mean and standard deviation
# belong to the weights of a *pretrained* network, and are applied in front of it, to reals and fakes alike (chapter
# 04).
#
# </details>

# %%
zoo.show_mended(6, ward)

# %% [markdown]
# Two of six charts have unremarkable losses, and two have nearly the same ones for opposite reasons. **Losses alone
# diagnose nothing.** Look at samples, many at once; at the range of what $D$ sees; at the sizes of gradients; at the
# variety. In this order, because it is the order of what they cost.
#
# ## Summary
#
# - The game becomes two `softplus` on logits. It is binary cross-entropy with a sigmoid, never a softmax, and the
#   sigmoid is never computed.
# - $D$'s update stops at the fakes (`detach`). $G$'s update passes through $D$ and is stored in $G$ alone
#   (`backward(inputs=...)`).
# - Minimax is flat where samples are bad. Train $G$ on $-\log D(G(z))$.
# - A loss decides what the best $D$ answers. A leash decides how steeply: R1, a gradient penalty with one norm for each
#   picture, spectral norm.
# - $\log 4$ on $D$'s curve: it sees no difference. 0: it sees nothing in common. A level curve in between is health.
# - The step is a sum of named terms. In the chapters to come the second formula adds a name.
#
# ## Try it
#
# **1. Pairs** (10 minutes). A discriminator may compare instead of judge: is this real picture more real than *that*
# fake? [Jolicoeur-Martineau 2019](https://arxiv.org/abs/1807.00734) takes
# $-\mathbb{E} \log \sigma(\ell_x - \ell_{G(z)})$ over pairs for $D$, and the same with the two exchanged for $G$. A
# modern baseline ([Huang et al. 2024](https://arxiv.org/abs/2501.05441)) is built on it. Write $D$'s loss, and run the
# check.


# %%
def relativistic_d(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """-E log sigmoid(real - fake) over pairs: the i-th real picture with the i-th fake."""
    raise NotImplementedError


hints = [
    "Section 1 turned -log sigmoid(t) into one function without a logarithm of a sigmoid. Which?",
    "Set t = real_logits - fake_logits, pair by pair. Take the mean last.",
]
pair = torch.tensor([2.0, -1.0]), torch.tensor([0.0, 3.0])
mistakes = {
    "The sign is turned: a real that beats its fake by much should cost little.": (
        F.softplus(torch.tensor(2.0)) + F.softplus(torch.tensor(-4.0))
    )
    / 2,
    "Take the difference pair by pair, before the softplus; the mean comes last.": F.softplus(
        -(pair[0].mean() - pair[1].mean())
    ),
    "Take the mean over the pairs, not the sum.": F.softplus(torch.tensor(-2.0)) + F.softplus(torch.tensor(4.0)),
}
with suppress(NotYet), checking("Pairs", hints) as c:
    c.close(relativistic_d(torch.zeros(4), torch.zeros(4)), math.log(2), "undecided pairs cost log 2")
    c.close(
        relativistic_d(*pair),
        math.log1p(math.exp(-2)) / 2 + math.log1p(math.exp(4)) / 2,
        "two pairs by hand",
        mistakes=mistakes,
    )
    far = relativistic_d(torch.full((4,), -200.0), torch.zeros(4))
    c.close(far, 200.0, "200 on the wrong side cost 200: the sigmoid is not computed")

# %% [markdown]
# **2. A wrong mend** (15 minutes). Leave out the `detach` with the *non-saturating* loss. Derive what is added up in
# $G$ for a fake with logit $\ell$, and at which $\ell$ the sum is 0. Then measure it with the networks of section 2.
# Why do samples of such a run look almost healthy?
#
# **3. Another leash** (20 minutes). Train the garments of section 7 with `loss="hinge"` and `norm="spectral"`, and with
# `loss="wasserstein"` and `gradient_penalty=10.0` (which norm must go?), for equal *seconds*: `fit(..., seconds=30)`.
# Which is best? Now change the seed. Is it still?
#
# **4. A seventh patient** (an hour). Add an illness of your own to `zoo.PATIENTS`: labels exchanged in one batch of
# ten, a generator without batch norm, reals augmented but not fakes. Which vital sign shows it first? Give the chart to
# a colleague.
#
# More tasks, each with its check, stand in [the exercises to this chapter](../exercises/02_minimax_loss/02_minimax_loss.ipynb).
#
# ## References
#
# - I. Goodfellow et al., [Generative Adversarial Nets](https://arxiv.org/abs/1406.2661), 2014.
# - A. Radford, L. Metz, S. Chintala,
#   [Unsupervised Representation Learning with Deep Convolutional GANs](https://arxiv.org/abs/1511.06434), 2016.
# - X. Mao et al., [Least Squares Generative Adversarial Networks](https://arxiv.org/abs/1611.04076), 2017.
# - J. H. Lim, J. C. Ye, [Geometric GAN](https://arxiv.org/abs/1705.02894), 2017.
# - M. Arjovsky, S. Chintala, L. Bottou, [Wasserstein GAN](https://arxiv.org/abs/1701.07875), 2017.
# - I. Gulrajani et al., [Improved Training of Wasserstein GANs](https://arxiv.org/abs/1704.00028), 2017.
# - L. Mescheder, A. Geiger, S. Nowozin,
#   [Which Training Methods for GANs do actually Converge?](https://arxiv.org/abs/1801.04406), 2018.
# - T. Miyato et al.,
#   [Spectral Normalization for Generative Adversarial Networks](https://arxiv.org/abs/1802.05957), 2018.
# - S. Zhao et al.,
#   [Differentiable Augmentation for Data-Efficient GAN Training](https://arxiv.org/abs/2006.10738), 2020.
# - T. Karras et al., [Analyzing and Improving the Image Quality of StyleGAN](https://arxiv.org/abs/1912.04958), 2020.
# - Y. Yazıcı et al., [The Unusual Effectiveness of Averaging in GAN Training](https://arxiv.org/abs/1806.04498), 2019.
# - A. Aitken et al., [Checkerboard artifact free sub-pixel convolution](https://arxiv.org/abs/1707.02937), 2017.
# - K. He et al., [Delving Deep into Rectifiers](https://arxiv.org/abs/1502.01852), 2015.
# - A. Jolicoeur-Martineau, [The relativistic discriminator](https://arxiv.org/abs/1807.00734), 2019.
# - N. Huang et al.,
#   [The GAN is dead; long live the GAN! A Modern GAN Baseline](https://arxiv.org/abs/2501.05441), 2024.
#
# **Next:** [03 Evaluation](03_evaluation.ipynb). How good are the pictures, and how sure are we?
