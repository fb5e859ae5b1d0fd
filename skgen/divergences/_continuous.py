"""Families of distributions on the real line; see `_laws` for the idea."""

import numpy as np
from scipy import stats
from scipy.special import betaln, digamma, erf, gammainc, gammaln, i0e, i1e, polygamma

from ._excess import exp_excess, gamma_excess, log_ratio, stirling_excess
from ._laws import ROUNDING, UNKNOWN, Law

EULER = np.euler_gamma


def same(one, other):
    """Where two laws of a family share location and scale."""
    return (one.loc == other.loc) & (one.scale == other.scale)


def normal_divergence(distance, log_stretch):
    """Between normals: of means, in units of q's, and of log standard deviations."""
    return 0.5 * (distance * distance + exp_excess(2.0 * log_stretch))


class Normal(Law):
    """Normal distributions."""

    def minus_log_density(self):
        return 0.5 * np.log(2.0 * np.pi), [(0.5, "square")]

    def moments(self):
        return 0.0, 1.0

    def log_mgf(self, rate):
        return 0.5 * rate * rate

    def magnitude_across(self):
        ratio = self.loc / (np.sqrt(2.0) * self.scale)
        folded = np.abs(self.scale) * np.sqrt(2.0 / np.pi) * np.exp(-ratio * ratio)
        return folded + self.loc * erf(ratio * np.sign(self.scale))

    def divergence(self, other):
        distance = (self.loc - other.loc) / other.scale
        return normal_divergence(distance, log_ratio(self.scale, other.scale))

    def blend(self, other, alpha):
        weight = alpha / self.scale**2
        precision = weight + 1.0 - alpha
        exists = precision > 0.0
        precision = np.where(exists, precision, 1.0)
        return Normal(weight / precision * self.loc, precision**-0.5), exists


class LogNormal(Law):
    """Exponentials of normal distributions; the shape is their standard deviation."""

    ends = (0.0, np.inf)

    def minus_log_density(self):
        (s,) = self.shapes
        square = (0.5 / s**2, "log_squared")
        return np.log(s) + 0.5 * np.log(2.0 * np.pi), [(1.0, "log"), square]

    def moments(self):
        (s,) = self.shapes
        return np.exp(0.5 * s**2), np.expm1(s**2) * np.exp(s**2)

    def log_moments(self):
        (s,) = self.shapes
        return 0.0, s**2

    def raw_power(self, exponent):
        (s,) = self.shapes
        return np.exp(0.5 * (exponent * s) ** 2)

    def log_mgf(self, rate):
        return np.where(rate > 0.0, np.inf, UNKNOWN)

    def normal(self):
        """The logarithm's law."""
        (s,) = self.shapes
        return Normal(np.log(self.scale), s)

    def divergence(self, other):
        distance = log_ratio(self.scale, other.scale) / other.shapes[0]
        log_stretch = log_ratio(self.shapes[0], other.shapes[0])
        value = normal_divergence(distance, log_stretch)
        return np.where(self.loc == other.loc, value, UNKNOWN)

    def renyi(self, other, alpha):
        normal, standard = self.normal(), other.normal()
        value = normal.seen_from(standard).renyi(standard.seen_from(standard), alpha)
        return np.where(self.loc == other.loc, value, UNKNOWN)


