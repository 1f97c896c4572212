"""The 40 fixed interventions: 28 on GPT-2, 12 on a Llama with grouped queries.

Aliases: `z` SAEs on the heads' outputs, `tc` transcoders, `res` and `mid` SAEs on the residual stream before and
after attention.
"""

from __future__ import annotations

from oracle.wording import Case

_TWO_LAYERS = ("L1.tc/2@END", "L1.tc/7@END", "L1.tc/15@END", "L3.z/4@END", "L3.z/9@END", "L3.z/11@END")

GPT2_CASES = (
    Case("a head zeroed", ("L2H1@END",), readings=("prob_diff", "accuracy", "top1", "rank")),
    Case("heads zeroed at several places", ("L0H1@END", "L1H3@S2", "L2H0@all")),
    Case("a head at its mean everywhere", ("L1H1@all",), "mean", readings=("attention L2H1@END S2",)),
    Case(
        "heads resampled",
        ("L0H0@END", "L2H3@END"),
        "resample",
        readings=("prob_diff", "accuracy", "top1", "rank"),
    ),
    Case("heads resampled from their own donors", ("L0H0@S2", "L1H2@END"), "resample", donors="independent"),
    Case(
        "corrupt heads patched into clean",
        ("L0H2@S2", "L0H3@S2"),
        "corrupt",
        readings=("attention L3H1@END S2",),
    ),
    Case("attention output zeroed, bias and all", ("L1.attn@END",)),
    Case("an MLP resampled", ("L0.mlp@S2", "L2.mlp@-1"), "resample"),
    Case("neurons at their mean", ("L2.mlp.n5@END", "L1.mlp.n77@S1+1", "L0.mlp.n3@all"), "mean"),
    Case("corrupt residual stream patched into clean", ("L2.resid@S2",), "corrupt"),
    Case(
        "the middle residual stream resampled from clean donors",
        ("L1.resid_mid@END",),
        "resample",
        over="clean",
    ),
    Case(
        "an embedding replaced by the corrupt one",
        ("embed@S2",),
        "corrupt",
        readings=("attention L0H1@END S2",),
    ),
    Case("a query input resampled", ("L2H1.q@END",), "resample", readings=("attention L2H1@END S1",)),
    Case("key inputs replaced", ("L1H0.k@S1", "L2H0.k@S2"), "corrupt", readings=("attention L2H0@END S2",)),
    Case("value inputs replaced", ("L1H3.v@S2", "L3H2.v@all"), "corrupt"),
    Case("head features zeroed", ("L1.z/3@END", "L1.z/10@END", "L1.z/14@all")),
    Case("a head feature resampled from clean donors", ("L2.z/6@END", "L2.z/8@-2"), "resample", over="clean"),
    Case(
        "transcoder features at their mean",
        ("L0.tc/1@END", "L0.tc/5@all"),
        "mean",
        readings=("activation L2.tc/4@END",),
    ),
    Case(
        "residual features corrupted",
        ("L2.res/2@END", "L2.res/13@S2", "L1.mid/20@END", "L1.mid/4@END"),
        "corrupt",
    ),
    Case("features of two layers, error live", _TWO_LAYERS, "resample", readings=("activation L3.tc/8@END",)),
    Case("features of two layers, error frozen at clean", _TWO_LAYERS, "resample", error="clean"),
    Case("features of two layers, error replaced too", _TWO_LAYERS, "resample", error="reference"),
    Case("features of two layers, error dropped", _TWO_LAYERS, "mean", error="drop"),
    Case("error nodes corrupted", ("L1.z/error@all", "L2.tc/error@END"), "corrupt"),
    Case("dictionaries spliced in", ("L1.z/error@all", "L2.tc/error@END", "L3.res/error@S2"), verb="splice"),
    Case(
        "only some heads kept",
        ("L0H0@S2", "L1H2@END", "L2H1@all", "L3H1@END", "L3H2@all"),
        "mean",
        verb="keep",
        readings=("writes L2H1@END L3H1@END L3.mlp@END", "attention L3H1@END IO"),
    ),
    Case(
        "features, an error and a head kept, MLPs in scope",
        (
            "L0H1@all",
            "L1.z/3@END",
            "L1.z/10@END",
            "L2.z/error@END",
            "L0.tc/5@all",
            "L2.tc/4@END",
            "L2.mlp.n5@END",
            "L3.mlp@all",
        ),
        "resample",
        verb="keep",
        scope="heads+mlps",
        readings=("writes L2.tc/4@END L1.z/3@END L3.mlp.n9@END",),
    ),
    Case(
        "clean heads and features patched into corrupt",
        ("L0H3@S2", "L1.z/3@END", "L1.z/14@END", "L2.tc/4@END", "L3.res/6@END"),
        "clean",
        side="corrupt",
        readings=("prob_diff", "accuracy", "top1", "rank", "writes L3.attn@END"),
    ),
)

LLAMA_CASES = (
    Case("heads zeroed", ("L1H2@END", "L0H1@S2"), readings=("prob_diff", "accuracy", "top1", "rank")),
    Case("a query input corrupted", ("L1H3.q@END",), "corrupt", readings=("attention L1H3@END S2",)),
    Case(
        "keys and values of one group corrupted",
        ("L1G0.k@S2", "L0G1.v@S1"),
        "corrupt",
        readings=("attention L1H1@END S2",),
    ),
    Case(
        "one head's own copy of a key",
        ("L1H2.k@S2", "L1H2.k@IO"),
        "corrupt",
        readings=("attention L1H2@END S2",),
        unmoved=("attention L1H3@END S2",),
    ),
    Case("one head's own copies of values and a key", ("L0H1.v@all", "L0H1.k@0", "L2H3.v@IO"), "resample"),
    Case("an MLP and a neuron at their mean", ("L0.mlp@S2", "L2.mlp.n7@END", "L1.mlp.n30@all"), "mean"),
    Case(
        "attention output and residual stream resampled",
        ("L1.attn@END", "L1.resid@S2", "L0.resid_mid@IO"),
        "resample",
    ),
    Case(
        "head features at their mean",
        ("L1.z/3@END", "L1.z/12@all"),
        "mean",
        readings=("activation L2.tc/17@END",),
    ),
    Case(
        "transcoder features corrupted, error frozen at clean",
        ("L0.tc/5@all", "L2.tc/17@END"),
        "corrupt",
        error="clean",
        readings=("writes L2.tc/17@END L2H1@END", "activation L2.tc/17@END", "attention L1H1@END S1"),
    ),
    Case(
        "only some heads kept",
        ("L0H1@all", "L1H2@END", "L1H3@2", "L2H0@all"),
        "zero",
        verb="keep",
        readings=("writes L2H0@END L2.mlp@END",),
    ),
    Case(
        "a head that outranks features, error live, MLPs in scope",
        ("L0H1@all", "L1H0@END", "L1.z/3@END", "L1.z/12@END", "L0.mlp@all", "L2.tc/17@END", "L2H2@END"),
        "corrupt",
        verb="keep",
        error="live",
        scope="heads+mlps",
    ),
    Case(
        "clean residual features and an embedding patched into corrupt",
        ("embed@IO", "L1.res/4@END", "L1.res/9@S2", "L2.res/17@END"),
        "clean",
        side="corrupt",
        error="drop",
    ),
)
