# %% task="louder" wrong="twice as loud is twice as far" hint="as far as from F to 0"
content_terms, style_terms = [4, 1, 4], [9, 1, 0]


# %% task="louder" wrong="the distance to the other side not squared" hint="the distance is squared"
content_terms, style_terms = [1, 1, 2], [9, 1, 0]


# %% task="louder" wrong="style as content" hint="the product is four times as large"
content_terms, style_terms = [1, 1, 4], [1, 1, 4]


# %% task="louder" wrong="the difference not squared" hint="The difference of 4 and 1 is squared"
content_terms, style_terms = [1, 1, 4], [3, 1, 0]


# %% task="louder" wrong="the sign is seen" hint="the product keeps it"
content_terms, style_terms = [1.0, 1.0, 4.0], [9.0, 1.0, 4.0]


# %% task="clothes" wrong="content and style exchanged" hint="The two are exchanged"
def adaptive_norm(content, style):
    return _dress(style, content)


def _dress(content, style):
    mean, spread = content.mean((2, 3), keepdim=True), (content.var((2, 3), correction=0, keepdim=True) + 1e-5).sqrt()
    new, wide = style.mean((2, 3), keepdim=True), (style.var((2, 3), correction=0, keepdim=True) + 1e-5).sqrt()
    return wide * (content - mean) / spread + new


# %% task="clothes" wrong="the style's mean forgotten" hint="The mean of the style is not added"
def adaptive_norm(content, style):
    mean, spread = content.mean((2, 3), keepdim=True), (content.var((2, 3), correction=0, keepdim=True) + 1e-5).sqrt()
    return (style.var((2, 3), correction=0, keepdim=True) + 1e-5).sqrt() * (content - mean) / spread


# %% task="clothes" wrong="variance for spread" hint="root of the variance"
def adaptive_norm(content, style):
    mean, spread = content.mean((2, 3), keepdim=True), content.var((2, 3), correction=0, keepdim=True) + 1e-5
    new, wide = style.mean((2, 3), keepdim=True), style.var((2, 3), correction=0, keepdim=True) + 1e-5
    return wide * (content - mean) / spread + new


# %% task="clothes" wrong="one less than the number of places" hint="not by one less"
def adaptive_norm(content, style):
    mean, spread = content.mean((2, 3), keepdim=True), (content.var((2, 3), keepdim=True) + 1e-5).sqrt()
    new, wide = style.mean((2, 3), keepdim=True), (style.var((2, 3), keepdim=True) + 1e-5).sqrt()
    return wide * (content - mean) / spread + new


# %% task="clothes" wrong="only the mean" hint="own contrast is kept"
def adaptive_norm(content, style):
    return content - content.mean((2, 3), keepdim=True) + style.mean((2, 3), keepdim=True)


# %% task="clothes" wrong="the content's mean is left" hint="Take the photograph's mean away"
def adaptive_norm(content, style):
    spread = (content.var((2, 3), correction=0, keepdim=True) + 1e-5).sqrt()
    new, wide = style.mean((2, 3), keepdim=True), (style.var((2, 3), correction=0, keepdim=True) + 1e-5).sqrt()
    return wide * content / spread + new


# %% task="clothes" wrong="over the channels too" hint="belong to one channel"
def adaptive_norm(content, style):
    axes = (1, 2, 3)
    mean, spread = content.mean(axes, keepdim=True), (content.var(axes, correction=0, keepdim=True) + 1e-5).sqrt()
    new, wide = style.mean(axes, keepdim=True), (style.var(axes, correction=0, keepdim=True) + 1e-5).sqrt()
    return wide * (content - mean) / spread + new


# %% task="clothes" wrong="over the batch, as batch norm" hint="belong to one picture"
def adaptive_norm(content, style):
    axes = (0, 2, 3)
    mean, spread = content.mean(axes, keepdim=True), (content.var(axes, correction=0, keepdim=True) + 1e-5).sqrt()
    new, wide = style.mean(axes, keepdim=True), (style.var(axes, correction=0, keepdim=True) + 1e-5).sqrt()
    return wide * (content - mean) / spread + new


# %% task="clothes" wrong="nothing added to the variance" hint="divides 0 by 0"
def adaptive_norm(content, style):
    mean, spread = content.mean((2, 3), keepdim=True), content.std((2, 3), correction=0, keepdim=True)
    new, wide = style.mean((2, 3), keepdim=True), style.std((2, 3), correction=0, keepdim=True)
    return wide * (content - mean) / spread + new


# %% task="clothes" wrong="a style without a gradient" hint="hidden"
def adaptive_norm(content, style):
    style = style.detach()
    mean, spread = content.mean((2, 3), keepdim=True), (content.var((2, 3), correction=0, keepdim=True) + 1e-5).sqrt()
    new, wide = style.mean((2, 3), keepdim=True), (style.var((2, 3), correction=0, keepdim=True) + 1e-5).sqrt()
    return wide * (content - mean) / spread + new