class Uniform(Law):
    """Uniform distributions on [loc, loc + scale]."""

    ends = (0.0, 1.0)
    nodes, weights = np.polynomial.legendre.leggauss(12)

    def minus_log_density(self):
        return 0.0, []

    def moments(self):
        return 0.5, 1.0 / 12.0

    def magnitude_across(self):
        low, high = self.support()
        return 0.5 * (low**2 + high**2) / (high - low)

    def log(self):
        return self.average(np.log, lambda x: x * np.log(x) - x)

    def log_squared(self):
        def antiderivative(x):
            log_x = np.log(x)
            return x * (log_x**2 - 2.0 * log_x + 2.0)

        return self.average(lambda x: np.log(x) ** 2, antiderivative)

    def power(self, exponent):
        def antiderivative(x):
            is_inverse = np.equal(exponent, -1.0)
            raised = np.where(is_inverse, 1.0, exponent + 1.0)
            return np.where(is_inverse, np.log(x), x**raised / raised)

        at_zero = np.where(np.greater(exponent, -1.0), 0.0, -np.inf)
        return self.average(lambda x: x**exponent, antiderivative, at_zero)

    def average(self, function, antiderivative, at_zero=0.0):
        """Mean over the interval of a function whose one singularity is 0."""
        low, high = self.support()
        lower = np.where(low <= 0.0, at_zero, antiderivative(low))
        direct = (antiderivative(high) - lower) / (high - low)
        # far from 0 the function hardly changes and the two ends would cancel
        total = sum(
            0.5 * weight * function(low + 0.5 * (node + 1.0) * (high - low))
            for node, weight in zip(self.nodes, self.weights)
        )
        return np.where(high - low < 0.5 * low, total, direct)

    def log_mgf(self, rate):
        # log((e^r − 1) / r), of which e^r alone would overflow
        size = np.where(rate == 0.0, 1.0, np.abs(rate))
        return np.maximum(rate, 0.0) + np.log(-np.expm1(-size) / size)

    def divergence(self, other):
        return log_ratio(np.abs(other.scale), np.abs(self.scale))

    def blend(self, other, alpha):
        low, high = self.support()
        low, high = np.maximum(low, 0.0), np.minimum(high, 1.0)
        return Uniform(low, high - low), True


class GeneralisedGamma(Law):
    r"""Positive laws whose power c has a gamma distribution with shape a.

    The density is :math:`|c| x^{ca - 1} e^{-x^c} / \Gamma(a)`. Exponential, gamma, χ²
    and χ, Weibull, Rayleigh, half-normal and inverse gamma laws are some of them.
    """

    ends = (0.0, np.inf)

    def minus_log_density(self):
        a, c = self.shapes
        terms = [(1.0 - c * a, "log"), (1.0, "power", c)]
        return gammaln(a) - np.log(np.abs(c)), terms

    def standard_entropy(self):
        a, c = self.shapes
        return stats.gamma.entropy(a) - np.log(np.abs(c)) + (1.0 / c - 1.0) * digamma(a)

    def moments(self):
        a, c = self.shapes
        mean, square = self.raw_power(1.0), self.raw_power(2.0)
        spread = np.where(np.isinf(square), np.inf, square - mean**2)
        return np.where(c == 1.0, a, mean), np.where(c == 1.0, a, spread)

    def log_moments(self):
        a, c = self.shapes
        return digamma(a) / c, polygamma(1, a) / c**2

    def raw_power(self, exponent):
        a, c = self.shapes
        raised = a + exponent / c
        ratio = np.exp(gammaln(np.where(raised > 0.0, raised, 1.0)) - gammaln(a))
        return np.where(raised > 0.0, ratio, np.inf)

    def log_mgf(self, rate):
        a, c = self.shapes
        gamma = np.where(rate < 1.0, -a * np.log1p(-rate), np.inf)
        heavy = np.where((c < 1.0) & (rate > 0.0), np.inf, UNKNOWN)
        return np.where(c == 1.0, gamma, heavy)

    def magnitude_across(self):
        a, c = self.shapes
        start, scale = self.loc * np.sign(self.scale), np.abs(self.scale)
        reach = np.maximum(-start / scale, 0.0)
        below = reach * gammainc(a, reach) - a * gammainc(a + 1.0, reach)
        return np.where(c == 1.0, start + scale * (a + 2.0 * below), UNKNOWN)

    def divergence(self, other):
        a, c = self.shapes
        other_a, other_c = other.shapes
        log_stretch = log_ratio(self.scale, other.scale)
        log_mean = other_c * log_stretch + log_ratio(a, other_a)
        gammas = other_a * exp_excess(log_mean) + stirling_excess(other_a, a)
        weibulls = extreme_divergence(
            log_ratio(other_c, c), -other_c * log_stretch, other_c / c
        )
        both_exponential = (a == 1.0) & (other_a == 1.0)
        value = np.where(both_exponential & (c * other_c > 0.0), weibulls, UNKNOWN)
        value = np.where(c == other_c, gammas, value)
        # an exponential law that starts later is the same law, later
        both_exponential = both_exponential & (c == 1.0) & (other_c == 1.0)
        shift = (self.loc - other.loc) / other.scale
        moved = np.where(both_exponential, shift + exp_excess(log_stretch), UNKNOWN)
        return np.where(self.loc == other.loc, value, moved)

    def blend(self, other, alpha):
        a, c = self.shapes
        other_a, other_c = other.shapes
        blend_a = other_a + alpha * (a - other_a)
        rate = 1.0 + alpha * np.expm1(-c * np.log(np.abs(self.scale)))
        exists = (blend_a > 0.0) & (rate > 0.0)
        blend_a, rate = np.where(exists, blend_a, 1.0), np.where(exists, rate, 1.0)
        exponentials = (a == 1.0) & (c == 1.0) & (other_a == 1.0)
        known = (c == other_c) & ((self.loc == 0.0) | exponentials)
        scale = np.where(known & (self.scale > 0.0), rate ** (-1.0 / c), UNKNOWN)
        # NaN where two powers differ: nothing is known, not even whether it exists
        exists = exists | np.isnan(scale)
        loc = np.maximum(self.loc, 0.0)
        return GeneralisedGamma(loc, scale, (blend_a, c)), exists


