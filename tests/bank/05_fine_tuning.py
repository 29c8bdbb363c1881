# %% task="adam" wrong="gradient descent" hint="plain gradient descent"
prediction = [40, 0.4, 0]

# %% task="adam" wrong="in proportion" hint="does not scale with the gradient"
prediction = [10, 0.1, 0]

# %% task="adam" wrong="small is nothing" hint="A small gradient is not 0"
prediction = [10, 0, 0]

# %% task="adam" wrong="one step" hint="There were ten"
prediction = [1, 1, 0]

# %% task="adam" wrong="all move" hint="nothing to divide"
prediction = [10, 10, 10]

# %% task="adam" right="a tensor"
prediction = torch.tensor([10.0, 10.0, 0.0])


# %% task="fourth" wrong="random new weights" hint="weights of 0"
def with_more_inputs(convolution, extra):
    old = convolution
    new = nn.Conv2d(
        3 + extra if old.in_channels == 3 else old.in_channels + extra,
        old.out_channels,
        old.kernel_size,
        old.stride,
        old.padding,
        old.dilation,
        bias=old.bias is not None,
    )
    with torch.no_grad():
        new.weight[:, : old.in_channels] = old.weight
        if old.bias is not None:
            new.bias.copy_(old.bias)
    return new


# %% task="fourth" wrong="mean of the colours" hint="weights of 0"
def with_more_inputs(convolution, extra):
    old, new = convolution, deepcopy(convolution)
    mean = old.weight.detach().mean(1, keepdim=True).expand(-1, extra, -1, -1)
    new.in_channels += extra
    new.weight = nn.Parameter(torch.cat([old.weight.detach(), mean], 1))
    return new


# %% task="fourth" wrong="new channel in front" hint="the new one behind them"
def with_more_inputs(convolution, extra):
    old, new = convolution, deepcopy(convolution)
    zeros = torch.zeros(old.out_channels, extra, *old.kernel_size)
    new.in_channels += extra
    new.weight = nn.Parameter(torch.cat([zeros, old.weight.detach()], 1))
    return new


# %% task="fourth" wrong="settings lost" hint="hand them on"
def with_more_inputs(convolution, extra):
    old = convolution
    new = nn.Conv2d(old.in_channels + extra, old.out_channels, old.kernel_size, bias=old.bias is not None)
    with torch.no_grad():
        new.weight.zero_()
        new.weight[:, : old.in_channels] = old.weight
        if old.bias is not None:
            new.bias.copy_(old.bias)
    return new


# %% task="fourth" wrong="bias forgotten" hint="The bias belongs"
def with_more_inputs(convolution, extra):
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
    return new


# %% task="fourth" wrong="all zero" hint="number by number"
def with_more_inputs(convolution, extra):
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
    nn.init.zeros_(new.weight)
    return new


# %% task="fourth" wrong="changed in place" hint="Make a new one"
def with_more_inputs(convolution, extra):
    zeros = torch.zeros(convolution.out_channels, extra, *convolution.kernel_size)
    convolution.weight = nn.Parameter(torch.cat([convolution.weight.detach(), zeros], 1))
    convolution.in_channels += extra
    return convolution


# %% task="fourth" wrong="bias shared" hint="would let both learn together"
def with_more_inputs(convolution, extra):
    new = nn.Conv2d(
        convolution.in_channels + extra,
        convolution.out_channels,
        convolution.kernel_size,
        convolution.stride,
        convolution.padding,
        convolution.dilation,
        bias=convolution.bias is not None,
    )
    zeros = torch.zeros(convolution.out_channels, extra, *convolution.kernel_size)
    new.weight = nn.Parameter(torch.cat([convolution.weight.detach(), zeros], 1))
    new.bias = convolution.bias
    return new


# %% task="fourth" wrong="new weights do not learn" hint="requires a gradient"
def with_more_inputs(convolution, extra):
    new = deepcopy(convolution)
    zeros = torch.zeros(convolution.out_channels, extra, *convolution.kernel_size)
    new.weight = nn.Parameter(torch.cat([convolution.weight.detach(), zeros], 1), requires_grad=False)
    new.in_channels += extra
    return new


