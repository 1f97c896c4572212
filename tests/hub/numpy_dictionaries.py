"""Toy dictionaries with their definitions written out in numpy, and nothing of the package.

SAE: f = act((x - b_dec) W_enc + b_enc), x' = f W_dec + b_dec. Transcoder: nothing is subtracted, and a skip adds
x W_skip^T. The activation is ReLU (standard), ReLU behind a gate (Rajamanoharan et al. 2024a), the k largest
(Gao et al. 2024), those above a threshold of each feature (Rajamanoharan et al. 2024b), or above one threshold for
all of them (Bussmann et al. 2024).
"""

import json

import numpy as np
from safetensors.numpy import save_file

WIDTH, SIZE, K, CUT = 16, 24, 5, 0.7
HOOK = {"z": "attn.hook_z", "resid": "hook_resid_pre"}


class ToyDictionary:
    """Random weights of one kind for one layer; `scaled` measures activations in units of decoder rows."""

    def __init__(self, kind, *, layer=0, site="z", seed=0, width=WIDTH, scaled=False):
        self.kind, self.layer, self.site, self.width, self.scaled = kind, layer, site, width, scaled
        rng = np.random.default_rng(seed)
        shapes = {"W_enc": (width, SIZE), "W_dec": (SIZE, width), "b_dec": (width,), "b_enc": (SIZE,)}
        if kind == "gated":
            del shapes["b_enc"]
            shapes |= dict.fromkeys(("b_gate", "r_mag", "b_mag"), (SIZE,))
        if kind == "skip_transcoder":
            shapes["W_skip"] = (width, width)
        self.w = {name: 0.5 * rng.standard_normal(shape).astype("float32") for name, shape in shapes.items()}
        if kind.startswith("jumprelu"):
            self.w["threshold"] = rng.uniform(0.1, 1, SIZE).astype("float32")
        if kind == "batchtopk":
            self.w["topk_threshold"] = np.array(CUT, dtype="float32")

    def code(self, x):
        """Every feature's activation for rows of inputs, as the dictionary's own units have it."""
        w = self.w
        x = x if "transcoder" in self.kind else x - w["b_dec"]
        if self.kind == "gated":
            open_gate = x @ w["W_enc"] + w["b_gate"] > 0
            return open_gate * np.maximum(x @ (w["W_enc"] * np.exp(w["r_mag"])) + w["b_mag"], 0)
        pre = (x @ w["W_enc"] + w["b_enc"]) * self._norms
        if self.kind == "topk":
            kept = pre >= np.sort(pre, axis=-1)[:, -K][:, None]
            return np.where(kept, np.maximum(pre, 0), 0)
        return np.where(pre > w.get("topk_threshold", w.get("threshold", 0)), np.maximum(pre, 0), 0)

    def made(self, x):
        """The reconstruction."""
        whole = self.code(x) / self._norms @ self.w["W_dec"] + self.w["b_dec"]
        return whole + x @ self.w["W_skip"].T if "W_skip" in self.w else whole

    def save(self, folder, *, layout=6):
        """cfg.json and sae_weights.safetensors as SAELens 6 writes them, or as versions before it did."""
        folder.mkdir(parents=True, exist_ok=True)
        save_file(self.w, folder / "sae_weights.safetensors")
        config = self._config() if layout == 6 else self._old_config()
        (folder / "cfg.json").write_text(json.dumps(config), encoding="utf-8")
        return folder

    @property
    def _norms(self):
        return np.linalg.norm(self.w["W_dec"], axis=1) if self.scaled else np.ones(SIZE, dtype="float32")

    def _config(self):
        is_transcoder = "transcoder" in self.kind
        hook = f"blocks.{self.layer}.{HOOK[self.site]}"
        names = {"hook_name": hook}
        if is_transcoder:
            names = {
                "hook_name": f"blocks.{self.layer}.ln2.hook_normalized",
                "hook_name_out": f"blocks.{self.layer}.hook_mlp_out",
            }
        return {
            "architecture": self.kind, "d_in": self.width, "d_sae": SIZE, "dtype": "float32", "device": "cpu",
            "apply_b_dec_to_input": not is_transcoder, "normalize_activations": "none",
            "reshape_activations": "hook_z" if self.site == "z" and not is_transcoder else "none",
            **({"d_out": self.width} if is_transcoder else {}),
            **({"k": K, "rescale_acts_by_decoder_norm": self.scaled} if "topk" in self.kind else {}),
            "metadata": {"model_name": "gpt2", "sae_lens_version": "6.54.12", **names},
        }  # fmt: skip

    def _old_config(self):
        return {
            "d_in": self.width, "d_sae": SIZE, "dtype": "torch.float32", "device": "cpu", "model_name": "gpt2",
            "hook_point": f"blocks.{self.layer}.{HOOK[self.site]}", "hook_point_layer": self.layer,
            "hook_point_head_index": None, "activation_fn_str": "relu", "normalize_activations": False,
            "apply_b_dec_to_input": True,
        }  # fmt: skip


def exact_dictionary(folder, *, layer):
    """An SAE of z that reconstructs everything: a feature for each direction there and back."""
    made = ToyDictionary("standard", layer=layer)
    both = np.concatenate([np.eye(WIDTH), -np.eye(WIDTH)]).astype("float32")
    made.w = {
        "W_enc": both.T.copy(), "W_dec": both, "b_dec": np.zeros(WIDTH, "float32"),
        "b_enc": np.zeros(2 * WIDTH, "float32"),
    }  # fmt: skip
    made.save(folder)
    config = json.loads((folder / "cfg.json").read_text())
    (folder / "cfg.json").write_text(json.dumps({**config, "d_sae": 2 * WIDTH}))
    return folder