def extreme_divergence(log_stretch, distance, stretch):
    r"""Between Gumbel laws, a distance apart in units of q's scale.

    With :math:`L = \log \Gamma(1 + \beta) - z` it is :math:`e^L - 1 - L` and the rise
    of :math:`\log \Gamma` at β above its tangent at 1.
    """
    stretch = np.where(stretch > 0.0, stretch, UNKNOWN)
    shape = np.where(np.isfinite(stretch), stretch, 1.0)
    # log Γ(1 + β) from its value 0 at β = 1
    log_mean = gamma_excess(shape, 1.0) - EULER * (shape - 1.0)
    log_mean = log_mean + np.where(np.isnan(stretch), UNKNOWN, log_stretch)
    return exp_excess(log_mean - distance) + gamma_excess(shape, 1.0)


class Gumbel(Law):
    """Largest-value Gumbel distributions, mirrored the smallest-value ones."""

    def minus_log_density(self):
        return 0.0, [(1.0, "mean"), (1.0, "exponential", -1.0)]

    def moments(self):
        return EULER, np.pi**2 / 6.0

    def log_mgf(self, rate):
        return np.where(rate < 1.0, gammaln(1.0 - rate), np.inf)

    def divergence(self, other):
        stretch = self.scale / other.scale
        log_stretch = log_ratio(np.abs(self.scale), np.abs(other.scale))
        distance = (self.loc - other.loc) / other.scale
        return extreme_divergence(log_stretch, distance, stretch)

    def renyi(self, other, alpha):
        # exp(−x) has an exponential law, if the scales agree
        law = GeneralisedGamma(0.0, np.exp(-self.loc), (1.0, 1.0))
        value = law.renyi(GeneralisedGamma(0.0, 1.0, (1.0, 1.0)), alpha)
        return np.where(self.scale == other.scale, value, UNKNOWN)


class Beta(Law):
    """Beta distributions."""

    ends = (0.0, 1.0)

    def minus_log_density(self):
        a, b = self.shapes
        return betaln(a, b), [(1.0 - a, "log"), (1.0 - b, "log_one_minus")]

    def standard_entropy(self):
        return stats.beta.entropy(*self.shapes)

    def moments(self):
        a, b = self.shapes
        total = a + b
        return a / total, (a / total) * (b / total) / (total + 1.0)

    def log_moments(self):
        a, b = self.shapes
        variance = polygamma(1, a) - polygamma(1, a + b)
        return digamma(a) - digamma(a + b), variance

    def raw_power(self, exponent):
        a, b = self.shapes
        raised = a + exponent
        value = np.exp(betaln(np.where(raised > 0.0, raised, 1.0), b) - betaln(a, b))
        return np.where(raised > 0.0, value, np.inf)

    def log(self):
        low, high = self.support()
        a, b = self.shapes
        upright = self.scale > 0.0
        shapes = np.where(upright, a, b), np.where(upright, b, a)
        # the end that is 0 in q's coordinates may be so but for rounding
        start = np.where(np.abs(low) <= ROUNDING * np.maximum(1.0, high), 0.0, low)
        return Law.log(Beta(start, np.abs(self.scale), shapes))

    def divergence(self, other):
        (a, b), (other_a, other_b) = self.shapes, other.shapes
        value = dirichlet_divergence([a, b], [other_a, other_b])
        return np.where(same(self, other), value, UNKNOWN)

    def blend(self, other, alpha):
        pairs = zip(self.shapes, other.shapes)
        a, b = (theirs + alpha * (ours - theirs) for ours, theirs in pairs)
        exists = (a > 0.0) & (b > 0.0)
        shapes = np.where(exists, a, 1.0), np.where(exists, b, 1.0)
        return Beta(self.loc, self.scale, shapes), exists | ~same(self, other)


