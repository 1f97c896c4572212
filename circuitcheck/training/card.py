"""The model card: every seed that was tried, every figure that was measured, and the command that made it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from circuitcheck.training import evaluation
from circuitcheck.training.family import ioi_family
from circuitcheck.training.fidelity import Fidelity
from circuitcheck.training.outcomes import (
    HEAD_PROMPTS_PER_CELL,
    PROMPTS_PER_CELL,
    HeadRow,
    SeedOutcome,
    StagesRow,
)
from circuitcheck.training.phrases import UNSEEN_TEMPLATES


def model_card(outcomes: Sequence[SeedOutcome], chosen: SeedOutcome, fidelities: Sequence[Fidelity]) -> str:
    """The card as Markdown."""
    sections = (
        _introduction(outcomes, chosen),
        _seeds(outcomes, chosen),
        _templates(chosen),
        _circuit(chosen),
        _dictionaries(fidelities),
        _EARLIER,
        _LIMITS,
    )
    return "\n\n".join(sections) + "\n"


def _introduction(outcomes: Sequence[SeedOutcome], chosen: SeedOutcome) -> str:
    seeds = " ".join(f"--seed {outcome.seed}" for outcome in outcomes)
    return f"""# ioi-mini

A small language model for trying and testing circuit checks offline: GPT-2 architecture, 4 layers of 4 heads, 128 wide,
trained from scratch on a seeded grammar of short English sentences, with nine sparse dictionaries. Its main task is
indirect object identification (IOI). Weights are stored in float16 and meant to be computed in float32; prompts start
with `<|endoftext|>`.

