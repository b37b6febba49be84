"""The training loop that all stages share: data-parallel processes, schedule, log, checkpoints,
time left.

Each process has one thread: with several threads per process the small matrices of these models
cost more in waiting than they gain. Gradients are averaged over gloo at every step, or else weights
every few steps, which suits a machine that is busy with other things. The schedule counts steps, so
a run may be slowed or paused at will.
"""

import contextlib
import csv
import math
import os
import signal
import socket
import time
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn

from .devices import on_cpu
from .interrupt import EXIT, Interrupt, leave
from .settings import CACHE_DIR, LOG_DIR, SEED, Budget

CHECKPOINT_SECONDS = 120
LOG_SECONDS = 15
COMPILE_STEPS = 6
NOT_OF_THE_RESULT = ("compile", "folder", "teacher")  # options that are not compared when a run goes on


class Stage:
    """One training stage: its modules, its optimisers, and the loss of a fresh batch."""

    name: str
    log_name: str
    modules: nn.Module  # everything that is trained
    optimisers: list  # each group's lr is taken as the peak of the schedule
    seed: int = SEED
    beside: nn.Module | None = None  # what is kept for going on, but is no part of the result
    options: dict[str, str] = {}  # what it was built with: a state of others is refused

    def loss(self, progress: float) -> tuple[torch.Tensor, dict[str, float]]:
        raise NotImplementedError

    def after_step(self) -> None:
        """Called when the optimisers have moved the parameters."""

    def log_path(self) -> Path:
        return LOG_DIR / f"{self.log_name}.csv"

    def generators(self) -> list[np.random.Generator]:
        """Everything that draws training data at random."""
        return [part.rng for part in (getattr(self, name, None) for name in ("painter", "sampler", "sequences")) if part]

    def torch_generators(self) -> list[torch.Generator]:
        """As `generators`, of what torch draws."""
        return [part.generator for part in (getattr(self, name, None) for name in ("distillation", "curator")) if part]


def learning_rate(progress: float, warm_up: float = 0.03) -> float:
    """Linear warm-up, then a cosine to zero, as a share of the peak."""
    if progress < warm_up:
        return max(progress / warm_up, 0.02)
    return 0.5 * (1 + math.cos(math.pi * (progress - warm_up) / (1 - warm_up)))


def checkpoint_path(name: str) -> Path:
    return CACHE_DIR / "checkpoints" / f"{name}.pt"


def average(tensors: list[torch.Tensor], extra: float) -> float:
    """Averages tensors in place, and one number, over the processes in a single message."""
    flat = torch.cat([t.reshape(-1).float() for t in tensors] + [torch.tensor([extra])])
    dist.all_reduce(flat)
    flat /= dist.get_world_size()
    offset = 0
    for tensor in tensors:
        tensor.copy_(flat[offset : offset + tensor.numel()].view_as(tensor))
        offset += tensor.numel()
    return flat[-1].item()


def run(build, budget: Budget, **options) -> None:
    """Trains `build(rank, budget, **options)` in all processes until steps or minutes are spent."""
    if budget.processes == 1:
        _process(0, build, budget, 0, options)
        return
    if budget.device != "cpu":
        raise SystemExit(f"{budget.processes} processes on {budget.device}: only one can train there; give --processes 1")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with Interrupt() as interrupt:  # which the first process answers
        try:
            mp.spawn(_process, args=(build, budget, port, options), nprocs=budget.processes)
        except (mp.ProcessExitedException, mp.ProcessRaisedException):
            if interrupt.asked:
                raise SystemExit(EXIT) from None
            raise


def _process(rank: int, build, budget: Budget, port: int, options: dict) -> None:
    with torch.device(budget.device):
        _run_stage(rank, build, budget, port, options)


def _run_stage(rank: int, build, budget: Budget, port: int, options: dict) -> None:
    if rank:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the first process ends all
    torch.set_num_threads(1)
    if budget.processes > 1:
        os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
        dist.init_process_group("gloo", rank=rank, world_size=budget.processes)
    stage = build(rank, budget, **options)
    stage.options = {key: str(value) for key, value in options.items() if key not in NOT_OF_THE_RESULT}
    path = checkpoint_path(stage.name)
    state = torch.load(path, weights_only=True, map_location="cpu") if path.exists() else None
    if state:
        _refuse_others(path, state.get("options", stage.options), stage.options)
    if not (state and state["done"]):
        with Interrupt() if rank == 0 else contextlib.nullcontext(Interrupt()) as interrupt:
            _train(stage, budget, rank, interrupt)
    elif rank == 0:
        print(f"{stage.name}: is trained; delete {path} to train it anew", flush=True)
    if budget.processes > 1:
        dist.barrier()
        dist.destroy_process_group()


def _refuse_others(path: Path, begun: dict[str, str], now: dict[str, str]) -> None:
    differing = [key for key in sorted(begun | now) if begun.get(key) != now.get(key)]
    if differing:
        told = ", ".join(f"{key} {begun.get(key)} and not {now.get(key)}" for key in differing)
        raise SystemExit(f"{path}: was begun with {told}; delete it to train with these")


