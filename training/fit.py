"""A training loop for one process on the CPU or a GPU: seeded, resumable, with the time left.

What a step draws follows from the seed and the number of the step alone, so a run that was stopped
goes on as if it had not been.
"""

import argparse
import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from .devices import on_cpu
from .interrupt import Interrupt, leave
from .loop import learning_rate
from .settings import CACHE_DIR

SAVE_SECONDS, SAY_SECONDS = 60, 10


@dataclass(frozen=True)
class Plan:
    """`settings` is everything else that the result depends on: a state of other settings is
    refused.
    """

    steps: int
    lr: float
    seed: int
    state: Path
    settings: dict
    check_every: int = 0  # steps between measurements; 0 means only at start and end
    weight_decay: float = 0.0


Loss = Callable[[np.random.Generator], tuple[torch.Tensor, dict[str, float]]]
Check = Callable[[], dict[str, float]]


def add_run_options(parser: argparse.ArgumentParser, check_every: int) -> None:
    """What every such run can be told."""
    parser.add_argument("--validation", type=float, default=0.1, help="share of the images that is measured on")
    parser.add_argument("--check-every", type=int, default=check_every, help="steps between measurements")
    parser.add_argument("--seed", type=int, default=20)
    parser.add_argument("--state", type=Path, help="where the state of the run is kept")
    parser.add_argument("--bf16", action=argparse.BooleanOptionalAction, default=True, help="towers in bf16")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")


def state_path(kind: str, out: Path) -> Path:
    """Where the state of a run is kept that writes the folder `out`, unless told otherwise. Folders
    of one name in two places have two states.
    """
    whole = out.resolve()
    return CACHE_DIR / kind / f"{whole.name}-{hashlib.sha256(str(whole).encode()).hexdigest()[:8]}.pt"


def fit(name: str, parameters: dict[str, torch.nn.Parameter], loss: Loss, plan: Plan, check: Check | None = None):
    """Trains `parameters` in place by AdamW, to the last step of the plan; returns what `check`
    measured, as (step, figures).
    """
    optimiser = torch.optim.AdamW(parameters.values(), plan.lr, betas=(0.9, 0.98), weight_decay=plan.weight_decay)
    step, figures = _resume(name, parameters, optimiser, plan)
    with Interrupt() as interrupt:
        return _steps(name, parameters, optimiser, loss, plan, check, step, figures, interrupt)


def _steps(name, parameters, optimiser, loss: Loss, plan: Plan, check, step: int, figures: list, interrupt: Interrupt):
    begun = saved = said = time.monotonic()
    first, sums = step, {}

    def measure():
        if check and (not figures or figures[-1][0] < step):
            figures.append((step, check()))
            print(f"{name} step {step}  validation: {_told(figures[-1][1])}", flush=True)

    if step == 0:
        measure()
    while step < plan.steps:
        for group in optimiser.param_groups:
            group["lr"] = plan.lr * learning_rate(step / plan.steps)
        value, metrics = loss(np.random.default_rng([plan.seed, step]))
        if not torch.isfinite(value):
            raise SystemExit(f"{name}: the loss of step {step} is not finite; train with a lower --lr")
        optimiser.zero_grad()
        value.backward()
        torch.nn.utils.clip_grad_norm_(parameters.values(), 1.0)
        optimiser.step()
        step += 1
        for key, metric in {"loss": value.item(), **metrics}.items():
            sums.setdefault(key, []).append(metric)
        now, last = time.monotonic(), step == plan.steps
        if now - said > SAY_SECONDS or last:
            left = (now - begun) / (step - first) * (plan.steps - step) / 60
            means = _told({key: float(np.mean(values)) for key, values in sums.items()})
            print(f"{name} step {step} of {plan.steps}  {left:.1f} min left  {means}", flush=True)
            said, sums = now, {}
        if last or plan.check_every and step % plan.check_every == 0:
            measure()
        if interrupt.asked or now - saved > SAVE_SECONDS or last:
            _save(parameters, optimiser, plan, step, figures)
            saved = now
        if interrupt.asked and not last:
            leave(name, step)
    return figures


def _told(figures: dict[str, float]) -> str:
    return "  ".join(f"{key} {value:.4f}" for key, value in figures.items())


def _save(parameters, optimiser, plan: Plan, step: int, figures: list) -> None:
    plan.state.parent.mkdir(parents=True, exist_ok=True)
    state = {
        "parameters": on_cpu({name: p.detach() for name, p in parameters.items()}),
        "optimiser": on_cpu(optimiser.state_dict()),
        "step": step,
        "figures": figures,
        "settings": _settings(plan),
    }
    partial = plan.state.with_suffix(".tmp")
    torch.save(state, partial)
    partial.replace(plan.state)


def _settings(plan: Plan) -> dict:
    return {**plan.settings, "steps": plan.steps, "lr": plan.lr, "seed": plan.seed}


def _resume(name: str, parameters, optimiser, plan: Plan) -> tuple[int, list]:
    if not plan.state.exists():
        return 0, []
    try:
        state = torch.load(plan.state, weights_only=True, map_location="cpu")
    except Exception as error:  # torch raises many kinds for a damaged file
        raise SystemExit(f"{plan.state}: cannot be read ({error}); delete it to begin anew") from error
    if differing := _differing(state["settings"], _settings(plan)):
        raise SystemExit(
            f"{plan.state}: was begun with {differing}; give the same to go on, or delete the file to begin anew"
        )
    with torch.no_grad():
        for key, parameter in parameters.items():
            parameter.copy_(state["parameters"][key])
    optimiser.load_state_dict(state["optimiser"])
    print(f"{name}: going on from step {state['step']} ({plan.state})", flush=True)
    return state["step"], state["figures"]


def _differing(before: dict, now: dict) -> str:
    """`key value, not value` of the first setting that differs, or nothing."""
    for key in sorted(before.keys() | now.keys()):
        if before.get(key) != now.get(key):
            return f"{key} {before.get(key)}, not {now.get(key)}"
    return ""
