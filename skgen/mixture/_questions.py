"""What a fitted mixture says of columns given others, and of its own parameters."""

from functools import partial
from numbers import Integral

import numpy as np
from sklearn.utils.validation import check_is_fitted

from .._sklearn import generator_of, in_configured_container, keep_container
from ..gaussian import STRUCTURES, Evaluation, factor_means
from ._asked_columns import given_values, positions_of
from ._bootstrap import bootstrap
from ._conditional import conditional_parameters, marginal_parameters


class MixtureQuestions:
    """Imputation, factors, conditionals, marginals and the bootstrap of a mixture.

    The class that has these among its bases brings ``_parameters``, ``_ask`` and
    ``_validated``: see `GaussianMixtureBase`.
    """

    def impute(self, X, *, n_draws=None, random_state=None):
        r"""Fill in missing cells, NaN, from :math:`p(x_\mathrm{mis} | x_\mathrm{obs})`.

        With the observed cells :math:`o` of a row and its missing ones :math:`m`, the
        mean is [1]_

        .. math::

            \sum_k p(k \mid x_o) \bigl(\mu_{k,m} + \Sigma_{k,mo} \Sigma_{k,oo}^{-1}
            (x_o - \mu_{k,o})\bigr).

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows; NaN is to be filled in.

        n_draws : int, default=None
            None returns conditional means, which have no spread; a number asks for so
            many multiple imputations [2]_, each a draw.

        random_state : int, RandomState instance or None, default=None
            Seed of the draws; None takes the estimator's. Means are not random.

        Returns
        -------
        X_imputed : ndarray of shape (n_samples, n_features)
            Observed cells as they were. For `n_draws`, of shape (n_draws, n_samples,
            n_features). Where `set_output` chose a container and the mixture was
            fitted on named columns, a table with these names, or a list of `n_draws`
            tables.

        Raises
        ------
        ValueError
            Where `n_draws` is below 1.

        References
        ----------
        .. [1] Ghahramani, Z. and Jordan, M. I. (1993). "Supervised learning from
           incomplete data via an EM approach". NIPS 6.
        .. [2] Rubin, D. B. (1987). "Multiple Imputation for Nonresponse in Surveys".
           Wiley. :doi:`10.1002/9780470316696`

        Examples
        --------
        >>> import numpy as np
        >>> from skgen import EMGaussianMixture
        >>> X = np.array([[0.0, 0.1], [1.0, 0.9], [2.0, 2.1], [3.0, np.nan]])
        >>> EMGaussianMixture().fit(X).impute(X)[3].round(2)
        array([3.  , 3.03])
        """
        X = self._validated(X)
        if n_draws is None:
            filled = self._ask(X, Evaluation.completed)
            return in_configured_container(filled.astype(X.dtype, copy=False), self)
        if not isinstance(n_draws, Integral) or n_draws < 1:
            raise ValueError(
                f"n_draws must be None or an int of at least 1, got {n_draws!r}."
            )
        generator = generator_of(
            self.random_state if random_state is None else random_state
        )
        drawn = [
            self._ask(X, partial(Evaluation.completed, generator=generator)).astype(
                X.dtype
            )
            for _ in range(n_draws)
        ]
        tables = [in_configured_container(each, self) for each in drawn]
        return np.stack(drawn) if tables[0] is drawn[0] else tables

    def factor_scores(self, X, *, component=None):
        r"""What the factors of each row are likely to be, for 'factor' covariances.

        The posterior mean of the factors z of :math:`x = \mu_k + \Lambda_k z +
        \varepsilon`,

        .. math::

            \mathrm E[z \mid x, k] = (I + \Lambda_k^T \Psi_k^{-1} \Lambda_k)^{-1}
            \Lambda_k^T \Psi_k^{-1} (x - \mu_k):

        a few numbers that say where a row lies within its component.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows, without missing cells: `impute` fills them.

        component : int, default=None
            The component to take all rows to be of; None takes the likeliest of each
            row. Factors of different components are different axes.

        Returns
        -------
        scores : ndarray of shape (n_samples, n_factors)
            Of variance at most 1 within a component. NaN for rows that are noise.

        Raises
        ------
        AttributeError
            Where the covariances are not of type 'factor'.

        ValueError
            Where there is no such component.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from skgen import EMGaussianMixture
        >>> X = load_iris().data
        >>> mixture = EMGaussianMixture(covariance_type="factor", n_factors=2).fit(X)
        >>> mixture.factor_scores(X).shape
        (150, 2)
        """
        check_is_fitted(self)
        if not hasattr(self, "factor_loadings_"):
            raise AttributeError(
                "factor_scores needs covariance_type='factor'; this mixture was fitted "
                f"with {self.covariance_type_!r}."
            )
        X = self._validated(X)
        if np.isnan(X).any():
            raise ValueError(
                "factor_scores needs rows without missing cells, but X has NaN: fill "
                "them by impute before."
            )
        n_components = len(self.weights_)
        known = isinstance(component, Integral) and 0 <= component < n_components
        if component is not None and not known:
            raise ValueError(
                f"component must be None or an int from 0 to {n_components - 1}, got "
                f"{component!r}."
            )
        found = factor_means(
            np.asarray(X, dtype=np.float64),
            *(np.float64(a) for a in (self.means_, self.factor_loadings_)),
            np.float64(self.noise_variances_),
        ).astype(X.dtype, copy=False)
        if component is not None:
            return found[:, component]
        labels = self._ask(X, Evaluation.labels)
        scores = found[np.arange(len(X)), labels]
        scores[labels < 0] = np.nan
        return scores

    def conditional(self, given):
        r"""The distribution of the other columns, given the values of some.

        Again a Gaussian mixture, and an exact one: for columns a that are given and
        columns b that are not,

        .. math::

            p(b \mid a) = \sum_k \pi_{k|a} \, \mathcal N(b \mid \mu_{k,b}
            + S_{k,ba} S_{k,aa}^{-1} (a - \mu_{k,a}), \;
            S_{k,bb} - S_{k,ba} S_{k,aa}^{-1} S_{k,ab}), \qquad
            \pi_{k|a} \propto \pi_k \, \mathcal N(a \mid \mu_{k,a}, S_{k,aa}) .

        Parameters
        ----------
        given : dict
            Values of some columns, by name or number: ``{"age": 40}``, ``{0: 40}``.
            They may lie anywhere, however far from the data. Given a value outside the
            box of ``noise='uniform'``, no noise is left.

        Returns
        -------
        mixture : EMGaussianMixture
            A fitted mixture over the other columns, in their order and under their
            names, in float64, with the `random_state` of this one. It keeps its
            ``covariance_type`` where that is 'tied', 'diag' or 'spherical'. Nothing
            was iterated; see :meth:`EMGaussianMixture.from_parameters`.

        Raises
        ------
        TypeError
            Where `given` is not a mapping.

        ValueError
            Where a column is unknown or given twice, a value is not a finite number,
            or all or none of the columns are given.

        See Also
        --------
        marginal : The distribution of some columns, whatever the others are.
        GaussianMixtureRegressor : The mean, quantiles and more given many rows.

        Notes
        -----
        One orthogonal decomposition of :math:`d \times d` for each component. No
        covariance is subtracted from another: the result is positive definite
        however ill-conditioned this mixture is.

        Examples
        --------
        >>> from skgen import EMGaussianMixture
        >>> mixture = EMGaussianMixture.from_parameters(
        ...     [1.0], [[0.0, 0.0]], [[[1.0, 0.8], [0.8, 1.0]]]
        ... )
        >>> second = mixture.conditional({0: 2.0})
        >>> second.means_.round(2), second.covariances_.round(2)
        (array([[1.6]]), array([[[0.36]]]))
        """
        check_is_fitted(self)
        positions, values = given_values(given, self)
        support = getattr(self, "noise_support_", None)
        found = conditional_parameters(self._parameters(), positions, values, support)
        rest = np.setdiff1d(np.arange(self.n_features_in_), positions)
        return self._over(found, rest)

    def marginal(self, columns):
        r"""The distribution of some columns, whatever the others are.

        :math:`p(a) = \sum_k \pi_k \, \mathcal N(a \mid \mu_{k,a}, S_{k,aa})`.

        Parameters
        ----------
        columns : str, int or array-like
            The columns, by name or number, in the order that the result is to have;
            one of them, several, or a boolean mask over all.

        Returns
        -------
        mixture : EMGaussianMixture
            A fitted mixture over these columns, as :meth:`conditional` returns it.

        Raises
        ------
        ValueError
            Where a column is unknown or asked for twice, or none is asked for.

        See Also
        --------
        conditional : The distribution given the values of other columns.

        Examples
        --------
        >>> from skgen import EMGaussianMixture
        >>> mixture = EMGaussianMixture.from_parameters(
        ...     [0.5, 0.5], [[0.0, 1.0], [4.0, 5.0]], [[1.0, 2.0], [3.0, 4.0]],
        ...     covariance_type="diag",
        ... )
        >>> mixture.marginal([1]).means_
        array([[1.],
               [5.]])
        """
        check_is_fitted(self)
        positions = positions_of(columns, self)
        return self._over(marginal_parameters(self._parameters(), positions), positions)

    def _over(self, parameters, positions):
        """A fitted mixture over some columns of this one."""
        from ._em_gaussian_mixture import EMGaussianMixture  # which imports this base

        covariance_type = next(
            name
            for name, structure in STRUCTURES.items()
            if structure is parameters.structure
        )
        mixture = EMGaussianMixture(
            len(parameters.means),
            covariance_type=covariance_type,
            random_state=self.random_state,
        )
        if hasattr(self, "noise_weight_"):
            mixture.noise = self.noise
            mixture.noise_weight_ = max(1.0 - float(parameters.weights.sum()), 0.0)
            mixture.noise_support_ = self.noise_support_[:, positions]
        mixture.n_features_in_ = len(positions)
        if hasattr(self, "feature_names_in_"):
            mixture.feature_names_in_ = self.feature_names_in_[positions]
        keep_container(mixture, self)
        return mixture._know(parameters)

    def bootstrap(
        self,
        X,
        n_bootstraps=100,
        *,
        sample_weight=None,
        random_state=None,
        verbose=0,
    ):
        r"""How sure the fitted parameters are, by the weighted likelihood bootstrap.

        The rows are weighted at random, by :math:`n` times a draw from the Dirichlet
        distribution :math:`\mathrm{Dir}(1, \dots, 1)`, and the mixture is fitted
        again; so many times [1]_. The spread of the parameters found estimates that
        of the estimator over new samples of as many rows. Weights that are smooth
        in place of the counts of the usual bootstrap leave no row out, so that no
        component loses its last rows [2]_.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            The rows that the mixture was fitted to.

        n_bootstraps : int, default=100
            Number of fits. Some 100 do for standard errors, 1000 for intervals.

        sample_weight : array-like of shape (n_samples,), default=None
            The weights that the mixture was fitted with; the random ones multiply
            them.

        random_state : int, RandomState instance or None, default=None
            Seed of the weights; None takes the estimator's.

        verbose : int, default=0
            1 prints the share done and the time left, ten times.

        Returns
        -------
        result : MixtureBootstrap
            The parameters of all fits, their standard errors and intervals. The
            mixture itself stays as it is.

        Raises
        ------
        ValueError
            Where `n_bootstraps` is below 2, or rows and weights do not belong to
            this mixture.

        Warns
        -----
        ConvergenceWarning
            Where fits end before they converge.

        Notes
        -----
        Every fit goes on from this mixture's parameters, so that components keep
        their numbers and few iterations are needed. What is estimated is therefore
        how sure this solution is, not whether another start would find another one.

        Standard errors are those of the estimator as it is: where `reg_covar` or
        `covariance_prior` hold covariances, they hold them in every fit.

        References
        ----------
        .. [1] Newton, M. A. and Raftery, A. E. (1994). "Approximate Bayesian
           inference with the weighted likelihood bootstrap". JRSS B 56(1).
           :doi:`10.1111/j.2517-6161.1994.tb01956.x`
        .. [2] O'Hagan, A., Murphy, T. B., Scrucca, L. and Gormley, I. C. (2019).
           "Investigation of parameter uncertainty in clustering using a Gaussian
           mixture model via jackknife, bootstrap and weighted likelihood bootstrap".
           Computational Statistics 34. :doi:`10.1007/s00180-019-00897-9`

        Examples
        --------
        >>> import numpy as np
        >>> from skgen import EMGaussianMixture
        >>> X = np.random.default_rng(0).normal(size=(400, 1))
        >>> mixture = EMGaussianMixture().fit(X)
        >>> result = mixture.bootstrap(X, 200, random_state=0)
        >>> bool(abs(result.standard_errors()["means"][0, 0] - 1 / 20) < 0.01)
        True
        """
        check_is_fitted(self)
        if not hasattr(self, "_fit"):
            raise TypeError(
                "bootstrap fits an EMGaussianMixture again from where it ended; got a "
                f"{type(self).__name__}."
            )
        return bootstrap(self, X, n_bootstraps, sample_weight, random_state, verbose)
