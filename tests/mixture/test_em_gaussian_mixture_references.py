"""References: numbers that other implementations reached.

Log-likelihoods and BIC of mclust (R; models VVV, EEE, VVI, VII) after EM from class
labels, M-step first, without regularisation, on scikit-learn's bundled tables:
iris; wine, raw; breast_cancer, its first 10 columns, z-scored with ddof 0. The sign of
BIC is scikit-learn's, minus mclust's.
"""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.datasets import load_breast_cancer, load_iris, load_wine
from strategies import initial

from skgen import EMGaussianMixture

# table, covariance type, free parameters, after one M-step, converged, BIC
MCLUST = [
    ("iris", "full", 44, -182.9208486053, -180.1854771313, 580.83890720),
    ("iris", "tied", 24, -256.6461842549, -256.3540431256, 632.96333331),
    ("iris", "diag", 26, -309.3627578939, -306.8604605062, 743.99743866),
    ("iris", "spherical", 17, -392.4984144985, -384.3140950608, 853.80899012),
    ("wine", "full", 314, -2782.2613405203, -2781.2441281679, 7189.56829113),
    ("wine", "tied", 132, -3172.3999682977, -3171.2292779472, 7026.45398453),
    ("wine", "diag", 80, -3299.0539093374, -3294.2618762069, 7003.06643644),
    ("wine", "spherical", 44, -11772.3378632187, -11183.5173990900, 22595.03327439),
    ("cancer", "full", 131, -1453.9077575705, -1394.5580011999, 3620.16433927),
    ("cancer", "tied", 76, -2396.7395883954, -2304.5978368671, 5091.33058673),
    ("cancer", "diag", 41, -6432.5402303909, -6315.9556679380, 12892.01043368),
    ("cancer", "spherical", 23, -6866.8234950154, -6776.8482776502, 13699.60580529),
]


def load(name):
    loader = {"iris": load_iris, "wine": load_wine, "cancer": load_breast_cancer}[name]
    X, labels = loader(return_X_y=True)
    if name == "cancer":
        X = X[:, :10]
        X = (X - X.mean(axis=0)) / X.std(axis=0)
    return X, labels


def mixture_from_labels(X, labels, covariance_type, **parameters):
    start = initial(X, labels, covariance_type)
    return EMGaussianMixture(
        len(start["weights_init"]),
        covariance_type=covariance_type,
        **{**start, "reg_covar": 0.0, "tol": 1e-13, **parameters},
    )


@pytest.mark.parametrize(
    ("name", "covariance_type", "df", "after_one", "converged", "bic"), MCLUST
)
@pytest.mark.parametrize("acceleration", ["squarem", None])
def test_em_from_labels_converges_to_mclusts_likelihood(
    name, covariance_type, df, after_one, converged, bic, acceleration
):
    X, labels = load(name)
    mixture = mixture_from_labels(X, labels, covariance_type, acceleration=acceleration)
    mixture.fit(X)
    assert mixture.converged_
    assert mixture.lower_bound_ * len(X) == pytest.approx(converged, abs=1e-6)
    assert mixture.score(X) * len(X) == pytest.approx(converged, abs=1e-6)
    assert mixture.bic(X) == pytest.approx(bic, abs=1e-6)
    n_parameters = (mixture.aic(X) + 2 * converged) / 2
    assert n_parameters == pytest.approx(df, abs=1e-5)


@pytest.mark.parametrize(
    ("name", "covariance_type", "df", "after_one", "converged", "bic"), MCLUST
)
def test_m_step_from_labels_is_mclusts(
    name, covariance_type, df, after_one, converged, bic
):
    X, labels = load(name)
    start = mixture_from_labels(X, labels, covariance_type, max_iter=0).fit(X)
    assert start.score(X) * len(X) == pytest.approx(after_one, abs=1e-6)


@pytest.mark.parametrize(
    ("name", "covariance_type", "df", "after_one", "converged", "bic"), MCLUST
)
def test_default_tolerance_and_regularisation_lose_little(
    name, covariance_type, df, after_one, converged, bic
):
    X, labels = load(name)
    mixture = mixture_from_labels(
        X, labels, covariance_type, tol=1e-8, reg_covar="auto"
    ).fit(X)
    assert mixture.lower_bound_ * len(X) == pytest.approx(converged, abs=1e-3)


def test_single_gaussian_is_the_mean_and_covariance_of_the_rows():
    X, _ = load("wine")
    mixture = EMGaussianMixture().fit(X)
    assert_allclose(mixture.means_[0], X.mean(axis=0), rtol=1e-10)
    assert_allclose(mixture.covariances_[0], np.cov(X.T, bias=True), rtol=1e-8)
    log_determinant = np.linalg.slogdet(2 * np.pi * np.e * np.cov(X.T, bias=True))[1]
    assert mixture.score(X) == pytest.approx(-0.5 * log_determinant, rel=1e-10)


def test_two_rows_of_numbers_by_hand():
    # One column, rows -1 and 1, one component: mean 0, variance 1.
    mixture = EMGaussianMixture().fit([[-1.0], [1.0]])
    assert mixture.means_[0, 0] == pytest.approx(0.0, abs=1e-12)
    assert mixture.covariances_[0, 0, 0] == pytest.approx(1.0)
    expected = -0.5 * (np.log(2 * np.pi) + 1.0)
    assert_allclose(mixture.score_samples([[-1.0], [1.0]]), expected)
    # log n = log 2, 2 parameters: BIC = -2 log L + 2 log 2.
    assert mixture.bic([[-1.0], [1.0]]) == pytest.approx(-4 * expected + 2 * np.log(2))


@pytest.mark.parametrize("covariance_type", ["full", "tied", "diag", "spherical"])
def test_icl_is_the_bic_less_the_certainty_of_the_labels(covariance_type):
    # Biernacki, Celeux and Govaert (2000), as mclust's icl() has it.
    X, labels = load("iris")
    mixture = mixture_from_labels(X, labels, covariance_type).fit(X)
    certainty = np.log(mixture.predict_proba(X).max(axis=1)).sum()
    assert mixture.icl(X) == pytest.approx(mixture.bic(X) - 2 * certainty)
    assert mixture.icl(X) >= mixture.bic(X)
