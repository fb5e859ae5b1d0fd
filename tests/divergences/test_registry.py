"""Closed forms that users bring."""

import numpy as np
import pytest
from scipy import stats

from skgen.divergences import _registry, jeffreys_divergence, kl_divergence, register_kl


@pytest.fixture(autouse=True)
def _clean_registry(monkeypatch):
    monkeypatch.setattr(_registry, "_REGISTERED", {})


class Coin:
    def __init__(self, heads):
        self.heads = heads


class LoadedCoin(Coin):
    pass


def coin_kl(p, q):
    return kl_divergence([p.heads, 1 - p.heads], [q.heads, 1 - q.heads])


def test_a_registered_pair_is_exact_and_carries_over_to_jeffreys():
    register_kl(Coin, Coin)(coin_kl)
    result = kl_divergence(Coin(0.5), Coin(0.25), confidence_level=0.95)
    assert (result.value, result.exact) == (coin_kl(Coin(0.5), Coin(0.25)), True)
    both = coin_kl(Coin(0.5), Coin(0.25)) + coin_kl(Coin(0.25), Coin(0.5))
    assert jeffreys_divergence(Coin(0.5), Coin(0.25)) == pytest.approx(both)


def test_the_most_derived_registration_wins():
    register_kl(Coin, Coin)(lambda p, q: 1.0)
    register_kl(LoadedCoin, Coin)(lambda p, q: 2.0)
    register_kl(Coin, LoadedCoin)(lambda p, q: 3.0)
    assert kl_divergence(Coin(0.5), Coin(0.5)) == 1.0
    assert kl_divergence(LoadedCoin(0.5), Coin(0.5)) == 2.0
    assert kl_divergence(Coin(0.5), LoadedCoin(0.5)) == 3.0
    assert kl_divergence(LoadedCoin(0.5), LoadedCoin(0.5)) == 2.0


def test_a_registration_for_a_family_of_scipy_comes_before_ours():
    register_kl(type(stats.norm), type(stats.norm))(lambda p, q: 42.0)
    assert kl_divergence(stats.norm(0, 1), stats.norm(1, 2)) == 42.0


def test_the_decorator_returns_the_function():
    assert register_kl(Coin, Coin)(coin_kl) is coin_kl


def test_an_unregistered_class_is_refused_with_the_remedy():
    with pytest.raises(TypeError, match=r"type Coin.*register_kl"):
        kl_divergence(Coin(0.5), Coin(0.5))


def test_what_is_no_class_cannot_be_registered():
    with pytest.raises(TypeError, match="P must be a class"):
        register_kl(stats.norm(0, 1), Coin)


@pytest.mark.parametrize("wrong", [np.nan, -1.0])
def test_a_closed_form_that_is_no_divergence_is_refused(wrong):
    register_kl(Coin, Coin)(lambda p, q: wrong)
    with pytest.raises(ValueError, match="registered for Coin and Coin"):
        kl_divergence(Coin(0.5), Coin(0.5))