# %% task="fourth" wrong="stride of one side" hint="hidden"
def with_more_inputs(convolution, extra):
    new = nn.Conv2d(
        convolution.in_channels + extra,
        convolution.out_channels,
        convolution.kernel_size,
        convolution.stride[0],
        convolution.padding,
        convolution.dilation,
        bias=convolution.bias is not None,
    )
    with torch.no_grad():
        new.weight.zero_()
        new.weight[:, : convolution.in_channels] = convolution.weight
        if convolution.bias is not None:
            new.bias.copy_(convolution.bias)
    return new


# %% task="fourth" right="a copy whose weight is widened"
def with_more_inputs(convolution, extra):
    new = deepcopy(convolution)
    new.in_channels += extra
    zeros = torch.zeros(convolution.out_channels, extra, *convolution.kernel_size)
    new.weight = nn.Parameter(torch.cat([convolution.weight.detach(), zeros], 1))
    return new


# %% task="fourth" right="padded"
def with_more_inputs(convolution, extra):
    new = deepcopy(convolution)
    widened = nn.functional.pad(convolution.weight.detach(), (0, 0, 0, 0, 0, extra))
    new.weight, new.in_channels = nn.Parameter(widened), convolution.in_channels + extra
    return new


# %% task="lost" wrong="as given but strict off on the body" hint="strict=False passes over"
def start_from(network, saved):
    network.body.load_state_dict(saved, strict=False)
    network.head.apply(fresh)
    return network


# %% task="lost" wrong="started anew after the loading" hint="started anew after"
def start_from(network, saved):
    prefix = "module.body."
    network.body.load_state_dict({k.removeprefix(prefix): v for k, v in saved.items() if k.startswith(prefix)})
    network.apply(fresh)
    return network


# %% task="lost" wrong="prefix cut, head and all" hint="The saved head has another shape"
def start_from(network, saved):
    network.load_state_dict({name.removeprefix("module."): tensor for name, tensor in saved.items()}, strict=False)
    network.head.apply(fresh)
    return network


# %% task="lost" wrong="parameters alone" hint="buffers and no parameters"
def start_from(network, saved):
    with torch.no_grad():
        for name, weight in network.body.named_parameters():
            weight.copy_(saved[f"module.body.{name}"])
    network.head.apply(fresh)
    return network


# %% task="lost" wrong="silent about what is missing" hint="has to be an error"
def start_from(network, saved):
    prefix = "module.body."
    found = {k.removeprefix(prefix): v for k, v in saved.items() if k.startswith(prefix)}
    network.body.load_state_dict(found, strict=False)
    network.head.apply(fresh)
    return network


# %% task="lost" wrong="head not begun anew" hint="The head is to begin anew"
def start_from(network, saved):
    prefix = "module.body."
    network.body.load_state_dict({k.removeprefix(prefix): v for k, v in saved.items() if k.startswith(prefix)})
    return network


# %% task="lost" wrong="empties what was saved" hint="belongs to the caller"
def start_from(network, saved):
    network.body.load_state_dict({name: saved.pop(f"module.body.{name}") for name in network.body.state_dict()})
    network.head.apply(fresh)
    return network


# %% task="lost" wrong="the body alone is returned" hint="and return it"
def start_from(network, saved):
    prefix = "module.body."
    network.body.load_state_dict({k.removeprefix(prefix): v for k, v in saved.items() if k.startswith(prefix)})
    network.head.apply(fresh)
    return network.body


# %% task="lost" wrong="only the two names of the check are missed" hint="hidden"
def start_from(network, saved):
    saved["module.body.0.weight"], saved["module.body.1.running_var"]
    prefix = "module.body."
    found = {k.removeprefix(prefix): v for k, v in saved.items() if k.startswith(prefix)}
    network.body.load_state_dict(found, strict=False)
    network.head.apply(fresh)
    return network


# %% task="lost" right="tensor by tensor"
def start_from(network, saved):
    with torch.no_grad():
        for name, tensor in network.body.state_dict().items():
            tensor.copy_(saved["module.body." + name])
    fresh(network.head)
    return network


