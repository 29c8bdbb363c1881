# %% [markdown]
# # 01 What can a GAN learn?
#
# **What can a generative adversarial network learn, and how would we know that it has?**
#
# For pictures nobody can answer this by looking at a formula: the density of real pictures is unknown. So this chapter
# builds a laboratory where it *is* known. On a line and in a plane we write the density down, let the networks see
# nothing but samples, and hold what they learn against what is true.
#
# **You will learn**
#
# - what it means to generate: to match a distribution;
# - why a classifier of two samples learns the ratio of two densities, and where it does not;
# - to derive the best discriminator, the value of the game and why its only solution is $p_g = p_{\text{data}}$;
# - why two networks that train against each other circle, and what makes them settle;
# - to see a generator collapse, to mend it, and to tell a good generator from a copier.
#
# **You need** derivatives, expectations, and PyTorch to the level of a training loop. No picture is generated here;
# that is chapter 02.
#
# **It takes** about 60 minutes to read, and about two minutes to run on two CPU cores.
#
# Two formulas run through this course. This chapter is about the first one, the *adversarial game* of Goodfellow et
# al. (2014):
#
# $$\min_G \max_D V(D, G) = \mathbb{E}_{x \sim p_{\text{data}}}[\log D(x)] + \mathbb{E}_{z \sim p_z}[\log(1 - D(G(z)))]$$
#
# $G$ is the *generator*: it turns random numbers $z$, the *latents*, into samples. $D$ is the *discriminator*: it
# gives each $x$ a number between 0 and 1, its belief that $x$ is real. $p_{\text{data}}$ is the distribution of real
# samples, $p_z$ that of the latents. The second formula, a distance between features, enters at the very end, where
# the first one leaves a question open.

# %%
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from minigan import data, losses, nets, plot
from minigan.course import checking, pick
from minigan.plot import FAKE, GOLD, GREEN, REAL

torch.set_num_threads(1)  # the networks of this chapter are tiny; one thread is enough for them

# %% [markdown] slideshow={"slide_type": "slide"}
# ## No list of right answers
#
# $$q = p$$
#
# Nobody says which picture a noise vector should become. Right or wrong is only the **distribution** of all samples.
#
# ???
# (2 min) p is the density of real samples, q that of what the generator makes. Ask how one could mark a single generated
# picture as wrong. One cannot: only all of them together can be wrong. In this chapter we work on a line and in a plane,
# where p is written down and everything the networks learn can be held against the truth.

# %% [markdown]
# ## 1. To generate is to match a distribution
#
# A generator has no list of right answers. It gets noise, and nobody says which picture this noise should become. What
# can be right or wrong is only the *distribution* of all that it makes. Write $p$ for the density of real samples
# ($p_{\text{data}}$ above) and $q$ for the density of $G(z)$. The aim is $q = p$.
#
# The laboratory needs densities that can be sampled *and* evaluated. Sums of round Gaussians do both, and they can be
# given as many separate clusters, or *modes*, as we like.

# %% minigan="toy"
# GaussianMixture, one_each

# %% [markdown]
# Our first real distribution has two modes, a narrow one with 40% of the samples and a wide one with 60%.
#
# **Predict.** There is a generator that turns one Gaussian number $z$ into exactly this distribution, by an increasing
# function. What does its graph look like where the density $p$ has a gap?

# %% [markdown] slideshow={"slide_type": "slide"}
# ## One generator that is exact
#
# $z$ is one Gaussian number, $p$ has two modes and a gap. **Predict:** how does $G(z)$ run where $p$ has the gap?
#
# ???
# (3 min) G is an increasing function that turns the bell curve into exactly p. Let everybody draw it in the air or on
# paper. The usual drawing is flat at the gap, because nothing is there. Then show: it is steep. Steepness spreads samples
# out. No samples at all would need a jump, and a network is continuous, so a trained generator always leaves a few points
# between modes.

# %% slideshow={"slide_type": "fragment"}
two_modes = GaussianMixture([[-2.0], [1.5]], sigma=[0.5, 1.0], weights=[0.4, 0.6])

line = torch.linspace(-6, 6, 1201)
real_cdf = torch.cumsum(two_modes.log_prob(line[:, None]).exp(), 0) * 0.01
latents = torch.randn(20_000, generator=torch.Generator().manual_seed(0))


def exact_generator(z: Tensor) -> Tensor:
    """The point of the real distribution that has as much of it on its left as z has of N(0, 1)."""
    return torch.from_numpy(np.interp(torch.special.ndtr(z), real_cdf, line))


alt = "A bell curve of z; a rising curve G(z), steep in the middle; a histogram of G(z) that fills a density of two modes."
with plot.figure(3, alt=alt, size=(3.0, 2.7)) as (before, function, after):
    z = line[torch.abs(line) < 3.5]
    before.hist(latents, 80, density=True, color="0.8")
    before.plot(z, (-0.5 * z**2).exp() / math.sqrt(2 * math.pi), color="0.3")
    before.set(title="latents z", xlabel="z", xlim=(-3.5, 3.5))
    function.plot(z, exact_generator(z), color=FAKE)
    function.axhspan(-0.9, -0.2, color="0.92")
    function.set(title="generator G", xlabel="z", ylabel="G(z)")
    after.hist(exact_generator(latents), 80, density=True, color=FAKE, alpha=0.4)
    after.plot(line, two_modes.log_prob(line[:, None]).exp(), color=REAL)
    after.set(title="samples G(z), density p", xlabel="x", xlim=(-5, 5))

# %% [markdown]
# The generator is steep where the density is thin (grey band). Steepness spreads the samples out. A gap without any
# samples would need a jump, and a network is continuous: it can only be very steep. So a trained generator always
# leaves a few samples *between* modes. Remember this when you see stray points in section 6.
#
# Here we knew $p$ and could compute $G$. With pictures we have only samples of $p$. Something else must tell $G$ how
# far off it is.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Two samples, one classifier
#
# $$P(\text{real} \mid x) = \frac{p(x)}{p(x) + q(x)}$$
#
# $$\text{logit} = \log p(x) - \log q(x)$$
#
# ???
# (3 min) Mix as many real as fake points, ask which is which, and write Bayes' rule with priors of one half. Then take the
# logarithm of the odds: the sum in the denominator goes. Let the room do this step. Whoever tells two samples apart as well
# as possible knows the ratio of two densities that nobody showed to them. All GANs stand on that.

# %% [markdown]
# ## 2. Two samples and one classifier
#
# Mix as many real as fake points, and ask a classifier which is which. By Bayes' rule, with prior probabilities of one
# half,
#
# $$P(\text{real} \mid x) = \frac{\tfrac12 p(x)}{\tfrac12 p(x) + \tfrac12 q(x)} = \frac{p(x)}{p(x) + q(x)}.$$
#
# Its *logit*, the logarithm of the odds, is even simpler:
#
# $$\log \frac{P(\text{real} \mid x)}{P(\text{fake} \mid x)} = \log \frac{p(x)}{q(x)} = \log p(x) - \log q(x).$$
#
# So whoever can tell two samples apart as well as possible knows the ratio of their densities, although nobody has
# shown them a density. That is the trick on which all GANs stand.

# %% minigan="toy"
# optimal_logit

# %% [markdown]
# No network is needed to see it. Cut the line into bins; in each bin, the share of real points among all points is
# such a classifier. A network does the same without bins. Its loss is the negative of $V$: `losses.bce_d`, which
# chapter 02 takes apart.
#
# **Predict.** Both see 2,000 real points of `two_modes` and 2,000 fake points of one wide Gaussian. Where will the
# network be close to the truth, and where will it be far off?

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Where will a network find the ratio?
#
# It sees 2,000 real points of two modes, and 2,000 of one wide Gaussian. **Predict** where it will be far off.
#
# ???
# (4 min) Many say: between the modes, because it is complicated there. Show. Where samples mix it is within 0.2 of the
# truth. In the grey, beyond all samples, it is off by 19: the truth falls like minus x squared, a network of ReLUs goes on
# like a straight line. On the left this hardly shows, the sigmoid hides it. A generator's gradient comes through the logit.

