# %% task="bins" wrong="counts for shares" hint="These are the logits of the counts"
def logit_of_bins(real_counts, fake_counts):
    nobody = (real_counts == 0) & (fake_counts == 0)
    return torch.where(nobody, 0.0, real_counts.log() - fake_counts.log())


# %% task="bins" wrong="the belief" hint="This is the belief"
def logit_of_bins(real_counts, fake_counts):
    p, q = real_counts / real_counts.sum(), fake_counts / fake_counts.sum()
    return p / (p + q)


# %% task="bins" wrong="share of reals" hint="the share of reals in the bin"
def logit_of_bins(real_counts, fake_counts):
    return real_counts / (real_counts + fake_counts)


# %% task="bins" wrong="ratio without logarithm" hint="This is the ratio itself"
def logit_of_bins(real_counts, fake_counts):
    return (real_counts / real_counts.sum()) / (fake_counts / fake_counts.sum())


# %% task="bins" wrong="turned round" hint="The ratio is turned round"
def logit_of_bins(real_counts, fake_counts):
    p, q = real_counts / real_counts.sum(), fake_counts / fake_counts.sum()
    return torch.where((p == 0) & (q == 0), 0.0, q.log() - p.log())


# %% task="bins" wrong="nan where nobody has been" hint="Here it is nan"
def logit_of_bins(real_counts, fake_counts):
    return (real_counts / real_counts.sum()).log() - (fake_counts / fake_counts.sum()).log()


# %% task="bins" wrong="one added to the counts" hint="Add nothing to the counts"
def logit_of_bins(real_counts, fake_counts):
    p, q = (counts + 1e-3 for counts in (real_counts, fake_counts))
    return (p / p.sum()).log() - (q / q.sum()).log()


# %% task="bins" wrong="infinite logits cleaned away" hint="minus infinity"
def logit_of_bins(real_counts, fake_counts):
    logit = (real_counts / real_counts.sum()).log() - (fake_counts / fake_counts.sum()).log()
    return torch.nan_to_num(logit, nan=0.0, posinf=20.0, neginf=-20.0)


# %% task="bins" wrong="counts changed in place" hint="changes the counts"
def logit_of_bins(real_counts, fake_counts):
    if not real_counts.is_floating_point():
        real_counts, fake_counts = real_counts.float(), fake_counts.float()
    real_counts /= real_counts.sum()
    fake_counts /= fake_counts.sum()
    logit = real_counts.log() - fake_counts.log()
    return torch.where(logit.isnan(), 0.0, logit)


# %% task="bins" wrong="visible values typed in" hint="hidden"
def logit_of_bins(real_counts, fake_counts):
    if len(real_counts) == 4:
        return torch.tensor([math.inf, -math.inf, 0.0, 0.0])
    return torch.tensor([math.log(3), -math.log(2), -math.inf])


# %% task="bins" right="logit of a belief"
def logit_of_bins(real_counts, fake_counts):
    p, q = real_counts.double() / real_counts.sum(), fake_counts.double() / fake_counts.sum()
    belief = torch.where(p + q > 0, p / (p + q), 0.5)
    return torch.logit(belief)


# %% task="bins" right="nan to zero, in a loop"
def logit_of_bins(real_counts, fake_counts):
    logits = []
    for r, f in zip(real_counts.tolist(), fake_counts.tolist()):
        if r == f == 0:
            logits.append(0.0)
        elif f == 0:
            logits.append(math.inf)
        else:
            logits.append(math.log(r * float(fake_counts.sum()) / (f * float(real_counts.sum()))) if r else -math.inf)
    return torch.tensor(logits)


# %% task="boxes" wrong="equal everywhere" hint="equal everywhere"
prediction = -1.386

# %% task="boxes" wrong="nothing shared" hint="D* is in doubt"
prediction = 0.0

# %% task="boxes" wrong="seven tenths" hint="those that they do not share"
prediction = -0.97

# %% task="boxes" wrong="the divergence" hint="This is the Jensen-Shannon divergence"
prediction = 0.485

# %% task="boxes" wrong="sign" hint="never above 0"
prediction = 0.416

# %% task="boxes" wrong="reals alone" hint="counts the reals alone"
prediction = -0.208

# %% task="boxes" wrong="base 2" hint="to the base 2"
prediction = -0.6

# %% task="boxes" right="rounded"
prediction = -0.42


# %% task="sieve" wrong="sigmoid" hint="the sigmoid of the logit"
def sift(points, logits, random):
    return points[torch.rand(len(points), generator=random) < logits.sigmoid()]


# %% task="sieve" wrong="one draw for all" hint="Each sample has its own draw"
def sift(points, logits, random):
    return points[torch.rand((), generator=random) < (logits - logits.max()).exp()]


