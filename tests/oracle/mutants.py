"""Planted faults: each breaks one convention, in the engine or in what it is asked.

`cases` are the cases that are measured with the fault; at least one of their numbers must then differ.
"""

from __future__ import annotations

from dataclasses import dataclass

from oracle import faulty_engines as engines
from oracle import faulty_questions as questions
from oracle.faulty_questions import Plant


@dataclass(frozen=True)
class Mutant:
    """One fault: how it is planted, and the cases (by name) that are measured with it."""

    fault: str
    model: str
    cases: tuple[str, ...]
    plant: Plant


_TWO_LAYERS = "features of two layers, error "

MUTANTS = (
    Mutant("BOS is dropped", "gpt2", ("a head zeroed",), questions.without_bos),
    Mutant("BOS is dropped from a Llama", "llama", ("heads zeroed",), questions.without_bos),
    Mutant("roles do not count BOS", "gpt2", ("a head zeroed",), questions.roles_that_forget_bos),
    Mutant("a role is off by one", "gpt2", ("corrupt heads patched into clean",), questions.role_off_by_one),
    Mutant("an index counts BOS", "llama", ("only some heads kept",), engines.index_counts_bos),
    Mutant("donors are clean", "gpt2", ("heads resampled",), questions.donors_from_clean),
    Mutant("donors come from another cell", "gpt2", ("heads resampled",), engines.donor_of_any_cell),
    Mutant("nodes do not share their donor", "gpt2", ("an MLP resampled",), questions.donors_not_shared),
    Mutant(
        "the mean is over all cells", "gpt2", ("a head at its mean everywhere",), engines.mean_over_all_cells
    ),
    Mutant(
        "the mean of features is over all cells",
        "llama",
        ("head features at their mean",),
        engines.mean_over_all_cells,
    ),
    Mutant(
        "the mean is over the prompts",
        "gpt2",
        ("a head at its mean everywhere",),
        questions.mean_over_the_prompts_themselves,
    ),
    Mutant("the mean is over clean prompts", "gpt2", ("only some heads kept",), questions.mean_over_clean),
    Mutant(
        "L.attn leaves b_O",
        "gpt2",
        ("attention output zeroed, bias and all",),
        engines.attention_without_its_bias,
    ),
    Mutant(
        "only the MLP sees resid_mid",
        "gpt2",
        ("the middle residual stream resampled from clean donors",),
        engines.residual_branch_misses_resid_mid,
    ),
    Mutant(
        "only the MLP sees features of resid_mid",
        "gpt2",
        ("residual features corrupted",),
        engines.residual_branch_misses_resid_mid,
    ),
    Mutant(
        "neurons before GELU",
        "gpt2",
        ("neurons at their mean",),
        engines.neurons_before_the_activation_function,
    ),
    Mutant(
        "a query head reads group h % n",
        "llama",
        ("one head's own copy of a key",),
        engines.group_by_remainder,
    ),
    Mutant(
        "a private copy is shared",
        "llama",
        ("one head's own copy of a key",),
        engines.private_copy_is_the_groups,
    ),
    Mutant("keep ablates BOS", "llama", ("only some heads kept",), engines.bos_is_ablated_too),
    Mutant(
        "a transcoder reads ln2 after its weight and bias",
        "gpt2",
        ("transcoder features at their mean",),
        engines.transcoder_reads_after_the_norms_weight,
    ),
    Mutant(
        "a transcoder reads an RMS norm after its weight",
        "llama",
        ("transcoder features corrupted, error frozen at clean",),
        engines.transcoder_reads_after_the_norms_weight,
    ),
    Mutant(
        "b_dec is not subtracted",
        "gpt2",
        ("residual features corrupted",),
        engines.decoder_bias_not_subtracted,
    ),
    Mutant("the threshold is ignored", "gpt2", ("head features zeroed",), engines.threshold_ignored),
    Mutant(
        "a feature edit drops the error",
        "gpt2",
        ("head features zeroed",),
        questions.the_reconstruction_goes_in,
    ),
    Mutant(
        "f is read on the clean run",
        "gpt2",
        (f"{_TWO_LAYERS}live",),
        engines.features_read_on_the_untouched_run,
    ),
    Mutant(
        "the policy clean is ignored",
        "gpt2",
        (f"{_TWO_LAYERS}frozen at clean",),
        engines.error_policy_ignored,
    ),
    Mutant(
        "the policy reference is ignored",
        "gpt2",
        (f"{_TWO_LAYERS}replaced too",),
        engines.error_policy_ignored,
    ),
    Mutant("the policy drop is ignored", "gpt2", (f"{_TWO_LAYERS}dropped",), engines.error_policy_ignored),
    Mutant(
        "writes take the ablated run's scale",
        "gpt2",
        ("only some heads kept",),
        engines.scale_of_the_intervened_run,
    ),
    Mutant(
        "writes take it in a Llama", "llama", ("only some heads kept",), engines.scale_of_the_intervened_run
    ),
    Mutant(
        "kl is the other way round",
        "gpt2",
        ("a head zeroed",),
        engines.metric("kl", engines.kl_the_other_way),
    ),
    Mutant(
        "only the first foil counts",
        "gpt2",
        ("a head zeroed",),
        engines.metric("logit_diff", engines.first_foil_only),
    ),
    Mutant("set adds", "gpt2", ("a feature set in the place of the reconstruction",), engines.set_adds),
    Mutant(
        "a weakened head takes the others along",
        "gpt2",
        ("a head and a stream weakened",),
        engines.heads_are_steered_with_their_bias,
    ),
    Mutant(
        "everybody reads what a query reads",
        "gpt2",
        ("what a query reads of a head and a transcoder feature",),
        engines.everybody_reads_the_route,
    ),
    Mutant(
        "everybody reads what keys, values and an MLP read",
        "gpt2",
        ("what keys, values and an MLP read of several senders",),
        engines.everybody_reads_the_route,
    ),
    Mutant(
        "a key that is routed is its group's",
        "llama",
        ("what one head's own key reads of a head",),
        engines.a_routed_key_is_the_groups,
    ),
    Mutant(
        "senders are read on the untouched run",
        "gpt2",
        ("what keys, values and an MLP read of several senders",),
        engines.senders_are_read_on_the_untouched_run,
    ),
    Mutant(
        "frozen means clean",
        "gpt2",
        ("a path into the clean run, all else frozen at corrupt",),
        engines.frozen_at_the_clean_run,
    ),
    Mutant(
        "receivers are frozen too",
        "llama",
        ("a frozen path through a private key, MLPs live",),
        engines.receivers_are_frozen_too,
    ),
    Mutant("frozen MLPs are live", "gpt2", ("direct paths to the logits",), questions.frozen_mlps_are_live),
    Mutant("nothing is frozen", "gpt2", ("heads frozen, MLPs live",), questions.nothing_is_frozen),
    Mutant(
        "a late change enters at its node",
        "gpt2",
        ("a head and a feature deleted late",),
        questions.the_change_enters_at_the_node,
    ),
    Mutant(
        "a change that is taken back stays",
        "gpt2",
        ("resampled heads taken back",),
        questions.the_change_stays,
    ),
)