# %%
wide = GaussianMixture([[0.0]], sigma=2.0)


def fit_discriminator(
    draw_real: Callable[[int], Tensor],
    draw_fake: Callable[[int], Tensor],
    net: nn.Module,
    steps: int,
    rate: float = 2e-3,
) -> nn.Module:
    """Train a discriminator on points against a generator that stands still; its steps shrink to nothing."""
    optimiser = torch.optim.Adam(net.parameters(), lr=rate, fused=True)
    shrink = torch.optim.lr_scheduler.LinearLR(optimiser, 1.0, 0.02, steps)
    for _ in range(steps):
        loss = losses.bce_d(net(draw_real(512)), net(draw_fake(512)))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        shrink.step()
    return net


def from_fixed(points: Tensor) -> Callable[[int], Tensor]:
    """Draw from a fixed set of points, with replacement."""
    return lambda n: points[torch.randint(len(points), (n,))]


axis_points = torch.linspace(-9, 9, 721)[:, None]
learnt_logits = []
for seed in range(3):
    torch.manual_seed(seed)
    real_points, fake_points = two_modes.sample(2000), wide.sample(2000)
    net = fit_discriminator(
        from_fixed(real_points), from_fixed(fake_points), nets.mlp(1, 1), steps=pick(quick=5, cpu=300, full=600)
    )
    with torch.no_grad():
        learnt_logits.append(net(axis_points)[:, 0])

# %% slideshow={"slide_type": "fragment"}
true_logits = optimal_logit(two_modes, wide, axis_points)
edges = torch.linspace(-9, 9, 46)
real_counts, fake_counts = (torch.histogram(points[:, 0], edges).hist for points in (real_points, fake_points))
seen = real_counts + fake_counts > 0
low, high = (float(bound) for bound in torch.aminmax(torch.cat([real_points, fake_points])))

alt = "Learnt D and the share of real points per bin lie on D* where there are samples; beyond them the logits part."
with plot.figure(2, alt=alt, size=(4.6, 3.4)) as (beliefs, logits):
    for axis in (beliefs, logits):
        axis.axvspan(-9, low, color="0.92")
        axis.axvspan(high, 9, color="0.92")
        axis.set(xlabel="x", xlim=(-9, 9))
    middles = (edges[1:] + edges[:-1]) / 2
    beliefs.plot(
        middles[seen],
        (real_counts / (real_counts + fake_counts))[seen],
        "o",
        color="0.5",
        ms=4,
        label="share of real, per bin",
    )
    beliefs.plot(axis_points, true_logits.sigmoid(), color=REAL, lw=4, alpha=0.5, label="D* = p / (p + q)")
    logits.plot(axis_points, true_logits, color=REAL, lw=4, alpha=0.5)
    for seed, learnt in enumerate(learnt_logits):
        beliefs.plot(axis_points, learnt.sigmoid(), color=FAKE, lw=1, label="D, three seeds" if seed == 0 else None)
        logits.plot(axis_points, learnt, color=FAKE, lw=1)
    beliefs.set(title="belief that x is real", ylim=(-0.03, 1.15))
    beliefs.legend(loc="upper right", fontsize=8)
    logits.set(title="the same as a logit", ylim=(-25, 3))

# %%
weight = (two_modes.log_prob(axis_points).exp() + wide.log_prob(axis_points).exp()) / 2
where_seen = (axis_points[:, 0] > low) & (axis_points[:, 0] < high)
print("mean distance between D's logit and log p/q, for three seeds")
for name, share in {
    "where the samples are (weighted by density)": weight,
    "grey: within 9, but beyond all samples": (~where_seen).float(),
}.items():
    gaps = [float((share * (learnt - true_logits).abs()).sum() / share.sum()) for learnt in learnt_logits]
    print(f"{name:45}", "  ".join(f"{gap:5.2f}" for gap in gaps))

# %% [markdown]
# Where real and fake samples mix, the network found the ratio of two densities that it was never shown. In the grey,
# where there are none, it simply goes on as its last slope tells it: the truth falls like $-x^2$, a network of ReLUs
# falls like a straight line. The two part even before the grey begins, where fakes are few and real samples have
# ended. On the left picture this hardly shows, because the sigmoid flattens both to 0. For a generator it matters: its
# gradient comes through the *logit*.
#
# A generator that puts its samples where no real sample has ever been asks $D$ a question that the data do not answer.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The best discriminator
#
# $$h(t) = a \log t + b \log(1 - t), \qquad h'(t) = \frac{a}{t} - \frac{b}{1 - t}$$
#
# $$D^*(x) = \frac{p(x)}{p(x) + q(x)}$$
#
# ???
# (3 min) Fix one x: a is p there, b is q, t what D answers. V is the integral of h, and D may choose t at each x freely, so
# maximise h at each x by itself. Let the room set the derivative to zero: a (1 - t) = b t. h is strictly concave, so this
# is the maximum. It is the classifier of the slide before.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The value at the best $D$
#
# $$\max_D V(D, q) = -\log 4 + 2\, \mathrm{JS}(p, q)$$
#
# JS, the Jensen-Shannon divergence, is 0 for equal distributions, and $\log 2$ for two that never overlap.
#
# ???
# (3 min) Put D* into V with m, the mean of p and q: D* is p over 2m, and each half gives a minus log 2 and a
# Kullback-Leibler divergence to m. Together they are minus log 4 and twice JS. Ask for the range of the value: from minus
# log 4, which is -1.386, to 0. Write both ends on the board, they come back all day.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## One best answer: $q = p$
#
# $$\mathrm{JS}(p, q) \ge 0, \qquad \text{and } 0 \text{ only at } q = p$$
#
# There $V = -\log 4 \approx -1.386$, and $D^*$ is one half everywhere.
#
# ???
# (2 min) Jensen's inequality for the logarithm, which is strictly concave: equality needs m over p to be constant, so m is
# p, so q is p. Skip the proof in a short meeting and name the result. Then ask what the theorem assumes. It assumes a D
# that is the best at every moment and a G that can make any density. The rest of the chapter takes these away.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Where there are no samples, being wrong is free
#
# $$V(D^*, q) - V(D, q) = \int \big(p + q\big)\; \mathrm{kl}\big(D^* \,\|\, D\big)\, dx \;\ge\; 0$$
#
# ???
# (2 min) Ask what the factor p + q says about the grey zone of the earlier figure. There it is zero: no error costs
# anything, and nothing corrects it. The same line says that any trained D gives a lower bound of the value. kl is the
# divergence between two coins with these probabilities of heads.

