"""Fine-tunes the plate reader on synthetic plates for a given time, judging it on a fixed synthetic set, and exports
ONNX files on the way.

    python3 train.py --origin ch_PP-OCRv4_rec_infer.onnx --keys ppocr_keys_v1.txt --out DIR
        [--minutes 50] [--fonts DIR ...] [--grounds VIDEO ...]

Workers are processes of one thread each that hold the same model and average their gradients once per step: on a
machine with other work this is much faster than one process of several threads, which must meet at every operator.
"""
import argparse
import os
import queue
import time

import cv2
import numpy as np
import torch
from torch import multiprocessing
from torch.nn import functional as F

from gather import held_out, produce
from import_origin import import_origin
from judge import judge
from network import ALPHABET, PlateReader, Prepared

CODE = {c: k + 1 for k, c in enumerate(ALPHABET)}
FROZEN = 5
"""Trunk blocks, from the input on, whose weights stay the origin's: they see edges and strokes of real pictures, and
cost most of a step's time.
"""


def loss_of(model, pictures, labels):
    """Mean over the samples of 4 log(1 + loss / 4), the loss being CTC's; no gradient flows into the frozen part.

    The logarithm keeps crops that nobody could read (loss 10 and more) from drowning the others.
    """
    x = torch.from_numpy(pictures).permute(0, 3, 1, 2).float() * (1 / 127.5) - 1.0
    with torch.no_grad():
        x = model.trunk[:FROZEN](model.stem(x))
    x = F.avg_pool2d(model.trunk[FROZEN:](x), (3, 2), count_include_pad=False)
    logits = model.head(model.neck(x).squeeze(2).transpose(1, 2))
    scores = logits.log_softmax(-1).transpose(0, 1)
    targets = torch.tensor([CODE[c] for label in labels for c in label], dtype=torch.long)
    lengths = torch.tensor([len(label) for label in labels])
    steps = torch.full((len(labels),), scores.shape[0])
    losses = F.ctc_loss(scores, targets, steps, lengths, reduction="none", zero_infinity=True)
    return (4 * torch.log1p(losses / 4)).mean()


def export(model, path):
    """Writes the ONNX file: `image` float32 [n, 3, 48, w] in -1..1, RGB, to `logits` float32 [n, w / 8, 37], opset 13."""
    model.eval()
    torch.onnx.export(
        Prepared(model),
        torch.zeros(1, 3, 48, 160),
        path,
        opset_version=13,
        input_names=["image"],
        output_names=["logits"],
        dynamic_axes={"image": {0: "n", 3: "w"}, "logits": {0: "n", 1: "t"}},
    )


class Recorder:
    """The first worker's extra duty: the running mean of the weights, exports, and the log."""

    def __init__(self, options, model):
        self.options = options
        self.trial = held_out(options.fonts, options.grounds, options.held_out)
        self.mean = PlateReader()
        self.mean.load_state_dict(model.state_dict())
        self.exports = 0

    def note(self, line):
        with open(os.path.join(self.options.out, "log.txt"), "a", encoding="utf-8") as file:
            file.write(line + "\n")
        print(line, flush=True)

    def follow(self, model, step):
        keep = min(0.995, step / (step + 20))
        with torch.no_grad():
            for slow, fast in zip(self.mean.parameters(), model.parameters()):
                if fast.requires_grad:
                    slow.lerp_(fast, 1 - keep)

    def save(self, name, seen):
        path = os.path.join(self.options.out, f"export-{self.options.tag}{name}.onnx")
        export(self.mean, path)
        torch.save(self.mean.state_dict(), path.replace(".onnx", ".pt"))
        self.note(f"{os.path.basename(path)}: {seen} samples, {judge(self.mean, self.trial)}")

    def due(self, spent):
        if spent < (self.exports + 1) * self.options.every * 60:
            return False
        self.exports += 1
        return True


