# %% task="forget" wrong="linear" hint="The steps get smaller"
prediction = 9

# %% task="forget" wrong="linear, ten" hint="The steps get smaller"
prediction = 10

# %% task="forget" wrong="half" hint="This is half of the way"
prediction = 7

# %% task="forget" wrong="one too few" hint="after 21 batches"
prediction = 21

# %% task="forget" wrong="the chapter's twelve" hint="as in the chapter"
prediction = 12

# %% task="forget" right="a float"
prediction = 22.0


# %% task="where" wrong="no padding" hint="Padding moves the window"
def window(layers, place):
    first = last = place
    for kernel, stride, _ in reversed(layers):
        first, last = first * stride, last * stride + kernel - 1
    return first, last


# %% task="where" wrong="one too many" hint="Both ends are counted in: three pixels"
def window(layers, place):
    first = last = place
    for kernel, stride, padding in reversed(layers):
        first, last = first * stride - padding, last * stride - padding + kernel
    return first, last


# %% task="where" wrong="padding added" hint="taken off and not added"
def window(layers, place):
    first = last = place
    for kernel, stride, padding in reversed(layers):
        first, last = first * stride + padding, last * stride + padding + kernel - 1
    return first, last


# %% task="where" wrong="front to back" hint="the last layer comes first"
def window(layers, place):
    first = last = place
    for kernel, stride, padding in layers:
        first, last = first * stride - padding, last * stride - padding + kernel - 1
    return first, last


# %% task="where" wrong="a size" hint="the last pixel, not the size"
def window(layers, place):
    first, field, step = place, 1, 1
    for kernel, stride, _ in layers:
        field, step = field + (kernel - 1) * step, step * stride
    for _, stride, padding in reversed(layers):
        first = first * stride - padding
    return first, field


# %% task="where" wrong="centred" hint="only where padding is half"
def window(layers, place):
    field, step = 1, 1
    for kernel, stride, _ in layers:
        field, step = field + (kernel - 1) * step, step * stride
    return place * step - field // 2, place * step + field // 2


# %% task="where" wrong="paddings in pixels" hint="count in their own places"
def window(layers, place):
    field, step = 1, 1
    for kernel, stride, _ in layers:
        field, step = field + (kernel - 1) * step, step * stride
    first = place * step - sum(padding for _, _, padding in layers)
    return first, first + field - 1


# %% task="where" wrong="cut at the edge" hint="Do not cut the window"
def window(layers, place):
    first = last = place
    for kernel, stride, padding in reversed(layers):
        first, last = first * stride - padding, last * stride - padding + kernel - 1
    return max(first, 0), last


# %% task="where" wrong="visible values typed in" hint="hidden"
def window(layers, place):
    known = {(1, 5): (9, 11), (2, 2): (3, 13), (3, 4): (9, 23), (3, 0): (-7, 7), (0, 6): (6, 6), (3, 1): (8, 26)}
    return known.get((len(layers), place), (6, 30))


# %% task="where" right="field and padding from the front"
def window(layers, place):
    field, step, shift = 1, 1, 0
    for kernel, stride, padding in layers:
        shift = shift + padding * step
        field, step = field + (kernel - 1) * step, step * stride
    first = place * step - shift
    return first, first + field - 1


# %% task="where" right="recursion, a list"
def window(layers, place):
    if not layers:
        return [place, place]
    *before, (kernel, stride, padding) = layers
    start = place * stride - padding
    return [window(before, start)[0], window(before, start + kernel - 1)[1]]


# %% task="door" wrong="as given" hint="come in [-1, 1]"
class Door(nn.Module):
    def __init__(self):
        super().__init__()
        self.mean = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
        self.std = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)

    def forward(self, images):
        return images.sub_(self.mean).div_(self.std)


# %% task="door" wrong="range only, still plain tensors" hint="Make a buffer of it"
class Door(nn.Module):
    def __init__(self):
        super().__init__()
        self.mean = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
        self.std = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)

    def forward(self, images):
        return ((images + 1) / 2 - self.mean) / self.std