def dirichlet_divergence(concentration, other):
    r"""Between Dirichlet laws, from lists of their concentrations.

    With :math:`\log \Gamma(a) = G(a) + a \log a - a` it comes apart into the
    divergence between the means and what `stirling_excess` measures.
    """
    total, other_total = sum(concentration), sum(other)
    value = -stirling_excess(other_total, total)
    for own, theirs in zip(concentration, other):
        means = exp_excess(log_ratio(own / total, theirs / other_total))
        value = value + theirs * means + stirling_excess(theirs, own)
    return np.maximum(value, 0.0)


class Laplace(Law):
    """Laplace distributions."""

    def minus_log_density(self):
        return np.log(2.0), [(1.0, "magnitude")]

    def moments(self):
        return 0.0, 2.0

    def log_mgf(self, rate):
        square = np.minimum(rate * rate, 1.0)
        return np.where(square < 1.0, -np.log1p(-square), np.inf)

    def magnitude_across(self):
        scale = np.abs(self.scale)
        return np.abs(self.loc) + scale * np.exp(-np.abs(self.loc) / scale)

    def divergence(self, other):
        stretch = self.scale / other.scale
        distance = np.abs((self.loc - other.loc) / self.scale)
        log_stretch = log_ratio(self.scale, other.scale)
        return exp_excess(log_stretch) + stretch * exp_excess(-distance)

    def renyi(self, other, alpha):
        # ∫ exp(−a |x − z| − b |x|): left of both, right of both, and between
        distance, near, far = np.abs(self.loc), alpha / self.scale, 1.0 - alpha
        slower, total = np.minimum(near, far), near + far
        gap = np.abs(near - far) * distance
        between = distance * np.where(gap == 0.0, 1.0, -np.expm1(-gap) / gap)
        outside = (1.0 + np.exp(-gap)) / np.where(total > 0.0, total, 1.0)
        log_integral = np.log(0.5 * (outside + between)) - slower * distance
        value = (log_integral - alpha * np.log(self.scale)) / (alpha - 1.0)
        return np.where(total > 0.0, value, np.inf)


class Pareto(Law):
    """Pareto distributions; the shape is the tail's exponent."""

    ends = (1.0, np.inf)

    def minus_log_density(self):
        (b,) = self.shapes
        return -np.log(b), [(b + 1.0, "log")]

    def moments(self):
        (b,) = self.shapes
        variance = b / (np.maximum(b - 1.0, 1e-300) ** 2 * (b - 2.0))
        return self.raw_power(1.0), np.where(b > 2.0, variance, np.inf)

    def log_moments(self):
        (b,) = self.shapes
        return 1.0 / b, 1.0 / b**2

    def raw_power(self, exponent):
        (b,) = self.shapes
        return np.where(exponent < b, b / (b - exponent), np.inf)

    def log_mgf(self, rate):
        return np.where(rate > 0.0, np.inf, UNKNOWN)

    def divergence(self, other):
        (b,), (other_b,) = self.shapes, other.shapes
        shift = other_b * log_ratio(self.scale, other.scale)
        value = shift + exp_excess(log_ratio(other_b, b))
        return np.where(self.loc == other.loc, value, UNKNOWN)

    def blend(self, other, alpha):
        (b,), (other_b,) = self.shapes, other.shapes
        exponent = other_b + alpha * (b - other_b)
        exists = (exponent > 0.0) | (self.loc != other.loc)
        shapes = (np.where(exponent > 0.0, exponent, 1.0),)
        return Pareto(self.loc, np.maximum(self.scale, 1.0), shapes), exists


