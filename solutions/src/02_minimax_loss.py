# %% [markdown]
# # Exercises to 02 The minimax game as code
#
# They go with [chapter 02](../../notebooks/02_minimax_loss.ipynb). Each task has its place for your answer, and under it a
# check: run it as often as you like, it answers at once and each time with a stronger hint. Your progress is kept in this
# folder; `minigan progress` shows it.

# %%
import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from minigan.course.checking import checking

# %% [markdown] task="smooth" kind="complete" minutes=8 points=3 trains="a formula as stable code"
# ## Smoothed labels
#
# A discriminator that is too sure of itself teaches little. [Salimans et al.
# 2016](https://arxiv.org/abs/1606.03498) (section 3.4) let it answer $1 - s$ for a real picture instead of 1, and leave
# the label of fakes at 0. Its loss is the mean over the batch, for reals and for fakes:
#
# $$L_D = \mathbb{E}_x\big[-(1 - s) \log \sigma(\ell_x) - s \log(1 - \sigma(\ell_x))\big]
#       + \mathbb{E}_z\big[-\log(1 - \sigma(\ell_{G(z)}))\big]$$
#
# Here $\ell$ are logits, and $\sigma$ is the sigmoid. Write it so that a logit of 200 costs no infinity.


# %% answer="smooth"
def smoothed_d(real_logits: Tensor, fake_logits: Tensor, smoothing: float) -> Tensor:
    """The loss of D with the label 1 - smoothing for reals and 0 for fakes. Logits of any shape -> scalar."""
    ### BEGIN SOLUTION
    real = (1 - smoothing) * F.softplus(-real_logits) + smoothing * F.softplus(real_logits)
    return real.mean() + F.softplus(fake_logits).mean()
    ### END SOLUTION


# %% check="smooth"
hints = [
    "The chapter turned -log sigmoid(t) and -log(1 - sigmoid(t)) into one function each. Which?",
    "-log sigmoid(t) = softplus(-t), and -log(1 - sigmoid(t)) = softplus(t). Weigh the two for reals, take means, add.",
]
one, two = torch.tensor([1.0]), torch.tensor([2.0])
# softplus at -1, 1 and 2
low, high, fake = math.log1p(math.exp(-1)), math.log1p(math.exp(1)), math.log1p(math.exp(2))
mistakes = {
    "Only the reals are smoothed: the label of fakes stays 0.": 0.9 * low + 0.1 * high + 0.9 * fake + 0.1 * (fake - 2),
    "Real and fake are swapped: the smoothed label belongs to the reals.": 0.9 * high + 0.1 * low + fake - 2,
    "A label of 1 - s leaves s for the other answer: the second term of the reals is missing.": 0.9 * low + fake,
    "The label is 1 - s, not s: a real picture is still mostly real.": 0.1 * low + 0.9 * high + fake,
    "The loss of the fakes is missing.": 0.9 * low + 0.1 * high,
}
with checking("Smoothed labels", hints) as c:
    c.close(smoothed_d(one, two, 0.1), 0.9 * low + 0.1 * high + fake, "one pair by hand, s = 0.1", mistakes=mistakes)
    c.close(
        smoothed_d(torch.zeros(3), torch.zeros(5), 0.3),
        2 * math.log(2),
        "undecided logits cost 2 log 2, whatever s",
        hint="Take the mean over each batch, not the sum: batches may differ in size.",
    )
    c.close(
        smoothed_d(200 * one, 200 * one, 0.0),
        200.0,
        "a logit of 200 costs 200",
        hint="The logarithm of a sigmoid loses large logits. Use softplus.",
    )
### BEGIN HIDDEN TESTS
real, fake = given("smooth", lambda g: (torch.randn(7, 1, generator=g), torch.randn(5, 1, generator=g)))
real.requires_grad_()
loss = smoothed_d(real, fake, 0.2)
probe("loss", loss)
probe("gradient", torch.autograd.grad(loss, real)[0])
probe("far", smoothed_d(torch.tensor([-90.0, 300.0]), torch.tensor([80.0]), 0.1))
### END HIDDEN TESTS

# %% [markdown] task="penalty" kind="mend" minutes=10 points=4 trains="axes and graphs of a gradient penalty"
# ## A penalty that punishes the wrong thing
#
# A colleague wrote the gradient penalty of [Gulrajani et al. 2017](https://arxiv.org/abs/1704.00028). It runs and its
# numbers look harmless. There are two faults in it. A critic that is linear with $\lVert w \rVert = 3$ has, by hand, the
# penalty $(3 - 1)^2 = 4$ whatever the pictures.


