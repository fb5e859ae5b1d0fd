"""Devices, threads and seeds, `skgen.neural._device`."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from skgen.neural import (
    chosen_device,
    few_threads,
    generator_on,
    gradients,
    own_chance,
)
from skgen.neural._device import FEW_NUMBERS


def test_auto_is_the_accelerator_where_there_is_one():
    expected = "cuda" if torch.cuda.is_available() else "cpu"
    assert chosen_device("auto").type == expected


def test_a_name_is_torchs():
    assert chosen_device("cpu") == torch.device("cpu")


@pytest.mark.parametrize("name", ["cuda:99", "toaster", "", "mps:7"])
def test_a_device_that_is_absent_is_told_with_what_to_do(name):
    with pytest.raises(ValueError, match=r"not available .* use device='auto'"):
        chosen_device(name)


def test_generators_are_seeded_from_the_random_state_alone():
    before = torch.random.get_rng_state()
    draws = [
        torch.rand(
            3, generator=generator_on(torch.device("cpu"), np.random.RandomState(0))
        )
        for _ in range(2)
    ]
    assert torch.equal(*draws)
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize(("n_numbers", "inside"), [(0, 1), (FEW_NUMBERS, 3)])
def test_threads_are_few_for_few_numbers_and_as_before_afterwards(n_numbers, inside):
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        with few_threads(n_numbers):
            assert torch.get_num_threads() == inside
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)


@pytest.fixture
def three_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


def test_threads_are_as_before_where_several_are_within_at_once(three_threads):
    """The first one in is the first one out; a new thread finds what was found."""
    first_is_in, second_is_in = threading.Event(), threading.Event()
    told = []

    def first():
        with few_threads(0):
            first_is_in.set()
            second_is_in.wait(10)
        told.append(torch.get_num_threads())

    def second():
        with few_threads(0):
            second_is_in.set()
            one.join(10)
        told.append(torch.get_num_threads())

    one, two = threading.Thread(target=first), threading.Thread(target=second)
    one.start()
    first_is_in.wait(10)
    two.start()
    two.join(10)
    new = threading.Thread(target=lambda: told.append(torch.get_num_threads()))
    new.start()
    new.join(10)
    assert told == [3, 3, 3]


def test_own_chance_is_one_threads_at_a_time():
    before = torch.random.get_rng_state()

    def drawn(seed):
        with own_chance(torch.device("cpu"), seed):
            return [torch.rand(()).item() for _ in range(200)]

    alone = drawn(0)
    with ThreadPoolExecutor(4) as pool:
        assert all(each == alone for each in pool.map(drawn, [0] * 20))
    assert torch.equal(torch.random.get_rng_state(), before)


def test_gradients_are_there_where_they_were_switched_off():
    with torch.inference_mode(), gradients():
        weight = torch.ones(1, requires_grad=True)
        (2.0 * weight).sum().backward()
    assert weight.grad.item() == 2.0
