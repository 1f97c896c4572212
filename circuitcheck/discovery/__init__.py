"""Discovery: from prompts and a model to nodes worth a claim, and to a circuit file that claims them.

    scores       what every method gives        scan              exact patching, node by node
    gradients    passes with a backward pass    attribution       nodes by gradients
    wiring       who reads whom                 edge_attribution  edges by gradients
    cutting      passes with edges cut          acdc              edges cut one after the other
    choosing     from scores to a circuit       faithfulness      how much sets of nodes recover
    splitting    three parts of the prompts     placing           thresholds that fresh checks meet
    stages       groups of a proposal           proposing         from a model to a proposal
    reviewing    a human's changes to it        proposal_text     the proposal as a circuit file
    bench        methods against planted circuits

A further method is a module that gives `Scores`.
"""

from circuitcheck.discovery.scan import Scan, active_features, exact_scores, heads_of, scan
from circuitcheck.discovery.scores import Edge, Scores, auroc

__all__ = ["Edge", "Scan", "Scores", "active_features", "auroc", "exact_scores", "heads_of", "scan"]
