"""What was tried before the present recipe: written down, since nothing of it is left to measure."""

from __future__ import annotations

EARLIER_RECIPES = """## Recipes that were tried before

On the narrow corpus alone (37 scenes, 36 giving clauses), whose models reached 0.20 to 0.79 on the development shapes
and did not learn pronouns. Their checkpoints are not shipped. Accuracy (ABBA/BABA) and heads on smaller samples than above.

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
| the same and attention entropy costing 0.1, 1 and 2 | 6000 | 1.00/1.00 and two stages (L1H0, L1H3 -> L2H0); 1.00/1.00 and one stage |
| the same, 3 | 3600 of 6000 | stopped for want of time, not evaluated |

The wide corpus from the start, 8000 steps planned; accuracy on the development shapes:

| recipe, seed | trained for | outcome |
| --- | --- | --- |
| positions moved on from the start, 1 and 2 | 2500 of 7000 | lists not copied; stopped |
| more lists at first, positions moved on later, 1 | 6200 of 8000 | 0.98/0.98 at 4500; one stage: L2H0, L2H1 and L2H2 copy both names, L2H3 takes the giver's away |
| the same, 2 | 5000 of 8000 | 0.98/0.91; one stage: the same in L2 and L3H2 |
| the same with the attention of the last two layers held from 2800 to 4400, 1 and 2 | 5000 of 8000 | 0.83/0.70 and 0.70/0.46; one stage |
| the same, not held, late layers paying for attention to the last six tokens, 1 and 2 | 5500 of 8000 | chance |
| held as above, and nobody with a name acts before 2800, 1 and 2 | 5000 and 4500 of 8000 | 0.90/0.86, one stage; chance |

The narrow and then the wide course:

| recipe, seed | trained for | outcome |
| --- | --- | --- |
| these two alone, 1 | 6000 + 4000 | two stages (L1H3 -> L2H0, clarity 0.66); new wording 0.960, worst 0.635; pronouns 0.43 |
| and a third at learning rate 2e-3 with the last layer held, 1 | 1500 of 3000 | IOI falls to 0.80/0.85, pronouns not learned; stopped |
| and a third as it is, but of 5000 steps, 1 | 5000 | the last layer takes over, no two stages; new wording 0.912, worst 0.250; pronouns 0.91 |

The courses of the seed 1 that is shipped were run one after another from kept checkpoints, those of seeds 2 and 3 in one piece.
Runs of one seed with the same first half share it: they were continued from one checkpoint. The recipe was found by looking
at seed 1, so that its two stages are selected for: seeds 2 and 3, trained afterwards with the recipe as it is, copy both
names and take one away. After the second course of seed 1 the figures for new wording were seen once; the third was added for pronouns, and shortened after the run of 5000 steps."""