# %% [markdown]
# ## 3. The best discriminator, and the value at it
#
# Now the same as mathematics, with natural logarithms throughout. Fix $G$, and with it the density $q$ of its samples.
# To draw $z$ and take $G(z)$ *is* to draw $x$ from $q$, so the second expectation of $V$ can be written over $x$ too:
#
# $$V(D, q) = \int p(x) \log D(x) + q(x) \log(1 - D(x)) \; dx .$$
#
# **The best $D$.** Suppose that $D$ may take any value at any $x$, independently of its values elsewhere. Then the
# integral is largest when its integrand is largest at every $x$. Take one $x$ and write $a = p(x)$, $b = q(x)$,
# $t = D(x)$, with $a, b > 0$. The function $h(t) = a \log t + b \log(1 - t)$ on $(0, 1)$ has
#
# $$h'(t) = \frac{a}{t} - \frac{b}{1 - t}, \qquad h''(t) = -\frac{a}{t^2} - \frac{b}{(1 - t)^2} < 0 .$$
#
# It is strictly concave, so the one zero of $h'$ is its maximum: $a (1 - t) = b\, t$, that is, $t = a / (a + b)$. (If
# $a = 0$, $h$ falls and its supremum is at $t = 0$; if $b = 0$, at $t = 1$: the same formula. If both are 0, every $t$
# does.) Hence
#
# $$D^*(x) = \frac{p(x)}{p(x) + q(x)} \qquad \text{(Goodfellow et al. 2014, proposition 1).}$$
#
# **The value at the best $D$.** Put $m = \tfrac12 (p + q)$, the density of the mixed sample. Then $D^* = p / 2m$ and
# $1 - D^* = q / 2m$, so
#
# $$V(D^*, q) = \int p \log \frac{p}{2m} + q \log \frac{q}{2m} \; dx
#   = -2 \log 2 + \underbrace{\int p \log \frac{p}{m} \, dx}_{\mathrm{KL}(p \| m)} + \underbrace{\int q \log \frac{q}{m} \, dx}_{\mathrm{KL}(q \| m)},$$
#
# because $\int p = \int q = 1$ lets $\log \tfrac12$ out of each integral once. The mean of the two Kullback-Leibler
# divergences is called the *Jensen-Shannon divergence*,
# $\mathrm{JS}(p, q) = \tfrac12 \mathrm{KL}(p \| m) + \tfrac12 \mathrm{KL}(q \| m)$. With $2 \log 2 = \log 4$,
#
# $$\boxed{\; \max_D V(D, q) = -\log 4 + 2\, \mathrm{JS}(p, q) \;}$$
#
# **Why the game's solution is $q = p$.** Jensen's inequality for the concave logarithm says
#
# $$-\mathrm{KL}(p \| m) = \mathbb{E}_{x \sim p}\Big[\log \frac{m(x)}{p(x)}\Big] \le \log \mathbb{E}_{x \sim p}\Big[\frac{m(x)}{p(x)}\Big]
#   = \log \int_{p > 0} m(x) \, dx \le \log 1 = 0 .$$
#
# So $\mathrm{KL} \ge 0$. Since the logarithm is strictly concave, equality needs $m/p$ to be constant where $p > 0$,
# and that constant to be 1: $m = p$, thus $q = p$ (up to a set that no sample ever hits). Therefore
# $\mathrm{JS} \ge 0$, with equality only at $q = p$. Suppose that $G$ can make any density. Then the generator, which
# minimises the boxed value, has one best answer: $p_g = p_{\text{data}}$ (theorem 1 of the paper). There the value is
# $-\log 4 \approx -1.386$ and $D^*$ is one half everywhere.
#
# **And a $D$ that is not the best?** Subtract the two integrands. With
# $\mathrm{kl}(t^* \| t) = t^* \log \frac{t^*}{t} + (1 - t^*) \log \frac{1 - t^*}{1 - t}$, the divergence between two
# coins with probabilities $t^*$ and $t$ of heads,
#
# $$V(D^*, q) - V(D, q) = \int \big(p(x) + q(x)\big)\; \mathrm{kl}\big(D^*(x) \,\|\, D(x)\big) \, dx \;\ge\; 0 .$$
#
# This one line explains the picture above. What $D$ loses by being wrong at $x$ is weighted by $p(x) + q(x)$. Where
# there are no samples, being wrong is free, and nothing corrects it. It also says that a trained $D$ gives a *lower*
# bound: $V(D, q) \le -\log 4 + 2\, \mathrm{JS}$.
#
# ## 4. The laboratory: is it true of trained networks?
#
# In one and two dimensions the divergence can be computed by adding up small cells, so each formula can be held
# against a number.

# %% minigan="toy"
# midpoints, jensen_shannon

# %% tags=["nbval-check-output"]
here, cell = midpoints(extent=12.0, cells=4000, dimension=1)
p, q = two_modes.log_prob(here).double().exp(), wide.log_prob(here).double().exp()
best, poor = (p / (p + q)), torch.sigmoid(0.5 * here[:, 0].double())


def value_of(belief: Tensor) -> float:
    return float((p * belief.log() + q * (1 - belief).log()).sum() * cell)


coin = best * (best / poor).log() + (1 - best) * ((1 - best) / (1 - poor)).log()
print(
    f"V(D*)            {value_of(best):.4f}     -log 4 + 2 JS       {-math.log(4) + 2 * jensen_shannon(two_modes, wide, 12.0):.4f}"
)
print(
    f"V(D*) - V(D)     {value_of(best) - value_of(poor):.4f}      sum (p + q) kl      {float(((p + q) * coin).sum() * cell):.4f}"
)

# %% [markdown]
# The formulas hold, for a poor $D$ made up on the spot as for the best. Now a trained one. We move a fake Gaussian
# across the real distribution, train a fresh discriminator at each place, and measure $V$ on 100,000 *new* points on
# each side.
#
# **Predict.** How will $V$ and the curve $-\log 4 + 2\,\mathrm{JS}$ compare? What is the largest value that either can
# take?


# %%
@torch.no_grad()
def value(net: nn.Module, real: Tensor, fake: Tensor) -> float:
    """V(D, q) estimated on points: minus the discriminator's loss."""
    parts = zip(real.split(10_000), fake.split(10_000), strict=True)  # all at once would take much memory
    return -float(torch.stack([losses.bce_d(net(some_real), net(some_fake)) for some_real, some_fake in parts]).mean())


def measured_value(real: GaussianMixture, fake: GaussianMixture, net: nn.Module, rate: float = 2e-3) -> float:
    """Train `net` on fresh points of each side, then measure V on others."""
    fit_discriminator(real.sample, fake.sample, net, steps=pick(quick=5, cpu=300, full=1000), rate=rate)
    n = pick(quick=2000, cpu=100_000, full=1_000_000)
    return value(net, real.sample(n), fake.sample(n))


torch.manual_seed(0)
places = torch.linspace(-8, 8, 65).tolist()
bounds = [-math.log(4) + 2 * jensen_shannon(two_modes, GaussianMixture([[place]], 0.7), 14.0) for place in places]
tried = [-7.0, -4.0, -2.0, 0.0, 1.5, 3.0, 5.0]
tried_bounds = [-math.log(4) + 2 * jensen_shannon(two_modes, GaussianMixture([[place]], 0.7), 14.0) for place in tried]
tried_values = [measured_value(two_modes, GaussianMixture([[place]], 0.7), nets.mlp(1, 1)) for place in tried]

# %% [markdown]
# The same in the plane: a ring of Gaussians against four generators that one might meet.

# %% minigan="toy"
# ring

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Do trained networks reach the bound?
#
# A fake Gaussian moves over the real distribution; a fresh $D$ is trained at each place. **Predict** the largest value.
#
# ???
# (3 min) Take guesses for the largest value of V, then show. Orange dots lie on the blue curve, or just below it: the
# theorem holds for trained networks. Far left and far right the curve is flat at 0. A perfect D then knows that the
# generator is wrong, and its value no longer says which way is better. The crosses on the right come next.

# %% slideshow={"slide_type": "fragment"}
soft_ring = ring(sigma=0.2)
fakes_in_plane = {
    "one blob": GaussianMixture([[0.0, 0.0]], 0.7),
    "half of the ring": GaussianMixture(soft_ring.centres[:4], 0.2),
    "one mode only": GaussianMixture(soft_ring.centres[:1], 0.2),
    "too large a ring": ring(radius=1.3, sigma=0.2),
}
plane_bounds, plane_values, linear_values = [], [], []
for fake in fakes_in_plane.values():
    plane_bounds.append(-math.log(4) + 2 * jensen_shannon(soft_ring, fake, 4.0, 400))
    plane_values.append(measured_value(soft_ring, fake, nets.mlp(2, 1)))
    linear_values.append(measured_value(soft_ring, fake, nn.Linear(2, 1), rate=0.05))

