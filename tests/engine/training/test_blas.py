"""Products of matrices in compiled functions, against torch's in float64."""

from __future__ import annotations

import math
import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.training.compiled.blas import MULTIPLIES_BFLOAT16, add_product, product, transposed_product
from engine.training.compiled.brgemm import INTERLEAVES, release
from engine.training.compiled.packing import Packing
from engine.training.compiled.rounding import operand, round_to

TYPES = [torch.float32, *([torch.bfloat16] if MULTIPLIES_BFLOAT16 else [])]
SIZES = [(1, 1, 1), (2, 3, 5), (16, 64, 8), (7, 130, 33)]


def sides(rows: int, inner: int, columns: int, dtype: torch.dtype) -> tuple[torch.Tensor, torch.Tensor]:
    random = torch.Generator().manual_seed(rows * inner * columns)
    return torch.randn(rows, inner, generator=random).to(dtype), torch.randn(inner, columns, generator=random).to(dtype)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize(("rows", "inner", "columns"), SIZES)
def test_products_are_those_of_float64_to_rounding(rows: int, inner: int, columns: int, dtype: torch.dtype) -> None:
    left, right = sides(rows, inner, columns, dtype)
    expected = (left.double() @ right.double()).numpy()
    to = np.full((rows, columns), 3, np.float32)
    product(operand(left), operand(right), to)
    np.testing.assert_allclose(to, expected, rtol=1e-5, atol=1e-5 * math.sqrt(inner))
    add_product(operand(left), operand(right), to)
    np.testing.assert_allclose(to, 2 * expected, rtol=1e-5, atol=2e-5 * math.sqrt(inner))
    transposed_product(operand(left.t().contiguous()), operand(right), to)
    np.testing.assert_allclose(to, expected, rtol=1e-5, atol=1e-5 * math.sqrt(inner))


@settings(deadline=None)
@given(st.lists(st.floats(width=32, allow_nan=False), min_size=1, max_size=40))
def test_rounding_is_torchs(numbers: list[float]) -> None:
    values = torch.tensor(numbers, dtype=torch.float32)
    rounded = torch.empty(len(numbers), dtype=torch.bfloat16)
    round_to(values.numpy(), operand(rounded))
    assert torch.equal(rounded, values.bfloat16())


def test_what_is_not_a_number_stays_so() -> None:
    rounded = torch.empty(2, dtype=torch.bfloat16)
    round_to(np.array([np.nan, -np.nan], np.float32), operand(rounded))
    assert bool(rounded.isnan().all())


def test_float32_is_left_as_it_is() -> None:
    values = torch.randn(5)
    before = values.clone()
    round_to(values.numpy(), operand(values))
    assert torch.equal(values, before)


WITHOUT_TORCHS = """
import numpy, torch
torch.__file__ = "/nowhere/torch/__init__.py"
from engine.training.compiled import blas
left, right, to = numpy.ones((2, 3), "float32"), numpy.full((3, 4), 2, "float32"), numpy.zeros((2, 4), "float32")
blas.product(left, right, to)
print(blas.MULTIPLIES_BFLOAT16, to.tolist() == [[6.0] * 4] * 2)
"""


def test_where_torch_shows_no_products_scipys_are_taken() -> None:
    ran = subprocess.run([sys.executable, "-c", WITHOUT_TORCHS], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["False", "True"]


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize(("rows", "inner", "columns"), [*SIZES, (3, 1, 4), (3, 4, 1)])
def test_a_packed_weight_multiplies_as_it_did(
    rows: int, inner: int, columns: int, turned: bool, dtype: torch.dtype
) -> None:
    left, _ = sides(rows, inner, columns, dtype)
    packing = Packing()
    for seed in range(2):
        random = torch.Generator().manual_seed(seed)
        weight = torch.randn(*((columns, inner) if turned else (inner, columns)), generator=random)
        weight = weight.t() if turned else weight
        to = np.full((rows, columns), 3, np.float32)
        add_product(operand(left), packing.pack(weight, rows, dtype), to)
        expected = 3 + left.double() @ weight.to(dtype).double()
        np.testing.assert_allclose(to, expected.numpy(), rtol=1e-5, atol=1e-5 * math.sqrt(inner))


BOUNDED = """
import torch
from engine.training.compiled import brgemm
from engine.training.compiled.brgemm import INTERLEAVES, release
from engine.training.compiled.packing import Packing
print(brgemm.INTERLEAVES, Packing().pack(torch.ones(4, 3), 2, torch.bfloat16).shape)
"""


@pytest.mark.skipif(not MULTIPLIES_BFLOAT16, reason="there is no product of bfloat16 here")
def test_where_a_user_bounds_the_instructions_weights_are_not_interleaved() -> None:
    environment = {**os.environ, "ONEDNN_MAX_CPU_ISA": "AVX2"}
    ran = subprocess.run([sys.executable, "-c", BOUNDED], capture_output=True, text=True, check=True, env=environment)
    assert ran.stdout.split() == ["False", "(4,", "3)"]


@pytest.mark.skipif(not INTERLEAVES, reason="this processor has no products with interleaved weights")
@pytest.mark.parametrize("rows", [1, 8, 16, 40])
def test_other_products_of_the_same_thread_stay_right_between_interleaved_ones(rows: int) -> None:
    random = torch.Generator().manual_seed(rows)
    left, weight = torch.randn(rows, 32, generator=random).bfloat16(), torch.randn(32, 48, generator=random)
    for _ in range(3):
        to = np.zeros((rows, 48), np.float32)
        packed = Packing().pack(weight, rows, torch.bfloat16)
        add_product(operand(left), packed, to)
        release(packed)
        expected = left.double() @ weight.bfloat16().double()
        np.testing.assert_allclose(to, expected.numpy(), rtol=1e-5, atol=1e-4)
        torch.testing.assert_close(left @ weight.bfloat16(), expected.bfloat16(), rtol=2e-2, atol=2e-2)
        assert packed.shape == (16, 48, 2)


NOT_COMPILED = """
import torch
from engine.network.compute import Compute
from engine.settings import Settings
from engine.training.trainer import _loops
ways = [Compute(torch.device("cpu"), each, 1, compiled=True) for each in (torch.float32, torch.bfloat16)]
print([_loops(each, Settings()) for each in ways])
"""


def test_there_are_no_loops_where_a_user_told_numba_not_to_compile() -> None:
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    command = [sys.executable, "-c", NOT_COMPILED]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert ran.stdout.strip() == "[0, 0]"