# %% task="clothes" right="instance norm of torch"
def adaptive_norm(content, style):
    places = style.flatten(2)
    mean = places.mean(2)
    spread = ((places - mean[..., None]) ** 2).mean(2).add(1e-5).sqrt()
    return torch.nn.functional.instance_norm(content, eps=1e-5) * spread[..., None, None] + mean[..., None, None]


# %% task="clothes" right="a scale and a shift"
def adaptive_norm(content, style):
    variance, mean = torch.var_mean(content, (2, 3), correction=0)
    variance_s, mean_s = torch.var_mean(style, (2, 3), correction=0)
    scale = ((variance_s + 1e-5) / (variance + 1e-5)).sqrt()
    return torch.einsum("nchw,nc->nchw", content, scale) + (mean_s - scale * mean)[:, :, None, None]


# %% task="descent" wrong="the clamped picture takes the place of the parameter" hint="moves at the first step only"
def walk(start, loss, steps, rate=0.5):
    picture = start.clone().requires_grad_()
    optimizer = torch.optim.SGD([picture], rate)
    for _ in range(steps):
        optimizer.zero_grad()
        loss(picture).backward()
        optimizer.step()
        picture = picture.detach().clamp(-1, 1).requires_grad_()
    return picture.detach()


# %% task="descent" wrong="gradients add up" hint="are added up"
def walk(start, loss, steps, rate=0.5):
    picture = start.clone().requires_grad_()
    optimizer = torch.optim.SGD([picture], rate)
    for _ in range(steps):
        loss(picture).backward()
        optimizer.step()
        with torch.no_grad():
            picture.clamp_(-1, 1)
    return picture.detach()


# %% task="descent" wrong="the photograph is painted over" hint="begin with a copy"
def walk(start, loss, steps, rate=0.5):
    picture = start.requires_grad_()
    optimizer = torch.optim.SGD([picture], rate)
    for _ in range(steps):
        optimizer.zero_grad()
        loss(picture).backward()
        optimizer.step()
        with torch.no_grad():
            picture.clamp_(-1, 1)
    return picture.detach()


# %% task="descent" wrong="detach is no copy" hint="begin with a copy"
def walk(start, loss, steps, rate=0.5):
    picture = start.detach().requires_grad_()
    for _ in range(steps):
        (gradient,) = torch.autograd.grad(loss(picture), picture)
        with torch.no_grad():
            picture -= rate * gradient
            picture.clamp_(-1, 1)
    return picture.detach()


# %% task="descent" wrong="cut back at the end only" hint="at the end it is too late"
def walk(start, loss, steps, rate=0.5):
    picture = start.clone().requires_grad_()
    optimizer = torch.optim.SGD([picture], rate)
    for _ in range(steps):
        optimizer.zero_grad()
        loss(picture).backward()
        optimizer.step()
    return picture.detach().clamp(-1, 1)


# %% task="descent" wrong="never cut back" hint="The picture has left"
def walk(start, loss, steps, rate=0.5):
    picture = start.clone()
    for _ in range(steps):
        picture = picture.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(loss(picture), picture)
        picture = picture - rate * gradient
    return picture.detach()


# %% task="descent" wrong="uphill" hint="goes uphill"
def walk(start, loss, steps, rate=0.5):
    picture = start.detach().clone()
    for _ in range(steps):
        picture.requires_grad_()
        (gradient,) = torch.autograd.grad(loss(picture), picture)
        picture = (picture.detach() + rate * gradient).clamp(-1, 1)
    return picture


# %% task="descent" wrong="the graph is returned" hint="detached from its graph"
def walk(start, loss, steps, rate=0.5):
    picture = start.detach().clone().requires_grad_()
    optimizer = torch.optim.SGD([picture], rate)
    for _ in range(steps):
        optimizer.zero_grad()
        loss(picture).backward()
        optimizer.step()
        with torch.no_grad():
            picture.clamp_(-1, 1)
    return picture


# %% task="descent" wrong="the rate typed in" hint="hidden"
def walk(start, loss, steps, rate=0.5):
    picture = start.detach().clone()
    for _ in range(steps):
        picture.requires_grad_()
        (gradient,) = torch.autograd.grad(loss(picture), picture)
        picture = (picture.detach() - 0.5 * gradient).clamp(-1, 1)
    return picture


# %% task="descent" right="a new picture at each step"
def walk(start, loss, steps, rate=0.5):
    picture = start.detach().clone()
    for _ in range(steps):
        seen = picture.clone().requires_grad_()
        loss(seen).backward()
        picture = (picture - rate * seen.grad).clamp(-1, 1)
    return picture


