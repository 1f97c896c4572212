"""Three architectures, small enough to be built in a moment."""

from transformers import GPT2Config, GPTNeoXConfig, LlamaConfig

VOCABULARY, LENGTH, PROMPTS = 100, 16, 6
CONFIGS = {
    "gpt2": GPT2Config(
        n_layer=4, n_embd=32, n_head=4, n_positions=64, vocab_size=VOCABULARY, bos_token_id=0, eos_token_id=0
    ),
    "neox": GPTNeoXConfig(
        num_hidden_layers=4, hidden_size=32, num_attention_heads=4, intermediate_size=96,
        vocab_size=VOCABULARY, bos_token_id=0, eos_token_id=0,
    ),
    "llama": LlamaConfig(
        num_hidden_layers=4, hidden_size=32, num_attention_heads=4, num_key_value_heads=2, intermediate_size=88,
        vocab_size=VOCABULARY, bos_token_id=0, eos_token_id=0,
    ),
}  # fmt: skip
