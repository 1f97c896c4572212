"""Keys and values that are never put together: every product and view equals that of the whole tensor."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from transformers.models.llama.modeling_llama import repeat_kv

from circuitcheck.engines.joined import Joined, joined

BATCH, GROUPS, WIDTH = 3, 2, 5


def parts(copies: int = 4, before: int = 6, fresh: int = 2) -> tuple[Joined, Tensor]:
    """A joined tensor, and the same as one."""
    generator = torch.Generator().manual_seed(copies + 10 * before + 100 * fresh)
    early = torch.randn(BATCH, GROUPS, before, WIDTH, generator=generator, dtype=torch.float64)
    late = torch.randn(copies * BATCH, GROUPS, fresh, WIDTH, generator=generator, dtype=torch.float64)
    return Joined(early, late), torch.cat([early.repeat(copies, 1, 1, 1), late], dim=2)


def drawn(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def whole(value: Any) -> Tensor:
    return value.whole() if isinstance(value, Joined) else value


@given(st.integers(1, 5), st.integers(1, 7), st.integers(1, 4))
def test_scores_and_mixtures_are_those_of_the_whole(copies: int, before: int, fresh: int) -> None:
    apart, together = parts(copies, before, fresh)
    queries, pattern = (
        drawn(copies * BATCH, GROUPS, 3, WIDTH),
        drawn(copies * BATCH, GROUPS, 3, before + fresh),
    )
    scores = torch.matmul(queries, apart.transpose(-2, -1))
    torch.testing.assert_close(scores, queries @ together.mT, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(torch.matmul(pattern, apart), pattern @ together, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("repeat", [repeat_kv, lambda value, times: value.repeat_interleave(times, dim=1)])
def test_heads_of_a_group_are_repeated_part_by_part(repeat: Callable[[Any, int], Any]) -> None:
    apart, together = parts()
    found = repeat(apart, 3)
    assert isinstance(found, Joined), "still apart"
    assert found.shape == (12, 6, 8, WIDTH)
    torch.testing.assert_close(found.whole(), repeat_kv(together, 3), rtol=0, atol=0)
    queries = drawn(12, 6, 1, WIDTH)
    expected = queries @ repeat_kv(together, 3).mT
    torch.testing.assert_close(torch.matmul(queries, found.transpose(2, 3).transpose(-1, -2).transpose(-2, -1)),
                               expected, rtol=1e-12, atol=1e-12)  # fmt: skip


@pytest.mark.parametrize(
    "use",
    [
        lambda value: value[:, :, :3],
        lambda value: value[..., 0],
        lambda value: value.transpose(1, 2),
        lambda value: value.transpose(-2, -1)[:, :, 1],
        lambda value: value.repeat_interleave(2, dim=0),
        lambda value: value.expand(12, GROUPS, 8, WIDTH),
        lambda value: value.reshape(12, -1),
        lambda value: value.sum(2),
        lambda value: value.to(torch.float32),
        lambda value: torch.matmul(value, drawn(WIDTH, 2)),
        lambda value: torch.matmul(drawn(12, GROUPS, 1, 8), other=value),
        lambda value: torch.matmul(drawn(8), value),
        lambda value: torch.cat([drawn(12, GROUPS, 8, WIDTH), value]),
        lambda value: value[torch.arange(12) > 3],
        lambda value: value * 0.5,
        lambda value: value * drawn(12, GROUPS, 8, WIDTH),
        lambda value: torch.cat([drawn(12, GROUPS, 8, WIDTH), torch.nn.functional.softmax(value, dim=-1)]),
        lambda value: torch.einsum("rgpw, rgqw -> rgpq", value.clone(), drawn(12, GROUPS, 4, WIDTH)),
    ],
)
def test_whatever_else_is_asked_of_it_sees_one_tensor(use: Callable[[Any], Any]) -> None:
    apart, together = parts()
    torch.testing.assert_close(whole(use(apart)), use(together), rtol=1e-12, atol=1e-12)


def test_without_earlier_tokens_there_is_nothing_to_join() -> None:
    fresh = drawn(2, GROUPS, 3, WIDTH)
    assert joined(fresh[:, :, :0], fresh) is fresh


def test_products_leave_the_parts_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    apart, _ = parts()
    monkeypatch.setattr(Joined, "whole", lambda _: pytest.fail("put together"))
    queries, pattern = drawn(12, GROUPS, 1, WIDTH), drawn(12, GROUPS, 1, 8)
    torch.matmul(queries, apart.transpose(-2, -1))
    torch.matmul(queries, apart.transpose(2, 3))
    torch.matmul(pattern, apart)
    pattern @ apart
