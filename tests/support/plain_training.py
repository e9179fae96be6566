"""Nets of the study `noise` in torch alone, to find mistakes: it shares no code with the package.

python tests/support/plain_training.py FOLDER_OF_MNIST > report/second-tries/plain_training.csv
"""

import sys

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.datasets import MNIST

SEEDS = (1, 2, 3)
UPDATES = 10_000
BATCH = 100
TRAINING, TESTED = slice(0, 10_000), slice(10_000, 40_000)
RATE = 0.35  # of hidden units, where they are dropped
DEVIATION = 1 / 3  # of noise on pixels
LEARNING_RATES = {"none": 0.004, "dropout": 0.004, "boosting": 0.004, "pixel noise": 0.002}
"""Kind of training -> its learning rate, as the study chose them."""


def error(kind: str, seed: int, images: Tensor, labels: Tensor) -> float:
    """Train one net; return its error in percent on examples that it was not trained on."""
    torch.manual_seed(seed)
    order = torch.randperm(len(images))
    training, tested = order[TRAINING], order[TESTED]
    rate = RATE if kind in ("dropout", "boosting") else 0.0
    hidden = (nn.Linear(784, 256), nn.ReLU(), nn.Dropout(rate))
    net = nn.Sequential(
        *hidden, nn.Linear(256, 256), nn.ReLU(), nn.Dropout(rate), nn.Linear(256, 10)
    )
    largest = LEARNING_RATES[kind]
    optimizer = torch.optim.AdamW(net.parameters(), largest, weight_decay=0)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, largest, UPDATES)

    for _ in range(UPDATES):
        batch = training[torch.randint(len(training), (BATCH,))]
        seen = images[batch]
        if kind == "pixel noise":
            seen = seen + DEVIATION * torch.randn_like(seen)

        optimizer.zero_grad()
        loss(net, seen, labels[batch], of_whole_net=kind == "boosting").backward()
        optimizer.step()
        schedule.step()

    net.eval()
    with torch.no_grad():
        wrong = net(images[tested]).argmax(1) != labels[tested]

    return 100 * wrong.float().mean().item()


def loss(net: nn.Module, seen: Tensor, labels: Tensor, of_whole_net: bool) -> Tensor:
    """Cross-entropy; or what has its gradient at the logits of the net without masks."""
    if not of_whole_net:
        return functional.cross_entropy(net(seen), labels)

    net.eval()
    with torch.no_grad():
        gradient: Tensor = net(seen).softmax(1) - functional.one_hot(labels, 10)

    net.train()

    return (gradient * net(seen)).sum(1).mean()


def main(folder: str) -> None:
    """Print a line per net."""
    data = MNIST(folder, train=True)
    images = data.data.flatten(1) / 255
    print("kind,seed,error")

    for kind in LEARNING_RATES:
        for seed in SEEDS:
            print(f"{kind},{seed},{error(kind, seed, images, data.targets):.3f}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