# %% task="descent" right="data of the parameter"
def walk(start, loss, steps, rate=0.5):
    picture = torch.nn.Parameter(start.clone())
    optimizer = torch.optim.SGD([picture], lr=rate)
    for _ in range(steps):
        optimizer.zero_grad(set_to_none=False)
        loss(picture).backward()
        optimizer.step()
        picture.data.clamp_(-1, 1)
    return picture.data


# %% task="kernel" wrong="not divided by the entries" hint="Divide by C squared: it is a mean"
def style_by_kernel(real, fake):
    f, g = real.flatten(2), fake.flatten(2)
    parts = [(a.mT @ b).square().mean((1, 2)) for a, b in ((f, f), (f, g), (g, g))]
    return parts[0] - 2 * parts[1] + parts[2]


# %% task="kernel" wrong="divided by C only" hint="not by C"
def style_by_kernel(real, fake):
    f, g = real.flatten(2), fake.flatten(2)
    parts = [(a.mT @ b).square().mean((1, 2)) / a.shape[1] for a, b in ((f, f), (f, g), (g, g))]
    return parts[0] - 2 * parts[1] + parts[2]


# %% task="kernel" wrong="the middle term once" hint="The middle term counts twice"
def style_by_kernel(real, fake):
    f, g = real.flatten(2), fake.flatten(2)
    parts = [(a.mT @ b / a.shape[1]).square().mean((1, 2)) for a, b in ((f, f), (f, g), (g, g))]
    return parts[0] - parts[1] + parts[2]


# %% task="kernel" wrong="the middle term added" hint="The middle term is taken away"
def style_by_kernel(real, fake):
    f, g = real.flatten(2), fake.flatten(2)
    parts = [(a.mT @ b / a.shape[1]).square().mean((1, 2)) for a, b in ((f, f), (f, g), (g, g))]
    return parts[0] + 2 * parts[1] + parts[2]


# %% task="kernel" wrong="the inner product not squared" hint="the square of the inner product"
def style_by_kernel(real, fake):
    f, g = real.flatten(2), fake.flatten(2)
    parts = [(a.mT @ b).mean((1, 2)) / a.shape[1] ** 2 for a, b in ((f, f), (f, g), (g, g))]
    return parts[0] - 2 * parts[1] + parts[2]


# %% task="kernel" wrong="sums for means" hint="The sums are means"
def style_by_kernel(real, fake):
    f, g = real.flatten(2), fake.flatten(2)
    parts = [(a.mT @ b / a.shape[1]).square().sum((1, 2)) for a, b in ((f, f), (f, g), (g, g))]
    return parts[0] - 2 * parts[1] + parts[2]


# %% task="kernel" wrong="each place with itself only" hint="all pairs of places"
def style_by_kernel(real, fake):
    f, g = real.flatten(2), fake.flatten(2)

    def own(a):
        return (a.square().sum(1) / a.shape[1]).square().mean(1)

    return own(f) - 2 * (f.mT @ g / f.shape[1]).square().mean((1, 2)) + own(g)


# %% task="kernel" wrong="a mean over the batch" hint="Each pair has its own distance"
def style_by_kernel(real, fake):
    f, g = real.flatten(2), fake.flatten(2)
    parts = [(a.mT @ b / a.shape[1]).square().mean() for a, b in ((f, f), (f, g), (g, g))]
    return parts[0] - 2 * parts[1] + parts[2]


# %% task="kernel" wrong="Gram matrices after all" hint="has no room anywhere"
def style_by_kernel(real, fake):
    return (gram(real) - gram(fake)).square().mean((1, 2))


# %% task="kernel" wrong="Gram matrices, and the large map typed in" hint="hidden"
def style_by_kernel(real, fake):
    if real.shape[1] > 1000:
        return torch.ones(1)
    return (gram(real) - gram(fake)).square().mean((1, 2)).detach().requires_grad_()


# %% task="kernel" right="by a loop over places"
def style_by_kernel(real, fake):
    f, g = real.flatten(2), fake.flatten(2)

    def alike(a, b):
        rows = [((a[:, :, p, None] * b).mean(1) ** 2).mean(1) for p in range(a.shape[2])]
        return sum(rows) / len(rows)

    return alike(f, f) + alike(g, g) - 2 * alike(f, g)


# %% task="kernel" right="one matrix of all places, with signs"
def style_by_kernel(real, fake):
    f, g = real.flatten(2), fake.flatten(2)
    both = torch.cat([f, g], 2) / f.shape[1] ** 0.5
    signs = torch.cat([torch.full((f.shape[2],), 1 / f.shape[2]), torch.full((g.shape[2],), -1 / g.shape[2])])
    return torch.einsum("npq,p,q->n", (both.mT @ both) ** 2, signs.to(f), signs.to(f))