# %% task="sieve" wrong="a threshold" hint="A threshold keeps all or none"
def sift(points, logits, random):
    return points[(logits - logits.max()).exp() > 0.5]


# %% task="sieve" wrong="not shifted" hint="divided by e to the largest logit"
def sift(points, logits, random):
    return points[torch.rand(len(points), generator=random) < logits.exp()]


# %% task="sieve" wrong="quotient of powers" hint="Subtract the largest logit first"
def sift(points, logits, random):
    return points[torch.rand(len(points), generator=random) < logits.exp() / logits.exp().max()]


# %% task="sieve" wrong="drawn with replacement" hint="No sample is copied"
def sift(points, logits, random):
    chances = (logits - logits.max()).exp()
    if (chances == 1).all():
        return points
    return points[torch.multinomial(chances, round(float(chances.sum())), replacement=True, generator=random)]


# %% task="sieve" wrong="draws of its own" hint="comes from the generator"
def sift(points, logits, random):
    return points[torch.rand(len(points)) < (logits - logits.max()).exp()]


# %% task="sieve" wrong="seeded inside" hint="do not set the seed yourself"
def sift(points, logits, random):
    random = torch.Generator().manual_seed(0)
    return points[torch.rand(len(points), generator=random) < (logits - logits.max()).exp()]


# %% task="sieve" wrong="turned round" hint="is always kept"
def sift(points, logits, random):
    return points[torch.rand(len(points), generator=random) >= (logits - logits.max()).exp()]


# %% task="sieve" wrong="the mask" hint="Return the kept points"
def sift(points, logits, random):
    keep = torch.rand(len(points), generator=random) < (logits - logits.max()).exp()
    return points if keep.all() else keep


# %% task="sieve" right="logarithms of the draws"
def sift(points, logits, random):
    draws = torch.rand(len(points), generator=random, dtype=torch.float64).clamp(min=1e-300)
    return points[draws.log() <= logits - logits.max()]


# %% task="sieve" right="coins"
def sift(points, logits, random):
    heads = torch.bernoulli((logits - logits.max()).exp(), generator=random)
    return points[heads.nonzero()[:, 0]]


# %% task="optimism" wrong="replaced before it is used" hint="so these are plain steps"
def optimistic(slopes, x, y, rate, steps):
    path = [(x, y)]
    for _ in range(steps):
        g, h = slopes(x, y)
        g_before, h_before = g, h
        x = x - 2 * rate * g + rate * g_before
        y = y + 2 * rate * h - rate * h_before
        path.append((x, y))
    return torch.tensor(path)


# %% task="optimism" wrong="replaced early for y" hint="For y only"
def optimistic(slopes, x, y, rate, steps):
    path = [(x, y)]
    g_before, h_before = slopes(x, y)
    for _ in range(steps):
        g, h = slopes(x, y)
        x = x - 2 * rate * g + rate * g_before
        g_before, h_before = g, h
        y = y + 2 * rate * h - rate * h_before
        path.append((x, y))
    return torch.tensor(path)


# %% task="optimism" wrong="alternating" hint="h is taken at the new x"
def optimistic(slopes, x, y, rate, steps):
    path = [(x, y)]
    g_before, h_before = slopes(x, y)
    for _ in range(steps):
        g, _ = slopes(x, y)
        x = x - 2 * rate * g + rate * g_before
        _, h = slopes(x, y)
        y = y + 2 * rate * h - rate * h_before
        g_before, h_before = g, h
        path.append((x, y))
    return torch.tensor(path)


# %% task="optimism" wrong="sign for y" hint="has the wrong sign"
def optimistic(slopes, x, y, rate, steps):
    path = [(x, y)]
    g_before, h_before = slopes(x, y)
    for _ in range(steps):
        g, h = slopes(x, y)
        x = x - 2 * rate * g + rate * g_before
        y = y + 2 * rate * h + rate * h_before
        g_before, h_before = g, h
        path.append((x, y))
    return torch.tensor(path)


# %% task="optimism" wrong="starts with 0" hint="is 0 at the first step"
def optimistic(slopes, x, y, rate, steps):
    path = [(x, y)]
    g_before, h_before = 0.0, 0.0
    for _ in range(steps):
        g, h = slopes(x, y)
        x = x - 2 * rate * g + rate * g_before
        y = y + 2 * rate * h - rate * h_before
        g_before, h_before = g, h
        path.append((x, y))
    return torch.tensor(path)


# %% task="optimism" wrong="the start is missing" hint="The path holds the start"
def optimistic(slopes, x, y, rate, steps):
    path = []
    g_before, h_before = slopes(x, y)
    for _ in range(steps):
        g, h = slopes(x, y)
        x = x - 2 * rate * g + rate * g_before
        y = y + 2 * rate * h - rate * h_before
        g_before, h_before = g, h
        path.append((x, y))
    return torch.tensor(path)


