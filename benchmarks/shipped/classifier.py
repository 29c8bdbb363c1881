"""Train the Fashion classifier that judges garments in this course, and write it with its card into minigan/weights/.

    python benchmarks/shipped/classifier.py              train, print the accuracy on the 2,000 held-out pictures
    python benchmarks/shipped/classifier.py --publish    the same, and write the weights, the card and the log
    python benchmarks/shipped/classifier.py --log        write the log alone: a repetition beside the shipped weights

Progress is a line an epoch; a run takes some minutes on two cores, and Ctrl-C leaves the shipped file as it was.
"""

import json
import platform
import time
from typing import Annotated

import torch
import torch.nn.functional as F
import typer
from safetensors.torch import save_file

from minigan import data
from minigan.augment import translation
from minigan.backbones import fashion_classifier
from minigan.files import CLASSIFIER, whole_file

CARD = """# fashion_classifier: the judge of garments

| | |
| --- | --- |
| What | Classifier of 28 x 28 grey pictures, 0.24 million parameters (`minigan.backbones.fashion_classifier`) |
| Data | {data} |
| Accuracy | {accuracy:.1%} on the 2,000 held-out pictures |
| Training | {epochs} epochs of AdamW, one cycle up to 3e-3, batch 128, label smoothing 0.1, dropout 0.3, seed 0 |
| Variation | Pictures mirrored and moved by up to 3 pixels |
| Script | `python benchmarks/shipped/classifier.py --publish` |
| Log | Loss and accuracy of each epoch: `fashion_classifier.json` |
| Licence | {licence}, as the pictures it learnt from |
| Use | Features and classes of generated garments: `Backbone("fashion_classifier", ["features"])` |
| Limits | It knows ten classes and no "none of these": noise gets a class too |
"""


def batches(count: int, size: int, random: torch.Generator) -> list[torch.Tensor]:
    """The indices of one epoch in a new order, whole batches only."""
    return list(torch.randperm(count, generator=random)[: count // size * size].split(size))


def varied(images: torch.Tensor, random: torch.Generator) -> torch.Tensor:
    """Half of the pictures mirrored, all of them moved a little."""
    mirrored = torch.rand(len(images), 1, 1, 1, generator=random) < 0.5
    return translation(torch.where(mirrored, images.flip(-1), images), random)


def accuracy(net: torch.nn.Module, images: data.ImageSet) -> float:
    """The share of pictures that get their own class."""
    assert images.labels is not None
    with torch.no_grad():
        answers = [net.eval()(part.expand(-1, 3, -1, -1)).argmax(1) for part in images[:].split(500)]
    return float((torch.cat(answers) == images.labels).float().mean())


def fit(
    net: torch.nn.Module, images: data.ImageSet, held_out: data.ImageSet, epochs: int, batch: int = 128
) -> list[dict[str, float]]:
    """Train with label smoothing and dropout; return the loss and the held-out accuracy of each epoch."""
    assert images.labels is not None
    random = torch.Generator().manual_seed(0)
    optimizer = torch.optim.AdamW(net.parameters(), weight_decay=0.01)
    steps = epochs * (len(images) // batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, steps)
    history, began = [], time.monotonic()
    for epoch in range(epochs):
        net.train()
        losses = []
        for chosen in batches(len(images), batch, random):
            features = net[:-1](varied(images[chosen], random).expand(-1, 3, -1, -1))
            logits = net[-1](F.dropout(features, 0.3))
            optimizer.zero_grad()
            loss = F.cross_entropy(logits, images.labels[chosen], label_smoothing=0.1)
            loss.backward()
            losses.append(loss.item())
            optimizer.step()
            schedule.step()
        history.append(
            {
                "epoch": epoch + 1,
                "seconds": round(time.monotonic() - began, 1),
                "loss": round(sum(losses) / len(losses), 4),
                "accuracy": round(accuracy(net, held_out), 4),
            }
        )
        print(f"epoch {epoch + 1} of {epochs}: accuracy {history[-1]['accuracy']:.3f}", flush=True)
    return history


def main(
    epochs: Annotated[int, typer.Option(help="passes over the 10,000 training pictures")] = 30,
    publish: Annotated[bool, typer.Option("--publish", help="write the weights, the card and the log")] = False,
    log: Annotated[bool, typer.Option("--log", help="write the log alone; the shipped weights stay")] = False,
) -> None:
    torch.manual_seed(0)
    net = fashion_classifier()
    images, held_out = data.load("fashion"), data.load("fashion", "test")
    history = fit(net, images, held_out, epochs)
    if publish:
        with whole_file(CLASSIFIER) as temporary:
            save_file(net.state_dict(), temporary)
        facts = {"data": images, "accuracy": accuracy(net, held_out), "epochs": epochs, "licence": images.licence}
        CLASSIFIER.with_suffix(".md").write_text(CARD.format(**facts), encoding="utf-8")
    if publish or log:
        kept = {"torch": torch.__version__, "machine": platform.machine(), "of the shipped weights": publish}
        CLASSIFIER.with_suffix(".json").write_text(json.dumps(kept | {"history": history}, indent=0), encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