# %% task="door" wrong="still in place" hint="work in place"
class Door(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1))

    def forward(self, images):
        return images.add_(1).div_(2).sub_(self.mean).div_(self.std)


# %% task="door" wrong="one not added" hint="one of the two is missing"
class Door(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1))

    def forward(self, images):
        return (images + 1 - self.mean) / self.std


# %% task="door" wrong="multiplied" hint="do not multiply"
class Door(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1))

    def forward(self, images):
        return ((images + 1) / 2 - self.mean) * self.std


# %% task="door" wrong="parameters" hint="Statistics are buffers"
class Door(nn.Module):
    def __init__(self):
        super().__init__()
        self.mean = nn.Parameter(torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1))
        self.std = nn.Parameter(torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1))

    def forward(self, images):
        return ((images + 1) / 2 - self.mean) / self.std


# %% task="door" wrong="no gradient" hint="neither no_grad nor detach"
class Door(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1))

    @torch.no_grad()
    def forward(self, images):
        return ((images + 1) / 2 - self.mean) / self.std


# %% task="door" wrong="right for the visible size alone" hint="hidden"
class Door(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1))

    def forward(self, images):
        return ((images + 1) / 2 - self.mean) / self.std if images.shape[-1] == 2 else (images - self.mean) / self.std


# %% task="door" right="statistics moved to [-1, 1]"
class Door(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("mean", 2 * torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1) - 1, persistent=False)
        self.register_buffer("std", 2 * torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1), persistent=False)

    def forward(self, images):
        return (images - self.mean) / self.std


# %% task="door" right="a frozen convolution"
class Door(nn.Module):
    def __init__(self):
        super().__init__()
        mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
        self.mix = nn.Conv2d(3, 3, 1)
        with torch.no_grad():
            self.mix.weight.copy_(torch.diag(0.5 / std)[:, :, None, None])
            self.mix.bias.copy_((0.5 - mean) / std)
        self.requires_grad_(False)

    def forward(self, images):
        return self.mix(images)


# %% task="partners" wrong="as given" hint="can be right once"
def partners(ours, theirs):
    return distances(ours, theirs).argmin(1)


# %% task="partners" wrong="Euclidean" hint="can be right once"
def partners(ours, theirs):
    return distances(ours, theirs, "euclidean").argmin(1)


# %% task="partners" wrong="style alone" hint="can be right once"
def partners(ours, theirs):
    return distances(ours - ours.mean(0), theirs - theirs.mean(0)).argmin(1)


# %% task="partners" wrong="the other direction" hint="for each of ours, a number among theirs"
def partners(ours, theirs):
    return distances(ours - ours.mean(0), theirs - theirs.mean(0)).argmin(0)


# %% task="partners" wrong="a table" hint="one whole number for each"
def partners(ours, theirs):
    return distances(ours, theirs)


# %% task="partners" wrong="in their order" hint="take the style away"
def partners(ours, theirs):
    return torch.arange(len(ours))


# %% task="partners" wrong="first come, first served" hint="take the style away"
def partners(ours, theirs):
    table, found = distances(ours, theirs), []
    for row in table:
        row[found] = torch.inf
        found.append(int(row.argmin()))
    return torch.tensor(found)


# %% task="partners" wrong="the answers of this puzzle" hint="hidden"
def partners(ours, theirs):
    return solution.clone()


# %% task="partners" right="assignment at the lowest cost"
def partners(ours, theirs):
    from scipy.optimize import linear_sum_assignment

    table = distances(ours - ours.mean(0), theirs - theirs.mean(0))
    return torch.as_tensor(linear_sum_assignment(table.numpy())[1])


# %% task="partners" right="common neighbours taken off"
def partners(ours, theirs):
    a, b = ((x - x.mean(0)) / x.std(0) for x in (ours, theirs))
    alike = 1 - distances(a, b)
    rows, columns = alike.topk(5, 1).values.mean(1, keepdim=True), alike.topk(5, 0).values.mean(0, keepdim=True)
    return (2 * alike - rows - columns).argmax(1)