class StudentT(Law):
    """Student's t distributions, the Cauchy distribution among them."""

    def minus_log_density(self):
        (df,) = self.shapes
        constant = gammaln(0.5 * df) - gammaln(0.5 * (df + 1.0))
        constant = constant + 0.5 * np.log(np.pi * df)
        return constant, [(0.5 * (df + 1.0), "log_one_plus_square", df)]

    def moments(self):
        (df,) = self.shapes
        variance = df / np.maximum(df - 2.0, 1e-300)
        mean = np.where(df > 1.0, 0.0, UNKNOWN)
        return mean, np.where(df > 2.0, variance, np.inf)

    def square(self):
        (df,) = self.shapes  # infinite also where there is no mean
        return np.where(df > 2.0, super().square(), np.inf)

    def magnitude_across(self):
        (df,) = self.shapes
        above = np.maximum(df - 1.0, 1e-300)
        ratio = gammaln(0.5 * (df + 1.0)) - gammaln(0.5 * df)
        centred = 2.0 * np.sqrt(df / np.pi) * np.exp(ratio) / above
        value = np.where(self.loc == 0.0, np.abs(self.scale) * centred, UNKNOWN)
        return np.where(df > 1.0, value, np.inf)

    def log_mgf(self, rate):
        return np.where(rate == 0.0, 0.0, np.inf)

    def log_one_plus_square(self, df):
        (own_df,) = self.shapes
        own = digamma(0.5 * (df + 1.0)) - digamma(0.5 * df)
        is_own = (self.loc == 0.0) & (np.abs(self.scale) == 1.0) & (own_df == df)
        cauchy = np.log(self.loc**2 + (1.0 + np.abs(self.scale)) ** 2)
        both_cauchy = (own_df == 1.0) & np.equal(df, 1.0)
        return np.where(both_cauchy, cauchy, np.where(is_own, own, UNKNOWN))

    def divergence(self, other):
        (df,), (other_df,) = self.shapes, other.shapes
        gap = (self.scale - other.scale) ** 2 + (self.loc - other.loc) ** 2
        value = np.log1p(gap / other.scale / self.scale / 4.0)
        return np.where((df == 1.0) & (other_df == 1.0), value, UNKNOWN)


class HalfCauchy(Law):
    """Absolute values of Cauchy distributed numbers."""

    ends = (0.0, np.inf)

    def minus_log_density(self):
        return np.log(0.5 * np.pi), [(1.0, "log_one_plus_square", 1.0)]

    def moments(self):
        return np.inf, np.inf

    def log_mgf(self, rate):
        return np.where(rate > 0.0, np.inf, UNKNOWN)

    def log_one_plus_square(self, df):
        known = self.starts_at_zero() & np.equal(df, 1.0)
        return np.where(known, 2.0 * np.log1p(self.scale), UNKNOWN)

    def divergence(self, other):
        gap = (self.scale - other.scale) ** 2
        value = np.log1p(gap / other.scale / self.scale / 4.0)
        return np.where(self.loc == other.loc, value, UNKNOWN)


class Logistic(Law):
    """Logistic distributions; among themselves they have no closed form."""

    def minus_log_density(self):
        return 0.0, [(1.0, "mean"), (2.0, "softplus")]

    def moments(self):
        return 0.0, np.pi**2 / 3.0

    def log_mgf(self, rate):
        size = np.minimum(np.abs(rate), 1.0)
        value = -np.log(np.sinc(size))  # πr / sin πr
        return np.where(size < 1.0, value, np.inf)

    def magnitude_across(self):
        distance, scale = np.abs(self.loc), np.abs(self.scale)
        return distance + 2.0 * scale * np.log1p(np.exp(-distance / scale))

    def softplus(self):
        is_own = (self.loc == 0.0) & (self.scale == 1.0)
        return np.where(is_own, 1.0, UNKNOWN)


class VonMises(Law):
    """Von Mises distributions, on the circle."""

    def support(self):
        # scipy draws from [−π, π] whatever the location: it turns the circle
        size = np.zeros(np.broadcast(self.loc, self.scale, *self.shapes).shape)
        return size - np.pi, size + np.pi

    def minus_log_density(self):
        (kappa,) = self.shapes
        constant = np.log(2.0 * np.pi * i0e(kappa)) + kappa
        return constant, [(-kappa, "cosine")]

    def cosine(self):
        (kappa,) = self.shapes
        value = np.cos(self.loc) * i1e(kappa) / i0e(kappa)
        return np.where(self.scale == 1.0, value, UNKNOWN)

    def divergence(self, other):
        (kappa,), (other_kappa,) = self.shapes, other.shapes
        length = i1e(kappa) / i0e(kappa)
        turned = 2.0 * np.sin(0.5 * (self.loc - other.loc) / other.scale) ** 2
        concentration = np.log(i0e(other_kappa) / i0e(kappa))
        concentration = concentration + (other_kappa - kappa) * (1.0 - length)
        value = np.maximum(concentration, 0.0) + other_kappa * length * turned
        return np.where(self.scale == other.scale, value, UNKNOWN)