alt = "Left: V of trained discriminators lies on the curve. Right: networks lie on the diagonal, linear ones far below it."
with plot.figure(2, alt=alt, size=(4.4, 3.5)) as (moving, against):
    moving.plot(places, bounds, color=REAL, lw=4, alpha=0.5, label="$-\\log 4 + 2$ JS")
    moving.plot(tried, tried_values, "o", color=FAKE, label="V of a trained D")
    moving.axhline(-math.log(4), color="0.6", lw=0.8)
    moving.axhline(0, color="0.6", lw=0.8)
    moving.set(
        xlabel="centre of the fake Gaussian", ylabel="value V", title="a fake Gaussian on the move", ylim=(-1.5, 0.1)
    )
    moving.legend(loc="lower left", fontsize=8)
    against.plot([-1.4, 0], [-1.4, 0], color="0.6", lw=0.8)
    against.plot(tried_bounds, tried_values, "o", color=FAKE, label="network, line")
    against.plot(plane_bounds, plane_values, "s", color=GREEN, label="network, plane")
    against.plot(plane_bounds, linear_values, "x", color="0.3", label="linear D, plane")
    against.set(xlabel="$-\\log 4 + 2$ JS", ylabel="value V", title="all pairs", ylim=(-1.5, 0.1))
    against.legend(loc="upper left", fontsize=8)

# %%
gaps = np.array(tried_values + plane_values) - np.array(tried_bounds + plane_bounds)
print(f"networks: V lies between {gaps.min():+.3f} and {gaps.max():+.3f} of the bound, mean {gaps.mean():+.3f}")
print(
    "linear:   V - bound =",
    "  ".join(f"{v - b:+.2f} ({name})" for name, v, b in zip(fakes_in_plane, linear_values, plane_bounds, strict=True)),
)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## One half is no proof
#
# A linear $D$ says $V \approx -\log 4$ on a blob and on a ring that is too large. Both are plainly wrong.
#
# "Converged when $D$ outputs one half": **which** $D$?
#
# ???
# (2 min) Go back one slide and point at the crosses: a discriminator that can only draw a straight line. It finds nothing
# to hold against these fakes, and its value is the one a perfect generator would get. One half says that this D cannot tell
# them apart. It takes a strong D to make it say something about G.

# %% [markdown]
# The networks sit on the bound, or a little below it. (An excess of a thousandth or so is the sampling noise of $V$.)
# None can lie above, for $V(D) \le V(D^*) = -\log 4 + 2\,\mathrm{JS}$ for every $D$. Read from right to left, this says
# what any discriminator tells about the two distributions: $\mathrm{JS} \ge \tfrac{1}{2}\,(V(D) + \log 4)$. A better $D$
# gives a higher lower bound.
#
# Two things in this picture are worth more than the agreement.
#
# **The curve goes flat.** When the two distributions no longer overlap, JS is $\log 2$ and $V$ is 0, whether they are
# near or far apart. A perfect $D$ then knows *that* the generator is wrong but its value no longer says *which way* is
# better. Arjovsky and Bottou (2017) made this the starting point of the Wasserstein GAN; chapter 02 looks at the
# gradients.
#
# **Pitfall: a value near $-\log 4$ is not a success.** The crosses are a discriminator that can only draw a straight
# line. On a blob and on a large ring it finds nothing to hold against fakes that are plainly wrong, and its value is
# the one that a perfect generator would get. You will read that training has converged "when $D$ outputs one half
# everywhere". One half says that *this* $D$ cannot tell them apart. It takes a strong $D$ to make it say something
# about $G$. The mend is in the picture: the same pairs, judged by a network.
#
# In the plane the ratio itself can be looked at.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The ratio, looked at
#
# ???
# (2 min) Eight Gaussians on a ring against one blob. Ask what the white line is: it encloses most of the samples. Inside,
# the learnt D has rebuilt the ring from samples alone. On the right, bright means far from the truth. Outside the line no
# sample tells the logits to stop.

# %% slideshow={"slide_type": "-"} tags=["slide-title-1"]
torch.manual_seed(1)
blob = fakes_in_plane["one blob"]
judge = fit_discriminator(
    soft_ring.sample, blob.sample, nets.mlp(2, 1), steps=pick(quick=5, cpu=700, full=2000), rate=6e-3
)
cells = 120
plane, _ = midpoints(extent=3.0, cells=cells, dimension=2)
with torch.no_grad():
    learnt = judge(plane)[:, 0].reshape(cells, cells).T
truth = optimal_logit(soft_ring, blob, plane).reshape(cells, cells).T
mixed = torch.logaddexp(soft_ring.log_prob(plane), blob.log_prob(plane)).reshape(cells, cells).T.exp() / 2

alt = (
    "Eight bright spots in the true D and in the learnt D; they differ most outside the contour that holds the samples."
)
with plot.figure(3, alt=alt, size=(3.1, 3.0)) as axes:
    pictures = {
        "D* = p / (p + q)": (truth.sigmoid(), "cividis", 1),
        "D, learnt": (learnt.sigmoid(), "cividis", 1),
        "distance of the logits, 0 to 6": ((learnt - truth).abs(), "magma", 6),
    }
    for axis, (title, (picture, colours, top)) in zip(axes, pictures.items(), strict=True):
        axis.imshow(picture, origin="lower", extent=(-3, 3, -3, 3), vmin=0, vmax=top, cmap=colours)
        axis.contour(mixed, levels=[1e-2], origin="lower", extent=(-3, 3, -3, 3), colors="white", linewidths=1)
        axis.set(title=title, xticks=[], yticks=[])
        axis.spines[:].set_visible(False)

# %% [markdown]
# The white line encloses most of the samples. Inside, $D$ has rebuilt the ring: bright where real samples prevail,
# dark in the middle. Outside, the logits differ by more and more (brighter), and no sample tells them to stop.
#
# ### What a finite sample does
#
# So far $D$ drew fresh points at every step. Nobody has an endless supply of photographs. Give $D$ 64 real and 64 fake
# points, *both from the same ring*: here $p = q$, and the bound is $-\log 4$ exactly.
#
# **Predict.** What value will $D$ report on its own 64 + 64 points? And on new ones?

# %%
sharp_ring = ring()
steps, every = pick(quick=10, cpu=600, full=2000), pick(quick=5, cpu=20, full=50)
reported: dict[str, list[float]] = {}
for name, count in {"64 points": 64, "256 points": 256, "fresh points": None}.items():
    torch.manual_seed(0)
    new_real, new_fake = sharp_ring.sample(5000), sharp_ring.sample(5000)
    real_points, fake_points = sharp_ring.sample(count or 256), sharp_ring.sample(count or 256)
    net = nets.mlp(2, 1)
    optimiser = torch.optim.Adam(net.parameters(), lr=2e-3, fused=True)
    reported[f"{name}, its own"], reported[f"{name}, new"] = [], []
    for step in range(steps + 1):
        if step % every == 0:
            reported[f"{name}, its own"].append(value(net, real_points, fake_points))
            reported[f"{name}, new"].append(value(net, new_real, new_fake))
        if count is None:
            real_points, fake_points = sharp_ring.sample(256), sharp_ring.sample(256)
        loss = losses.bce_d(net(real_points), net(fake_points))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()

# %% [markdown] slideshow={"slide_type": "slide"}
# ## 64 real, 64 fake, from the same ring
#
# $p = q$, so the bound is $-\log 4$. **Predict:** what does $D$ report on its own points? On new ones?
#
# ???
# (3 min) The usual answer: minus log 4, since there is nothing to find. Show. On its own points it claims a difference
# between equal distributions: it has learnt them by heart. On new points it falls below minus log 4. Two lessons. Believe a
# value only on points that D was not trained on. And in a real game p is the training set, so the best generator of the
# theorem is a copier.

# %% slideshow={"slide_type": "fragment"}
alt = "With 64 points V rises above -log 4 on the points that D has seen and falls far below on new ones; with more it stays."
with plot.figure(3, alt=alt, size=(3.2, 2.9)) as axes:
    for axis, name in zip(axes, ["64 points", "256 points", "fresh points"], strict=True):
        taken = [every * i for i in range(len(reported[f"{name}, new"]))]
        axis.axhline(-math.log(4), color=REAL, lw=4, alpha=0.5)
        axis.plot(taken, reported[f"{name}, its own"], color=FAKE)
        axis.plot(taken, reported[f"{name}, new"], color="0.3", ls="--")
        axis.set(title=name, xlabel="step of D", ylim=(-2.6, -0.6))
    axes[0].set_ylabel("value V")
    axes[0].annotate("its own points", (taken[-1] * 0.3, -0.8), color=FAKE)
    axes[0].annotate("new points", (taken[-1] * 0.05, -2.1), color="0.3")
    axes[2].annotate("$-\\log 4$", (taken[-1] * 0.6, -1.3), color=REAL)