# %% given="penalty"
def critic_penalty(critic: nn.Module, images: Tensor) -> Tensor:
    """E (||grad_x critic(x)|| - 1)^2 over the images (N, C, H, W): one norm for each picture."""
    images = images.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(critic(images).sum(), images)
    norms = gradient.norm(dim=1)
    return (norms - 1).square().mean()


# %% answer="penalty"
def critic_penalty(critic: nn.Module, images: Tensor) -> Tensor:
    """E (||grad_x critic(x)|| - 1)^2 over the images (N, C, H, W): one norm for each picture."""
    images = images.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(critic(images).sum(), images, create_graph=True)
    norms = gradient.flatten(1).norm(dim=1)
    return (norms - 1).square().mean()


# %% check="penalty"
hints = [
    "Over which numbers does the norm run: the channels of one pixel, or all numbers of a picture?",
    "For the second fault: what must the penalty do when you call backward on it?",
    "Flatten each picture before the norm, and let autograd.grad build a graph.",
]
linear = nn.Sequential(nn.Flatten(), nn.Linear(12, 1, bias=False))
with torch.no_grad():
    linear[1].weight.fill_(3 / math.sqrt(12))
pictures = torch.zeros(2, 3, 2, 2)
with checking("A penalty that punishes the wrong thing", hints) as c:
    channels, batch = (math.sqrt(3 * 9 / 12) - 1) ** 2, (math.sqrt(2) * 3 - 1) ** 2
    mistakes = {
        "The norm runs over the channels of one pixel; it must run over the whole picture.": channels,
        "The norm runs over the whole batch; each picture has its own.": batch,
        "The penalty is on the distance of the norm from 1: subtract 1 before the square.": 9.0,
        "The distance from 1 is squared.": 2.0,
        "Take the mean over the pictures, not the sum.": 8.0,
    }
    penalty = critic_penalty(linear, pictures)
    c.close(penalty, 4.0, "a linear critic with ||w|| = 3 has penalty 4", mistakes=mistakes)
    c.true(
        penalty.requires_grad,
        "the penalty can be trained with",
        "it has no gradient: backward would not reach the critic",
        hint="autograd.grad forgets how it got the gradient, unless it is told to keep the graph.",
    )
    if penalty.requires_grad:
        (towards,) = torch.autograd.grad(penalty, linear[1].weight)
        c.close(towards.norm(), 4.0, "its gradient is 2 (||w|| - 1) = 4 long")
### BEGIN HIDDEN TESTS
images, weight = given("penalty", lambda g: (torch.randn(3, 2, 4, 4, generator=g), torch.randn(5, 32, generator=g)))
critic = nn.Sequential(nn.Flatten(), nn.Linear(32, 5, bias=False), nn.Tanh(), nn.Linear(5, 1, bias=False))
with torch.no_grad():
    critic[1].weight.copy_(weight)
    critic[3].weight.copy_(weight[:1, :5])
value = critic_penalty(critic, images)
probe("value", value)
probe("towards", torch.autograd.grad(value, critic[1].weight)[0])
### END HIDDEN TESTS

# %% [markdown] task="curves" kind="explain" minutes=6 points=3 trains="reading the curves of a training"
# ## A loss of nothing
#
# In a run with the saturating minimax loss the loss of $D$ falls to 0.00002 and stays there. A colleague is glad: "the
# discriminator has learnt everything, now the generator will follow". What is the state of the game, why will $G$ not
# follow, and what would you change first? Three to five sentences.

# %% [markdown] explain="curves"
# $D$ tells every real from every fake, with logits far from 0. The generator's term $\log(1 - \sigma(\ell))$ is flat where
# $\ell$ is very negative, so no gradient reaches $G$. It is stuck, not on its way. The non-saturating loss $-\log
# \sigma(\ell)$ has its steepest slope just there; changing to it is the first thing to try.
#
# **Rubric.**
#
# - 1 point: D separates reals and fakes completely; a loss of 0 is a failure of the game and no success.
# - 1 point: with the saturating loss the gradient for G vanishes where the logit of a fake is very negative.
# - 1 point: a remedy that restores a gradient: the non-saturating loss, a weaker D, or a penalty on D.