def work(rank, options, batches, shared):
    """One worker: the same model, the same averaged gradient and so the same weights in each; the first also keeps time
    and records.
    """
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    torch.manual_seed(options.seed)
    cv2.setNumThreads(1)
    model = import_origin(options.origin, options.keys)
    if options.resume:
        model.load_state_dict(torch.load(options.resume))
    recorder = Recorder(options, model) if rank == 0 else None
    model.stem.requires_grad_(False)
    model.trunk[:FROZEN].requires_grad_(False)
    learnt = [p for p in model.parameters() if p.requires_grad]
    # Folding batch normalisation left tensors of very different size (0.004 to 2): each steps in proportion to its own.
    groups = [{"params": [p], "size": min(2.0, max(0.004, float(p.detach().pow(2).mean().sqrt())))} for p in learnt]
    optimiser = torch.optim.AdamW(groups, options.rate, (0.9, 0.99), weight_decay=0.0)
    gradients, counts, clock, barrier = shared
    if recorder:
        recorder.note(f"start: {judge(model, recorder.trial)}")
    barrier.wait()
    start, step, seen, total = time.monotonic(), 0, 0, 0.0
    span = options.minutes * 60
    while True:
        try:
            pictures, labels = batches.get(timeout=120)
        except queue.Empty:
            raise RuntimeError("the generator process gave nothing for 120 s") from None
        loss = loss_of(model, pictures, labels)
        optimiser.zero_grad()
        loss.backward()
        gradients[rank] = torch.cat([p.grad.reshape(-1) for p in learnt])
        counts[rank] = len(labels)
        if rank == 0:
            clock[0] = time.monotonic() - start
        barrier.wait()
        mean, spent, at = gradients.mean(0), float(clock[0]), 0
        seen += int(counts.sum())
        for p in learnt:
            p.grad = mean[at : at + p.numel()].reshape(p.shape)
            at += p.numel()
        torch.nn.utils.clip_grad_norm_(learnt, 100.0)
        rate = (
            options.rate
            * min(1.0, (step + 1) / options.warm)
            * (0.02 + 0.98 * 0.5 * (1 + np.cos(np.pi * min(1.0, spent / span))))
        )
        for group in optimiser.param_groups:
            group["lr"] = rate * group["size"]
        optimiser.step()
        step, total = step + 1, total + float(loss)
        barrier.wait()
        if spent > span:
            break
        if recorder:
            recorder.follow(model, step)
            if step % 25 == 0:
                print(
                    f"{spent:6.0f} s  step {step}  {seen / max(1, spent):.1f} samples/s  loss {total / 25:.3f}",
                    flush=True,
                )
                total = 0.0
            if recorder.due(spent):
                recorder.save(f"{int(spent / 60):02d}", seen)
    if recorder:
        recorder.save("final", seen)


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("--origin", required=True)
    parser.add_argument("--keys", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--fonts", nargs="*", default=[])
    parser.add_argument("--grounds", nargs="*", default=[])
    parser.add_argument("--minutes", type=float, default=50)
    parser.add_argument("--every", type=float, default=10)
    parser.add_argument("--batch", type=int, default=16, help="samples of width 160 per worker and step")
    parser.add_argument(
        "--rate", type=float, default=2.5e-4, help="step of a weight, as a share of its tensor's root mean square"
    )
    parser.add_argument("--held-out", type=int, default=600)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--warm", type=int, default=100, help="steps until the full rate")
    parser.add_argument("--resume", default="", help="weights to go on from")
    parser.add_argument("--tag", default="", help="goes into the names of the exports")
    return parser.parse_args()


def main():
    options = parse()
    os.makedirs(options.out, exist_ok=True)
    context = multiprocessing.get_context("spawn")
    batches = context.Queue(16)
    maker = context.Process(
        target=produce, args=(batches, options.seed, options.fonts, options.grounds, options.batch), daemon=True
    )
    maker.start()
    size = sum(p.numel() for p in PlateReader().parameters())
    frozen = PlateReader()
    size -= sum(p.numel() for p in [*frozen.stem.parameters(), *frozen.trunk[:FROZEN].parameters()])
    shared = (
        torch.zeros(options.workers, size).share_memory_(),
        torch.zeros(options.workers).share_memory_(),
        torch.zeros(1, dtype=torch.float64).share_memory_(),
        context.Barrier(options.workers),
    )
    workers = [context.Process(target=work, args=(rank, options, batches, shared)) for rank in range(options.workers)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    maker.terminate()


if __name__ == "__main__":
    main()