# %% [markdown]
# With 64 points, $D$ claims a divergence between two distributions that are equal. It has learnt the points by heart.
# The bound is not broken: $D$ sits below *another* bound, that between two clouds of 64 points, which have nothing in
# common. On new points its value drops below $-\log 4$, as the theorem demands.
#
# Two consequences, and the second one is uncomfortable:
#
# 1. A value says something only on points that $D$ was not trained on.
# 2. In the game, $p_{\text{data}}$ *is* the training set. Theorem 1, taken at its word, says that the best generator
#    copies it. What we want, new pictures, lies in what keeps real training *away* from that optimum. Section 7 comes
#    back to this.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The smallest game
#
# $$\min_x \max_y\; x\,y$$
#
# $$x' = x - \eta\, y, \qquad y' = y + \eta\, x \;\text{ or }\; y + \eta\, x'$$
#
# ???
# (3 min) The proof maximises over D completely. Practice takes one small step each. This is the game left over when all
# real data sit at 0, the generator makes one point, and D has one number (the Dirac-GAN). First the steps at the same time,
# with the old x; then in turn, with the new x. Ask which of the two GAN code does. It takes turns.

# %% [markdown]
# ## 5. The proof has a solution; does training find it?
#
# The proof maximises over $D$ completely, then moves $q$ freely. Practice takes one gradient step for $D$, one for
# $G$, and so on, in the parameters of two networks. That is not a descent on anything: each step changes the landscape
# of the other. The smallest such game has two numbers,
#
# $$\min_x \max_y f(x, y) = x y ,$$
#
# with its solution at $x = y = 0$. It is no toy picked for its looks. Put all real data at 0, let the generator make
# the one point $\theta$, and give the discriminator the logit $\psi x$. Then
# $V = \log \sigma(0) + \log(1 - \sigma(\psi\theta)) \approx -\log 4 - \tfrac12 \psi\theta$ near the solution, where
# $\sigma$ is the sigmoid: up to a constant and the factor $-\tfrac12$, the product of the two parameters (the
# "Dirac-GAN" of Mescheder et al. 2018). And the R1 penalty, $\tfrac12 \|\nabla_x D\|^2$ of the logit at real data, is
# $\tfrac12 \psi^2$ there: it pulls the discriminator's parameter to 0.
#
# The gradients are $\partial_x f = y$ and $\partial_y f = x$. With step size $\eta$, two ways to take turns:
#
# - *simultaneous*: $x' = x - \eta y$, $\; y' = y + \eta x$. Then $x'^2 + y'^2 = (1 + \eta^2)(x^2 + y^2)$: every step
#   moves outwards.
# - *alternating*: $x' = x - \eta y$, $\; y' = y + \eta x'$, where $y$ already answers to the new $x'$. Insert $y'$,
#   then $x'$, into $x'^2 + y'^2 - \eta x' y'$: what remains is $x^2 + y^2 - \eta x y$. This quantity is conserved, and
#   for $\eta < 2$ its level is an ellipse.
#
# **Predict.** GAN training alternates. Does it reach $(0, 0)$? What will momentum do, the habit of optimisers to go on
# in the direction they had?


# %% [markdown] slideshow={"slide_type": "slide"}
# ## Who reaches the blue cross?
#
# At the same time, in turn, with momentum, or with a penalty on $D$?
#
# ???
# (4 min) Let everybody vote for each before the key. Grey is the start, orange the end, green the mean of all points. At
# the same time: outwards, and many texts stop here and say that GANs diverge. In turn: a closed ellipse, for ever. Momentum
# remembers a direction that the other player has turned round: outwards. The penalty is R1, and goes inwards. The mean is
# near the solution all along, which is why chapter 02 averages weights.


# %% slideshow={"slide_type": "fragment"}
def play(steps: int, rate: float = 0.1, alternate: bool = True, beta1: float = 0.0, damping: float = 0.0) -> Tensor:
    """Gradient steps on f(x, y) = xy - damping y^2 / 2 with Adam's averaging of gradients: the path, (steps + 1, 2)."""
    x, y, x_average, y_average = 1.0, 0.0, 0.0, 0.0
    path = [(x, y)]
    for _ in range(steps):
        x_average = beta1 * x_average + (1 - beta1) * y
        new_x = x - rate * x_average
        answered = new_x if alternate else x
        y_average = beta1 * y_average + (1 - beta1) * (answered - damping * y)
        y = y + rate * y_average
        x = new_x
        path.append((x, y))
    return torch.tensor(path, dtype=torch.float64)


games = {
    "simultaneous": play(150, alternate=False),
    "alternating": play(150),
    "with beta1 = 0.5": play(150, beta1=0.5),
    "with beta1 = 0.9": play(150, beta1=0.9),
    "penalty on y": play(150, damping=0.3),
}
alt = "Five paths around the origin: outward spiral, closed ellipse, two faster outward spirals, and an inward spiral."
with plot.figure(5, alt=alt, size=(1.9, 2.1)) as axes:
    for axis, (name, path) in zip(axes, games.items(), strict=True):
        axis.plot(*path.T, color=GOLD, lw=1)
        axis.plot(*path[0], "o", color="0.3", ms=5)
        axis.plot(*path[-1], "o", color=FAKE, ms=5)
        axis.plot(*path.mean(0), "+", color=GREEN, ms=10, mew=2)
        axis.plot(0, 0, "x", color=REAL, ms=6, mew=2)
        axis.set(title=name, xlim=(-4, 4), ylim=(-4, 4), aspect="equal", xticks=[], yticks=[])
        axis.spines[:].set_visible(False)

# %% tags=["nbval-check-output"]
x, y = play(1000).T
conserved = x**2 + y**2 - 0.1 * x * y
print(
    f"simultaneous, 100 steps: squared length / 1.01^100 = {float(play(100, alternate=False)[-1].square().sum()) / 1.01**100:.6f}"
)
print(f"alternating, 1000 steps: x^2 + y^2 - 0.1 xy lies in [{conserved.min():.6f}, {conserved.max():.6f}]")
for name, path in games.items():
    print(f"{name:26} distance from the solution {path[-1].norm():7.4f}, of the mean point {path.mean(0).norm():.4f}")

# %% [markdown]
# The three games on the right alternate. Grey is the start, orange the end, the blue cross the solution, the green
# plus the mean of all points.
#
# - Simultaneous steps spiral outwards. Many texts show this picture and say "GANs diverge". But GAN code alternates,
#   and alternating steps close: they circle for ever, neither nearer nor farther.
# - Momentum remembers a direction that the other player has already turned round. It pushes outwards; at 0.9 the path
#   leaves the picture within one turn.
# - A penalty on the discriminator's parameter, which is what R1 is here, turns the circle into an inward spiral.
# - The mean of the circling points is far nearer to the solution than any of them. Keeping an average of the
#   generator's weights (EMA, chapter 02) uses just this.
#
# If this small game is worth its ink, it predicts what happens to two real networks: momentum should hurt, R1 should
# help.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Eight modes: when is one found?
#
# $$\text{found:}\quad \text{share of good samples} \;\ge\; \frac{1}{10} \cdot \frac{1}{8}$$
#
# A sample is good within $3\sigma$ of a centre. One stray point finds no mode.
#
# ???
# (2 min) Now two real networks. Ask what could go wrong with counting a mode as found by a single sample, which much
# published work does. Strays between modes are always there: the generator is continuous, as at the start of this hour.

