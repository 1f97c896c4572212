"""Engines: the only part that imports torch; they load models and dictionaries, and measure plans.

In: directories, bridges, `Plan`s. Out: `LensEngine`, which answers `circuitcheck.engine.Engine`.
"""

from circuitcheck.engines.dictionaries import Dictionary, DictionaryFolder
from circuitcheck.engines.execution import LensEngine
from circuitcheck.engines.models import LensModel, load_model, wrap_model
from circuitcheck.engines.saelens import load_dictionary
from circuitcheck.engines.sources import resample_donors

__all__ = [
    "Dictionary",
    "DictionaryFolder",
    "LensEngine",
    "LensModel",
    "load_dictionary",
    "load_model",
    "resample_donors",
    "wrap_model",
]