- `model/`: Hugging Face format, no weight processing.
- `z/L/`, `resid/2/`: sparse autoencoders on `blocks.L.attn.hook_z` and `blocks.2.hook_resid_pre`.
- `mlp/L/`: transcoders from `blocks.L.ln2.hook_normalized` (before LayerNorm's weight and bias) to
  `blocks.L.hook_mlp_out`. All dictionaries are in SAELens 6 format and read raw, unprocessed activations.
- `manifest.json`: SHA-256 of each file.

Made by `python -m circuitcheck.training {seeds} --steps {chosen.steps}`, which wrote this card too."""


def _seeds(outcomes: Sequence[SeedOutcome], chosen: SeedOutcome) -> str:
    header = (
        "seed", "minutes", "IOI ABBA", "IOI BABA", "top-1", "logit diff", "with fresh names",
        "unseen wording ABBA", "BABA", *chosen.side_accuracy, "readers and clearest mover", "clarity", "two-stage",
    )  # fmt: skip
    rows = [_seed_row(outcome) for outcome in outcomes]
    return f"""## Seeds

The seeds that were trained to the end with this recipe. IOI columns: accuracy on {PROMPTS_PER_CELL} prompts for each of
{len(ioi_family().templates)} templates, all with pairs of names that no IOI sentence of the corpus brings together; the
templates' parts occur in the corpus, but the start of a template is never joined to its end there. "Unseen wording":
{len(UNSEEN_TEMPLATES)} templates whose clauses do not occur in the corpus. "With fresh names": the logit difference of the
original names where all three are replaced. The columns between are accuracies of the side families.

{_table(header, rows)}

Seed {chosen.seed} was chosen: among the seeds whose accuracy is at least {evaluation.MINIMUM_ACCURACY} in both orders, it
has the clearest mover (clarity, below). The circuit was looked for on the same prompts by which the seed was chosen."""


def _seed_row(outcome: SeedOutcome) -> tuple[str, ...]:
    stages = outcome.stages[0]
    return (
        str(outcome.seed),
        f"{outcome.wall_minutes:.1f}",
        *(f"{value:.4f}" for value in outcome.accuracy.values()),
        f"{outcome.top1:.3f}",
        f"{outcome.logit_difference:.2f}",
        f"{outcome.fresh_logit_difference:+.2f}",
        *(f"{value:.3f}" for value in outcome.unseen_accuracy.values()),
        *(f"{value:.3f}" for value in outcome.side_accuracy.values()),
        f"{stages.readers or 'none'} -> {stages.mover}",
        f"{stages.clarity:.2f}",
        "yes" if stages.holds else "no",
    )


def _templates(chosen: SeedOutcome) -> str:
    rows = [
        (name, ioi_family().templates[name], *(f"{value:.3f}" for value in values))
        for name, values in chosen.cells.items()
    ]
    return f"## IOI accuracy by template\n\n{_table(('id', 'template', 'ABBA', 'BABA'), rows)}"


def _circuit(chosen: SeedOutcome) -> str:
    heads = ("head", "END to IO", "to S1", "to S2", "lost", "swapped")
    stages = ("readers", "mover", "swapped", "mover to IO, turned", "to S1, turned", "clarity", "two-stage")
    return f"""## Heads at END

On {HEAD_PROMPTS_PER_CELL} prompts of each template and order. "Lost": share of the logit difference lost when the head's
END value (z) comes from the run with fresh names. "Swapped": logit difference, as a share of the clean one, when the END
value comes from the run whose S2 is IO.

{_table(heads, map(_head_row, chosen.heads))}

Readers are all heads that attend from END to S2 with at least {evaluation.READER_TO_S2}, in layers before the mover. The
circuit is two-stage when the logit difference changes its sign if all of them have swapped values, and the mover attends to
IO with at least {evaluation.MOVER_TO_IO} and to S1 with at most {evaluation.MOVER_TO_S1}, the other way round ("turned") when
the readers are swapped, and has at least {evaluation.MOVER_LOST} lost. Clarity is the mover's preference, attention to IO
minus S1 or the reverse when turned, whichever is weaker.

{_table(stages, map(_stages_row, chosen.stages))}"""


def _head_row(head: HeadRow) -> tuple[str, ...]:
    values = (head.to_io, head.to_s1, head.to_s2, head.lost, head.swapped_ratio)
    return head.name, *(f"{value:.2f}" for value in values)


def _stages_row(stages: StagesRow) -> tuple[str, ...]:
    values = (stages.swapped_ratio, stages.turned_io, stages.turned_s1, stages.clarity)
    holds = "yes" if stages.holds else "no"
    return stages.readers or "none", stages.mover, *(f"{value:.2f}" for value in values), holds


def _dictionaries(fidelities: Sequence[Fidelity]) -> str:
    header = (
        "dictionary", "features", "variance explained", "active", "alive", "loss spliced", "loss clean",
        "IOI ratio", "IOI accuracy",
    )  # fmt: skip
    rows = [
        (
            fidelity.site,
            str(fidelity.features),
            f"{fidelity.variance_explained:.3f}",
            f"{fidelity.active:.1f}",
            str(fidelity.alive),
            f"{fidelity.loss_nats:.4f}",
            f"{fidelity.clean_loss_nats:.4f}",
            f"{fidelity.ioi_ratio:.3f}",
            f"{fidelity.ioi_accuracy:.3f}",
        )
        for fidelity in fidelities
    ]
    return f"""## Dictionaries

BatchTopK dictionaries exported as JumpReLU with one threshold. Measured on documents they were not trained on, the start
token left out of the figures and unspliced. Losses are in nats per token; "IOI ratio" is the logit difference with the
reconstruction in place over the clean one.

{_table(header, rows)}"""


_EARLIER = """## Recipes that were tried before

Their checkpoints are not shipped. Accuracy (ABBA/BABA) and heads on smaller samples than above.

| recipe, seed | trained for | outcome |
| --- | --- | --- |
| lists of 3 to 14 words repeated once, no bystanders, 1 | 7000 of 9000 | chance at 4500, 1.00/1.00 at 6500; one stage: L0H1 reads S2, L0H0 and L0H3 copy both names |
| the same, 2 | 5600 of 9000 | chance at 4500, not evaluated later |
| short lists repeated more often, 1 | 9000 | 1.00/1.00 from 2500 on; one stage: L0H0 reads S2, L0H1 and L0H3 copy both names |
| the same, 2 | 1600 of 9000 | stopped, not evaluated |
| the same at learning rate 4e-3, 1 | 2000 of 9000 | behind 2e-3 at 1500; stopped |
| lists of 6 to 16 words repeated once or twice, with bystanders, 1 | 3400 of 9000 | chance at 3000; stopped |
| short lists, with bystanders, 1 | 3600 of 6000 | 0.98/1.00 at 3000; one stage in layer 0 |
| the same with sentences that ask for a trade instead of a name, 1 | 3600 of 6000 | 0.92/0.91 at 3000; one stage in layer 0; trades not learned |
| short lists, bystanders, attention entropy costing 0.05 from 3500 on, 1 | 4800 of 9000 | 0.93/0.99 at 4500; still one stage |
| only strangers act at first, attention of all layers but the last held meanwhile, with and without trades, 1 | 2000 of 7500 | no copying of names at 1500; stopped |
| only strangers act at first, attention of the first layer held meanwhile, 1 | 6000 | two stages at 3000 (L1H0 and L1H3 steer L2H0, L2H1 and L2H3; mover .71/.24), 1.00/1.00 at 6000 but fading (.57/.37) as heads of layer 3 and MLPs take over |
| the same, 2 | 3400 of 6000 | 1.00/1.00 at 3000; L2H1 and L2H3 copy both names, layer 3 takes one away |
| the same, learning rate falling from 3000 to 4000, 1 | 4000 | 1.00/1.00, mover .63/.34 |
| the same, attention entropy costing 0.02 from 3000 on, 1 and 2 | 4600 of 6000 | 0.99/0.99 and mover .72/.27; 1.00/1.00 and no reader |
| the same at 0.07, 0.2 and 0.2 with other stage lengths, 1 | 4500 to 4700 | mover .79/.17; .67/.31; .81/.16 with accuracy 0.89/0.93 |
| the same at 0.2, 2 | 4500 of 6000 | 1.00/0.99, no reader |
| the last layer's attention held from 3000 on, no cost of entropy, 1 | 4800 of 6000 | 0.99/0.99 at 4500, mover .69/.27 |
| the recipe of this card, 3 | 3600 of 6000 | stopped for want of time, not evaluated |

Runs of one seed with the same first half share it: they were continued from one checkpoint. The recipe was found by looking
at seed 1, so that its two stages are selected for; how often another seed gives them is not known."""

_LIMITS = """## What not to expect

The corpus is a grammar of a few hundred phrases: high fidelity and high accuracy are easy here and say nothing about
natural text, and new wording is much harder for the model than new names. Another seed learns another circuit. Use it to
learn the tool and to test it."""


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