# %% task="lost" right="anew first, then loaded, and the report read"
def start_from(network, saved):
    network.apply(fresh)
    body = {name.removeprefix("module."): tensor for name, tensor in saved.items() if ".body." in name}
    report = network.load_state_dict(body, strict=False)
    if report.unexpected_keys or any(not name.startswith("head.") for name in report.missing_keys):
        raise ValueError(report)
    return network


# %% task="parents" wrong="swapped" hint="The parents are swapped"
def crossed(early, late, count):
    child = deepcopy(early)
    for ours, theirs in list(zip(layers(child), layers(late), strict=True))[:count]:
        for module, other in zip(ours, theirs, strict=True):
            module.load_state_dict(other.state_dict())
    return child


# %% task="parents" wrong="one too many" hint="One layer too many"
def crossed(early, late, count):
    child = deepcopy(late)
    for ours, theirs in list(zip(layers(child), layers(early), strict=True))[: count + 1]:
        for module, other in zip(ours, theirs, strict=True):
            module.load_state_dict(other.state_dict())
    return child


# %% task="parents" wrong="statistics stay" hint="running means and variances have not"
def crossed(early, late, count):
    child = deepcopy(late)
    with torch.no_grad():
        for ours, theirs in list(zip(layers(child), layers(early), strict=True))[:count]:
            for module, other in zip(ours, theirs, strict=True):
                for mine, weight in zip(module.parameters(), other.parameters(), strict=True):
                    mine.copy_(weight)
    return child


# %% task="parents" wrong="norms forgotten" hint="A norm belongs to the convolution"
def crossed(early, late, count):
    child = deepcopy(late)
    for ours, theirs in list(zip(layers(child), layers(early), strict=True))[:count]:
        ours[0].load_state_dict(theirs[0].state_dict())
    return child


# %% task="parents" wrong="the parent itself is changed" hint="Work on a deepcopy"
def crossed(early, late, count):
    for ours, theirs in list(zip(layers(late), layers(early), strict=True))[:count]:
        for module, other in zip(ours, theirs, strict=True):
            module.load_state_dict(other.state_dict())
    return late


# %% task="parents" wrong="modules shared" hint="the parents' own"
def crossed(early, late, count):
    child = deepcopy(late)
    for ours, theirs in list(zip(layers(child), layers(early), strict=True))[:count]:
        for module, other in zip(ours, theirs, strict=True):
            module._parameters, module._buffers = other._parameters, other._buffers
    return child


# %% task="parents" wrong="the last layers" hint="it should be the first"
def crossed(early, late, count):
    child = deepcopy(late)
    pairs = list(zip(layers(child), layers(early), strict=True))
    for ours, theirs in pairs[len(pairs) - count :]:
        for module, other in zip(ours, theirs, strict=True):
            module.load_state_dict(other.state_dict())
    return child


# %% task="parents" wrong="all of early" hint="These are all of early"
def crossed(early, late, count):
    return deepcopy(early)


# %% task="parents" wrong="made for the checks' counts" hint="hidden"
def crossed(early, late, count):
    child = deepcopy(late)
    pairs = list(zip(layers(child), layers(early), strict=True))
    for ours, theirs in pairs[: count if count in (0, 2, 5) or len(pairs) == 3 else 2]:
        for module, other in zip(ours, theirs, strict=True):
            module.load_state_dict(other.state_dict())
    return child


# %% task="parents" right="by the names of modules"
def crossed(early, late, count):
    child, donors = deepcopy(early), {name: module for name, module in late.named_modules()}
    names = {id(module): name for name, module in child.named_modules()}
    for layer in layers(child)[count:]:
        for module in layer:
            module.load_state_dict(donors[names[id(module)]].state_dict())
    return child


# %% task="parents" right="one state dict"
def crossed(early, late, count):
    chosen = {}
    for parent, part in ((early, slice(0, count)), (late, slice(count, None))):
        wanted = {id(module) for layer in layers(parent)[part] for module in layer}
        for name, module in parent.named_modules():
            if id(module) in wanted:
                chosen |= {f"{name}.{key}": value.clone() for key, value in module.state_dict().items()}
    child = deepcopy(late)
    child.load_state_dict(chosen)
    return child
