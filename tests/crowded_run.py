"""As large a run as a page has to hold."""

from dataclasses import replace

from report_samples import CONTROLS, FEATURES, SPANS, claim, ioi, node, run
from verdict_samples import BEHAVIOUR, REFUTED, UNDECIDED


def crowded_run():
    """Two hundred claims, half of them with a hundred controls, on forty features, as a large run has them."""
    column = tuple(4242.125 + row for row in range(480))
    cells = {f"template-{number} {order}": number / 15 for number in range(15) for order in ("ABBA", "BABA")}
    effects = tuple((number * 37 % 100) / 100 for number in range(100))
    controls = replace(CONTROLS, effects=effects)
    verdict = replace(
        REFUTED,
        values={"clean": column, "intervened": column},
        cells=cells,
        controls=controls,
        worst=REFUTED.worst * 2,
    )
    samples = (verdict, BEHAVIOUR, verdict, replace(UNDECIDED, cells=cells))
    names = [f"L{number % 12}.tc/{1000 + number}" for number in range(40)]
    features = [
        FEATURES[0].model_copy(
            update={
                "name": name,
                "groups": [f"group-{number // 8}"],
                "contexts": FEATURES[0].contexts * 3,
                "promotes": FEATURES[0].promotes * 4,
                "suppresses": FEATURES[0].suppresses * 4,
            }
        )
        for number, name in enumerate(names)
    ]
    nodes = [
        node(name, "END", "feature", number % 12, f"group-{number // 8}", "some label")
        for number, name in enumerate(names)
    ]
    return run(
        *(
            ioi(
                [
                    claim(
                        replace(samples[number % 4], claim=f"claim-{number}"),
                        [f"{name}@END" for name in names[2 * number % 40 :][:8]],
                        SPANS,
                        ablate=["group"],
                    )
                    for number in range(20)
                ],
                path=f"{place}.circuit.yaml",
                circuit=f"c{place}",
                features=features if place == 0 else [],
                nodes=nodes,
                edges=[],
            )
            for place in range(10)
        )
    )