def _train(stage: Stage, budget: Budget, rank: int, interrupt: Interrupt) -> None:
    parameters = [p for group in _groups(stage) for p in group["params"]]
    for group in _groups(stage):
        group["peak"] = group["lr"]
    step, spent = _resume(stage)
    if step:  # new data, not that of the first steps again
        for index, generator in enumerate(stage.generators()):
            generator.bit_generator.state = np.random.default_rng(
                [stage.seed, step, rank, index]
            ).bit_generator.state
        for index, generator in enumerate(stage.torch_generators()):
            generator.manual_seed(int(np.random.SeedSequence([stage.seed, step, rank, index]).generate_state(1)[0]))
    log = Log(stage.name, stage.log_path(), fresh=step == 0) if rank == 0 else None
    clock = time.process_time if budget.of_processor else time.monotonic
    last_save, start = time.monotonic(), clock() - spent
    progress, first, before = 0.0, step, spent
    while True:
        if step == first + COMPILE_STEPS:
            start = clock() - before  # compiling the first batches is no training time
        spent = clock() - start
        share = max(step / budget.steps, spent / (60 * budget.minutes) if budget.minutes else 0.0)
        for optimiser in stage.optimisers:
            optimiser.zero_grad(set_to_none=False)
        loss, metrics = stage.loss(progress)
        loss.backward()
        for p in parameters:
            if p.grad is None:
                p.grad = torch.zeros_like(p)
        if budget.processes == 1:
            progress = share
        elif budget.sync == 1:
            progress = average([p.grad for p in parameters], share)
        elif step % budget.sync == 0:
            progress = average([p.data for p in parameters], share)
        if progress >= 1:
            break
        nn.utils.clip_grad_norm_(parameters, 1.0)
        for group in _groups(stage):
            group["lr"] = group["peak"] * learning_rate(progress)
        for optimiser in stage.optimisers:
            optimiser.step()
        stage.after_step()
        step += 1
        if rank == 0:
            log.add(step, spent, progress, metrics)
            if interrupt.asked or time.monotonic() - last_save > CHECKPOINT_SECONDS:
                _save(stage, step, spent, done=False)
                last_save = time.monotonic()
            if interrupt.asked:
                leave(stage.name, step)
    if rank == 0:
        log.write(step, spent, 1.0)
        _save(stage, step, spent, done=True)


def _groups(stage: Stage):
    return [group for optimiser in stage.optimisers for group in optimiser.param_groups]


def _save(stage: Stage, step: int, spent: float, done: bool) -> None:
    path = checkpoint_path(stage.name)
    path.parent.mkdir(parents=True, exist_ok=True)
    state = {
        "modules": on_cpu(stage.modules.state_dict()),
        "optimisers": [on_cpu(optimiser.state_dict()) for optimiser in stage.optimisers],
        "step": step,
        "spent": spent,
        "done": done,
        "options": stage.options,
    }
    if stage.beside is not None:
        state["beside"] = on_cpu(stage.beside.state_dict())
    torch.save(state, path.with_suffix(".tmp"))
    path.with_suffix(".tmp").replace(path)


def _resume(stage: Stage) -> tuple[int, float]:
    path = checkpoint_path(stage.name)
    if not path.exists():
        return 0, 0.0
    state = torch.load(path, weights_only=True, map_location="cpu")
    stage.modules.load_state_dict(state["modules"])
    if stage.beside is not None:
        if state.get("beside", {}).keys() != stage.beside.state_dict().keys():
            raise SystemExit(f"{path}: was begun with other losses; delete it to train with these")
        stage.beside.load_state_dict(state["beside"])
    peaks = [group["peak"] for group in _groups(stage)]
    for optimiser, saved in zip(stage.optimisers, state["optimisers"]):
        optimiser.load_state_dict(saved)
    for group, peak in zip(_groups(stage), peaks):
        group["peak"] = peak
    print(f"{stage.name}: going on from step {state['step']}", flush=True)
    return state["step"], state["spent"]


class Log:
    """Means of the metrics every few seconds, to the terminal with the time left and to a CSV file."""

    def __init__(self, name: str, path: Path, fresh: bool):
        self.name, self.path = name, path
        path.parent.mkdir(parents=True, exist_ok=True)
        if fresh:
            self.path.unlink(missing_ok=True)
        self.sums, self.counts, self.last = {}, {}, time.monotonic()

    def add(self, step: int, spent: float, progress: float, metrics: dict[str, float]) -> None:
        for key, value in metrics.items():
            self.sums[key] = self.sums.get(key, 0.0) + value
            self.counts[key] = self.counts.get(key, 0) + 1
        if time.monotonic() - self.last > LOG_SECONDS:
            self.write(step, spent, progress)

    def write(self, step: int, spent: float, progress: float) -> None:
        means = {key: self.sums[key] / self.counts[key] for key in sorted(self.sums)}
        left = spent / max(progress, 1e-6) * (1 - progress) / 60
        values = "  ".join(f"{key} {value:.3f}" for key, value in means.items())
        print(f"{self.name} step {step}  {100 * progress:.1f} %  {left:.0f} min left  {values}", flush=True)
        with self.path.open("a", newline="") as file:
            writer = csv.writer(file)
            if file.tell() == 0:
                writer.writerow(["step", "minutes", "metric", "value"])
            writer.writerows([step, f"{spent / 60:.2f}", key, f"{value:.4f}"] for key, value in means.items())
        self.sums, self.counts, self.last = {}, {}, time.monotonic()