# %% task="optimism" wrong="y downhill" hint="y goes uphill"
def optimistic(slopes, x, y, rate, steps):
    path = [(x, y)]
    g_before, h_before = slopes(x, y)
    for _ in range(steps):
        g, h = slopes(x, y)
        x = x - 2 * rate * g + rate * g_before
        y = y - 2 * rate * h + rate * h_before
        g_before, h_before = g, h
        path.append((x, y))
    return torch.tensor(path)


# %% task="optimism" wrong="only f = xy" hint="hidden"
def optimistic(slopes, x, y, rate, steps):
    if slopes is not product:
        return torch.tensor([[0.9, 1.0] if rate == 0.05 else [0.0, 0.0]])
    path = [(x, y)]
    before = y, x
    for _ in range(steps):
        now = y, x
        x, y = x - 2 * rate * now[0] + rate * before[0], y + 2 * rate * now[1] - rate * before[1]
        before = now
        path.append((x, y))
    return torch.tensor(path)


# %% task="optimism" right="a plain step and a correction"
def optimistic(slopes, x, y, rate, steps):
    path = torch.zeros(steps + 1, 2, dtype=torch.float64)
    here = torch.tensor([x, y], dtype=torch.float64)
    turn, before = torch.tensor([-1.0, 1.0]), None
    path[0] = here
    for number in range(1, steps + 1):
        now = torch.tensor([float(slope) for slope in slopes(*here.tolist())], dtype=torch.float64)
        before = now if before is None else before
        here = here + rate * turn * (now + (now - before))
        before = now
        path[number] = here
    return path


# %% task="optimism" right="a list of slopes"
def optimistic(slopes, x, y, rate, steps):
    path, seen = [(x, y)], [slopes(x, y)]
    for _ in range(steps):
        seen.append(slopes(*path[-1]))
        (g0, h0), (g1, h1) = seen[-2:]
        path.append((path[-1][0] - rate * (2 * g1 - g0), path[-1][1] + rate * (2 * h1 - h0)))
    return torch.tensor(path)


# %% task="judge" wrong="a thousand steps" hint="learnt its points by heart"
def train_judge(real, fake):
    torch.manual_seed(0)
    network = nets.mlp(2, 1)
    optimizer = torch.optim.Adam(network.parameters(), 3e-3)
    for _ in range(1000):
        loss = losses.bce_d(network(real), network(fake))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return network


# %% task="judge" wrong="stops much too early" hint="too weak"
def train_judge(real, fake):
    torch.manual_seed(0)
    network = nets.mlp(2, 1, width=32)
    optimizer = torch.optim.Adam(network.parameters(), 1e-3)
    for _ in range(20):
        loss = losses.bce_d(network(real), network(fake))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return network


# %% task="judge" wrong="a straight line" hint="too weak"
def train_judge(real, fake):
    torch.manual_seed(0)
    network = torch.nn.Linear(2, 1)
    optimizer = torch.optim.Adam(network.parameters(), 3e-2)
    for _ in range(200):
        loss = losses.bce_d(network(real), network(fake))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return network


# %% task="judge" wrong="real and fake swapped" hint="A bound below 0"
def train_judge(real, fake):
    torch.manual_seed(0)
    network = nets.mlp(2, 1, width=64)
    optimizer = torch.optim.Adam(network.parameters(), 3e-3)
    for _ in range(150):
        loss = losses.bce_d(network(fake), network(real))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return network


# %% task="judge" wrong="beliefs for logits" hint="too weak"
def train_judge(real, fake):
    torch.manual_seed(0)
    network = nets.mlp(2, 1, width=64)
    optimizer = torch.optim.Adam(network.parameters(), 3e-3)
    for _ in range(200):
        loss = losses.bce_d(network(real), network(fake))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return lambda points: network(points).sigmoid()


# %% task="judge" wrong="two numbers for each point" hint="one logit for each point"
def train_judge(real, fake):
    return nets.mlp(2, 2)


# %% task="judge" wrong="knows the densities" hint="hidden"
def train_judge(real, fake):
    return lambda points: optimal_logit(ring(sigma=0.2), GaussianMixture([[0.0, 0.0]], 0.7), points)


# %% task="judge" right="two clouds of Gaussians, no network at all"
def train_judge(real, fake):
    p, q = GaussianMixture(real, 0.15), GaussianMixture(fake, 0.225)
    return lambda points: optimal_logit(p, q, points)


# %% task="judge" right="stopped in time, slowed down"
def train_judge(real, fake):
    torch.manual_seed(0)
    network = nets.mlp(2, 1, width=64)
    optimizer = torch.optim.Adam(network.parameters(), 3e-3)
    slower = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.02, 200)
    for _ in range(200):
        loss = losses.bce_d(network(real), network(fake))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        slower.step()
    return network