# %% [markdown]
# ## 6. The ring: which modes does a generator find, and when?
#
# The real distribution is a ring of eight Gaussians, the generator a network from 16 latents to points of the plane. A
# sample is *good* within three $\sigma$ of a centre. A mode is *found* if it holds at least a tenth of the samples
# that are its due. Much published work counts a mode as found by a single stray sample, and strays between modes there
# always are (section 1).

# %% minigan="toy"
# Modes, count_modes

# %% [markdown]
# Here is the whole training loop. Both networks have two hidden layers of 128 ReLUs (`slope=0`). The discriminator
# takes a step, then the generator, on the same fake batch. `losses.ADVERSARIAL` names the losses: in both games below
# $D$ minimises $-V$. In `"minimax"` the generator minimises $V$ itself; in `"non_saturating"` it maximises
# $\mathbb{E} \log D(G(z))$, which points the same way and which is what most GAN code does. Chapter 02 shows when the
# difference matters.


# %%
@dataclass
class Run:
    """What a training run leaves: samples of the same latents, and the modes found, every `every` steps."""

    every: int
    samples: list[Tensor] = field(default_factory=list)
    found: list[int] = field(default_factory=list)
    good: list[float] = field(default_factory=list)


def train(
    real: GaussianMixture,
    draw: Callable[[int], Tensor],
    game: str = "non_saturating",
    beta1: float = 0.9,
    r1: float = 0.0,
    slope: float = 0.0,
    seed: int = 0,
    steps: int = pick(quick=15, cpu=1500, full=6000),
) -> Run:
    """Train a GAN on points that `draw` gives; look at its samples 15 times on the way."""
    torch.manual_seed(seed)
    generator, discriminator = nets.mlp(16, 2, slope=slope), nets.mlp(2, 1, slope=slope)
    of_generator = list(generator.parameters())
    g_optimiser = torch.optim.Adam(of_generator, lr=1e-3, betas=(beta1, 0.999), fused=True)
    d_optimiser = torch.optim.Adam(discriminator.parameters(), lr=1e-3, betas=(beta1, 0.999), fused=True)
    d_loss, g_loss = losses.ADVERSARIAL[game]
    run, fixed_latents = Run(every=steps // 15), torch.randn(1000, 16)
    for step in range(steps + 1):
        if step % run.every == 0:
            with torch.no_grad():
                run.samples.append(generator(fixed_latents))
            modes = count_modes(run.samples[-1], real)
            run.found.append(modes.found)
            run.good.append(modes.good)
        real_points, fake_points = draw(128), generator(torch.randn(128, 16))
        loss = d_loss(discriminator(real_points), discriminator(fake_points.detach()))
        if r1:
            loss = loss + r1 * losses.r1_penalty(discriminator, real_points)
        d_optimiser.zero_grad()
        loss.backward()
        d_optimiser.step()
        g_optimiser.zero_grad()
        g_loss(discriminator(fake_points)).backward(inputs=of_generator)
        g_optimiser.step()
    return run


# %% [markdown]
# **Predict.** PyTorch's Adam comes with `beta1 = 0.9`: the gradient is averaged over about ten steps. What will the
# ring look like with it? With R1 added? With less momentum, or none? And which is worse, the non-saturating game or
# minimax?

# %%
settings: dict[str, dict] = {
    "beta1 = 0.9": {},
    "beta1 = 0.9, R1": {"r1": 0.1},
    "beta1 = 0.5": {"beta1": 0.5},
    "beta1 = 0.5, R1": {"beta1": 0.5, "r1": 0.1},
    "beta1 = 0": {"beta1": 0.0},
    "minimax, beta1 = 0.9": {"game": "minimax"},
    "minimax, beta1 = 0": {"game": "minimax", "beta1": 0.0},
    "leaky ReLU, beta1 = 0.9": {"slope": 0.2},
}
runs = {
    name: [train(sharp_ring, sharp_ring.sample, **chosen, seed=seed) for seed in range(3)]
    for name, chosen in settings.items()
}


# %% [markdown] slideshow={"slide_type": "slide"}
# ## Momentum 0.9: what becomes of the ring?
#
# PyTorch's Adam comes with $\beta_1 = 0.9$. **Predict** from the small game.
#
# ???
# (3 min) Rows from the top: momentum 0.9; 0.5 with R1; none. Time runs to the right. At 0.9 everything sits on one or two
# modes and hops when D has learnt to reject them. Ask what a single snapshot would have told: another mode each time. The
# other two spread to all eight. The small game said so: momentum out, penalty in.


# %% slideshow={"slide_type": "fragment"}
def draw_points(axis, samples: Tensor, real: GaussianMixture) -> None:
    """Samples in orange over the real distribution's centres in blue."""
    axis.plot(*real.centres.T, "o", color=REAL, ms=7, alpha=0.35, mew=0)
    axis.plot(*samples[:400].T, ".", color=FAKE, ms=2)
    axis.set(xlim=(-1.7, 1.7), ylim=(-1.7, 1.7), aspect="equal", xticks=[], yticks=[])
    axis.spines[:].set_visible(False)


shown = ["beta1 = 0.9", "beta1 = 0.5, R1", "beta1 = 0"]
alt = "Three rows of samples over time: the first is a clump that jumps about, the other two spread to all eight modes."
with plot.figure(7, len(shown), alt=alt, size=(1.35, 1.4)) as axes:
    for row, name in zip(axes, shown, strict=True):
        run = runs[name][0]
        for axis, moment in zip(row, [1, 3, 5, 7, 9, 12, 15], strict=True):
            draw_points(axis, run.samples[moment], sharp_ring)
            if name == shown[0]:
                axis.set_title(f"step {moment * run.every}")
        row[0].set_ylabel(name)

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Three seeds, or no claim
#
# ???
# (3 min) A line for each seed, the number of modes over time. Read out three panels. R1 alone mends two seeds of three. No
# momentum: two seeds perfect, one on a single mode for the whole run. Both together: eight on every seed. Then the
# surprises: minimax does not collapse more than non-saturating here, and leaky ReLU alone cures 0.9. Ask what one seed
# would have let us publish.

# %% slideshow={"slide_type": "-"}
alt = "Modes over time, eight settings, three seeds: beta1 = 0.9 stays low; three settings reach eight on every seed."
with plot.figure(4, 2, alt=alt, size=(2.5, 2.1)) as axes:
    for axis, (name, of_seeds) in zip(axes.flat, runs.items(), strict=True):
        for run in of_seeds:
            axis.plot([run.every * i for i in range(16)], run.found, lw=1.3)
        axis.set(title=name, ylim=(-0.3, 8.4), yticks=[0, 4, 8])
    for axis in axes[1]:
        axis.set_xlabel("step")
    for axis in axes[:, 0]:
        axis.set_ylabel("modes found")

# %%
print(
    "                          modes at the end, mean over the last third, share of good samples at the end (three seeds)"
)
for name, of_seeds in runs.items():
    ends = " ".join(f"{run.found[-1]}" for run in of_seeds)
    means = " ".join(f"{sum(run.found[-5:]) / 5:4.1f}" for run in of_seeds)
    goods = " ".join(f"{run.good[-1]:.2f}" for run in of_seeds)
    print(f"{name:26}{ends:10}{means:18}{goods}")

# %% [markdown]
# Here is what we saw with these three seeds, and more than one line of it surprised us.
#
# - **Collapse and hopping.** With `beta1 = 0.9` the generator puts nearly everything on one or two modes and jumps
#   when $D$ has learnt to reject them. Look at the top strip: a single snapshot would have shown you a different mode
#   each time, and a lucky one several. The small game of section 5 said so: momentum keeps the two from settling.
# - **What mends it.** R1 alone mends two seeds of three, a smaller `beta1` alone not all of them either. Both together
#   give eight modes on all three seeds, and keep them. One seed with `beta1 = 0` sits on a single mode for the whole
#   run: with one seed only, we would have reported this setting as a cure, or as a failure.
# - **The folklore.** "Minimax saturates, so it collapses; the non-saturating loss was invented against that." Not
#   here. In either setting of momentum minimax finds at least as many modes as the non-saturating game. Saturation is
#   real, but it is about a generator whose samples $D$ rejects with certainty, as it does with pictures. Chapter 02
#   shows it.
# - **The fine print.** Replace ReLU by leaky ReLU, change nothing else, and `beta1 = 0.9` finds all eight modes. Many
#   methods are praised for curing the ring. Before believing it, ask which activation and which optimiser the sick
#   patient had.
#   We chose ours: of about ten rings and networks that we tried, we kept one that falls sick.
# - Even good runs leave some samples between modes, for the reason given in section 1.

# %% [markdown]
# ## 7. Has it learnt the distribution, or the list?
#
# Section 4 left a worry: the game on a training set has the training set as its best answer. Give a GAN with R1 only
# 32 training points, and let it run. Counting modes cannot tell a copy from a discovery. A new question can: *how near
# is each sample to its nearest training point, compared with a new real point?*
#
# **Predict.** Take the distance from a typical (median) new real point to its nearest training point. Half of all new
# real points are nearer than that. Which share of the samples is nearer, for a generator that copies? For our GAN,
# trained longer and longer?


# %%
def nearest(queries: Tensor, training: Tensor) -> tuple[Tensor, Tensor]:
    """Of each query the distance to its nearest training example, and that one's index. Any shape after the first."""
    parts = training.flatten(1).split(100)  # all at once would take much memory
    found = torch.cat([torch.cdist(queries.flatten(1), part) for part in parts], dim=1).min(1)
    return found.values, found.indices


def share_nearer(samples: Tensor, training: Tensor, new: Tensor) -> float:
    """The share of samples nearer to the training set than the median new real point: a half if all is well."""
    return float((nearest(samples, training)[0] < nearest(new, training)[0].median()).float().mean())


few, new_points = sharp_ring.sample(32, torch.Generator().manual_seed(0)), sharp_ring.sample(4000)
on_few = [
    train(sharp_ring, from_fixed(few), beta1=0.0, r1=0.1, seed=seed, steps=pick(quick=15, cpu=3000, full=9000))
    for seed in range(3)
]
generators = {
    "draws anew": sharp_ring.sample(1000),
    "copies": few[torch.randint(32, (1000,))] + 0.01 * torch.randn(1000, 2),
    "GAN on 32 points": on_few[0].samples[-1],
}

# %% [markdown] slideshow={"slide_type": "slide"}
# ## Has it learnt the distribution, or the list?
#
# What share of samples lies nearer to the 32 training points (blue) than a typical new point does? **Predict** for a
# copier, and for our GAN.
#
# ???
# (3 min) The copier has all eight modes and nearly only good samples: every test so far passes it. Only its distance gives
# it away, all its samples are too near. The GAN starts far away, passes the honest half, and drifts on. Nobody asked it to
# copy; the game did. More data, a stop in time, and a D that cannot learn by heart hold it back.

# %% slideshow={"slide_type": "fragment"}
alt = "New points cover the modes, copies sit on the 32 training points, the GAN crowds near them; its share of near ones grows."
with plot.figure(4, alt=alt, size=(2.5, 2.7)) as (*scatters, history):
    for axis, (name, samples) in zip(scatters, generators.items(), strict=True):
        axis.plot(*samples.T, ".", color=FAKE, ms=2)
        axis.plot(*few.T, "+", color=REAL, ms=6)
        axis.set(title=name, xlim=(0.2, 1.4), ylim=(-0.3, 0.9), aspect="equal", xticks=[], yticks=[])
        axis.spines[:].set_visible(False)
    for run in on_few:
        shares = [share_nearer(samples, few, new_points) for samples in run.samples]
        history.plot([run.every * i for i in range(16)], shares, lw=1.3)
    history.axhline(0.5, color="0.6", lw=0.8)
    history.set(title="share nearer than new", xlabel="step", ylim=(0, 1))
print("                    modes   good   nearer than a typical new point")
for name, samples in generators.items():
    modes = count_modes(samples, sharp_ring)
    print(f"{name:20}{modes.found}       {modes.good:.2f}   {share_nearer(samples, few, new_points):.2f}")
late = [sum(share_nearer(samples, few, new_points) for samples in run.samples[-5:]) / 5 for run in on_few]
print("GAN, mean over the last third, three seeds:", "  ".join(f"{share:.2f}" for share in late))

# %% [markdown]
# The copier has all eight modes and nearly only good samples. By the measure of section 6 it is as good as a generator
# that draws anew. Only its distance to the training points gives it away: *all* its samples are suspiciously near.
#
# The GAN starts far from everything, reaches the honest half, and drifts on past it, unsteadily. Nobody asked it to
# copy; the game did, as theorem 1 says it must. More data, a stop in time, and a $D$ that cannot learn points by heart
# hold it back. With few pictures this is the main trouble, and chapters 02 and 05 come back to it.
#
# ### The same check on pictures
#
# From now on every generator of this course has to pass it. Here it is on `peeps`, drawn heads that chapter 02 learns
# to draw. Before judging a generator, judge the check: for pictures that are certainly *not* copies, the held-out
# ones, what does the nearest training picture look like?

# %% [markdown] slideshow={"slide_type": "slide"}
# ## How near is honest?
#
# ???
# (2 min) Before judging a generator, judge the check. Above are heads that were held out, so certainly no copies, and under
# each its nearest training head in pixels. Alike, but not the same. A generator whose samples lie much nearer than these
# has copied.

# %% slideshow={"slide_type": "-"}
peeps = data.load("peeps")[:]
held_out = data.load("peeps", "test")[: pick(quick=32, cpu=400, full=400)]
distances, which = nearest(held_out, peeps)
per_pixel = math.sqrt(peeps[0].numel())
alt = (
    "Eight held-out drawn heads, and under each its nearest training head: same shade and outline, other hair and face."
)
plot.compare({"held out": held_out[:8], "nearest": peeps[which[:8]]}, alt=alt)
print(
    f"distance to the nearest of {len(peeps):,}, root mean square per pixel: median {distances.median() / per_pixel:.3f}"
)

# %% [markdown]
# Alike, but not the same: that is how a head looks that was never copied. A generator whose samples lie much nearer
# than this median has copied.
#
# **Predict.** Now a thief with a little cunning: take training pictures and move them sideways by a few pixels. Does
# the check still find the original?

# %% [markdown] slideshow={"slide_type": "slide"}
# ## A thief moves a picture by three pixels
#
# Does the nearest neighbour still find the original?
#
# ???
# (2 min) Most people say yes: three pixels are hardly seen. Show. For most heads the nearest is now another head; the
# original is found for 38 of 100. The copy lies farther from its own original than an honest head from its neighbour.
# Distance in pixels is not distance as people see it.

# %% slideshow={"slide_type": "fragment"}
originals = peeps[: pick(quick=16, cpu=200, full=400)]


def moved(images: Tensor, pixels: int) -> Tensor:
    """Images moved to the right; their left edge is repeated into the gap."""
    edge = images[..., :1].expand(*images.shape[:-1], pixels)
    return torch.cat([edge, images], dim=-1)[..., : images.shape[-1]]


shifts = [0, 1, 2, 3, 4]
recovered, moved_distance = [], []
for pixels in shifts:
    away, index = nearest(moved(originals, pixels), peeps)
    recovered.append(float((index == torch.arange(len(originals))).float().mean()))
    own = (moved(originals, pixels) - originals).flatten(1).norm(dim=1).median() / per_pixel
    moved_distance.append(float(own))

stolen = moved(originals[:8], 3)
alt = "Eight heads, the same moved by three pixels, and the nearest training heads of these: several are other heads."
plot.compare({"original": originals[:8], "moved": stolen, "nearest": peeps[nearest(stolen, peeps)[1]]}, alt=alt)
print("moved by (pixels)          ", "".join(f"{pixels:7}" for pixels in shifts))
print("original found             ", "".join(f"{share:7.0%}" for share in recovered))
print("distance to the original   ", "".join(f"{gap:7.3f}" for gap in moved_distance))

# %% [markdown] slideshow={"slide_type": "slide"}
# ## The second formula enters here
#
# $$L_{FD} = \sum_i \big\| F_i(G(z)) - F_i(x) \big\|^2$$
#
# $$L = L_{\text{adv}} + \lambda L_{FD}$$
#
# ???
# (2 min) F are the layers of a network that was trained before. Ask what the thief would have to do to deceive this
# distance. Chapter 04 opens such a network, chapter 06 builds the distance and shows where it fails too.

# %% [markdown] slideshow={"slide_type": "slide"}
# ## What you will read, and what we measured
#
# "Converged at one half" · a weak $D$ says so at once
#
# "GANs diverge, see the spiral" · taking turns, they circle
#
# "All eight modes" · at which step, on how many seeds?
#
# ???
# (2 min) Let the room find the figure of today that answers each. The full table stands in section 8 of the chapter. If
# time is short, keep only the last line: it is the question to ask of every published ring.

# %% [markdown]
# The unmoved copy is found every time. Three pixels to the side, and for most heads the nearest training picture is
# *another* head; the copy now lies farther from its own original than a head that was never copied lies from its
# nearest neighbour. Passing this check is necessary, and it is not enough. Distance in pixels is not distance as
# people see it.
#
# Here stands the second formula of this course. It replaces pixels by the features $F_i$ of a pretrained network:
#
# $$L_{FD} = \sum_i \big\| F_i(G(z)) - F_i(x) \big\|^2, \qquad L = L_{\text{adv}} + \lambda L_{FD} .$$
#
# $F_i(x)$ are the numbers that layer $i$ of that network computes from picture $x$, $L_{\text{adv}}$ is the loss of
# the game in this chapter, and $\lambda$ weighs the two. Chapter 04 opens such a network, chapter 06 builds the
# distance.
#
# ## 8. What well-known treatments get wrong
#
# | you will read | what we measured |
# |---|---|
# | "Training has converged when $D$ outputs one half." | A weak $D$ outputs one half for fakes that are plainly wrong (section 4). $V$ is a lower bound. |
# | "The discriminator's loss measures the divergence." | Only on points that it was not trained on (section 4, 64 points). |
# | "GANs diverge: see the spiral of $xy$." | Simultaneous steps do. Alternating steps, which GANs use, close an ellipse (section 5). |
# | "Minimax collapses on the ring; use the non-saturating loss." | Minimax found at least as many modes (section 6). Saturation is real; chapter 02 shows it on pictures. |
# | "Our method finds all eight modes." | At which step? Counted by how many samples? Over how many seeds? With which activation (section 6)? |
# | "The optimum is $p_g = p_{\text{data}}$, so a GAN learns the data." | On a training set this optimum is a copier (section 7). |
#
# ## Summary
#
# - A generator is right or wrong only as a distribution. A classifier of real and fake samples learns $\log p/q$,
#   where there are samples.
# - $D^* = p/(p+q)$, $\max_D V = -\log 4 + 2\,\mathrm{JS}(p, q)$, and the only best $q$ is $p$. Trained networks reach
#   this bound from below, measured in one and two dimensions.
# - Two players circle. Momentum on both sides drives them out; a gradient penalty and averaging draw them in. The ring
#   of eight shows the first two.
# - Modes are counted over time, over seeds, and by their due share.
# - A copier passes every test but the nearest-neighbour check, and in pixels even that can be deceived.
#
# ## Try it
#
# **1. Three fakes for each real** (5 minutes, checked here). A colleague's training loop draws three fake points for
# each real one, and takes *one* mean over all of them: the loss is $-\int p \log D + 3 q \log(1 - D)$, up to a factor.
# What is the best $D$ now? Find it by the steps of section 3, and write it as a logit. Then ask yourself: when
# $q = p$, what does this $D$ say? (`losses.bce_d` averages each side by itself. Why?)


# %% tags=["raises-exception"]
def best_logit(real: GaussianMixture, fake: GaussianMixture, points: Tensor, fakes_per_real: float) -> Tensor:
    """The logit of the best D when the loss counts `fakes_per_real` fake points for each real one."""
    raise NotImplementedError


spots = torch.tensor([[-2.0], [0.0], [1.5], [4.0]])
equal = optimal_logit(two_modes, wide, spots)


def searched_logit(fakes_per_real: float) -> Tensor:
    """The answer without any formula: of 200,001 values for D, the one with the least loss at each spot."""
    t = torch.linspace(1e-4, 1 - 1e-4, 200_001, dtype=torch.float64)
    a, b = (density.log_prob(spots).double().exp()[:, None] for density in (two_modes, wide))
    return t[(a * t.log() + fakes_per_real * b * (1 - t).log()).argmax(1)].logit()


hints = [
    "Repeat section 3 with h(t) = a log t + k b log(1 - t), where k is the number of fakes for each real.",
    "The maximum is at t = a / (a + k b), and the logit of t is log t - log(1 - t).",
]
mistakes = {
    "This is the logit for equal numbers. Where does k enter?": equal,
    "More fakes make every point more suspicious. Should the logit rise or fall?": equal + math.log(3),
}
with checking("Three fakes for each real", hints) as c:
    c.close(
        best_logit(two_modes, wide, spots, 3), searched_logit(3), "three fakes: no other D does better", 1e-2, mistakes
    )
    c.close(best_logit(two_modes, wide, spots, 1), searched_logit(1), "one fake: the logit of section 2", 1e-2)

# %% [markdown]
# **2. Half a ring, by hand** (10 minutes). The real distribution has eight equal modes so far apart that they do not
# overlap. A generator makes four of them perfectly, equally often, and never the others. Work out $\mathrm{JS}(p, q)$
# on paper, as a multiple of $\log \tfrac43$. Then compare with `jensen_shannon` on a ring of radius 3. How much
# further is a generator that makes one mode only?
#
# **3. Twenty-five modes** (20 minutes). The distribution below has more to lose. With `beta1`, `r1`, `slope` and the
# number of steps, find as many of its 25 modes as you can on *each* of three seeds. Before each run, write down what you
# expect; report the worst seed.

# %% minigan="toy"
# lattice

# %% [markdown]
# **4. Look before you step** (a project, an hour). In *extragradient* steps each player first makes a trial step, and
# then takes the real one with the gradient found there. Write it for $f = xy$ and show by its matrix that it spirals
# inwards for small $\eta$. Then put it into `train`. Does it help the ring at `beta1 = 0.9`? What does it cost?
#
# More tasks, each with its check, stand in [the exercises to this chapter](../exercises/01_gan_theory/01_gan_theory.ipynb).
#
# ## References
#
# - I. Goodfellow and others (2014), *Generative adversarial nets*: the game, propositions 1 and 2, theorem 1.
#   [arXiv:1406.2661](https://arxiv.org/abs/1406.2661)
# - M. Arjovsky and L. Bottou (2017), *Towards principled methods for training generative adversarial networks*: what
#   happens when distributions do not overlap. [arXiv:1701.04862](https://arxiv.org/abs/1701.04862)
# - L. Mescheder, A. Geiger and S. Nowozin (2018), *Which training methods for GANs do actually converge?*: the
#   Dirac-GAN, R1. [arXiv:1801.04406](https://arxiv.org/abs/1801.04406)
# - G. Gidel and others (2019), *Negative momentum for improved game dynamics*: why momentum hurts in alternating
#   games. [arXiv:1807.04740](https://arxiv.org/abs/1807.04740)
# - L. Metz and others (2017), *Unrolled generative adversarial networks*: the ring of Gaussians as a test.
#   [arXiv:1611.02163](https://arxiv.org/abs/1611.02163)
# - Z. Lin and others (2018), *PacGAN*: how modes are usually counted.
#   [arXiv:1712.04086](https://arxiv.org/abs/1712.04086)
#
# ## What comes next
#
# You know what the game can reach and what it cannot. [Chapter 02](02_minimax_loss.ipynb) turns its formula into code,
# line by line, and the points into pictures: a generator that draws heads nobody has drawn.
