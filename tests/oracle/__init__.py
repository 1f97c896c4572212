"""An independent oracle: fixed interventions recomputed with plain hooks on the Hugging Face module.

`network`, `dictionary`, `interventions`, `steering`, `paths`, `keeping`, `readings` and `oracle` import only torch, transformers, safetensors, numpy
and the standard library, so that they and the engines cannot share one mistake. They are slow and plain on purpose:
one prompt at a time, whole prompts, in double precision.
"""
