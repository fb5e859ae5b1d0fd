"""
Applications for credit that do not add up
==========================================

Every number of a forged application is one that many honest ones have; together they
are not to be believed. Which applications, with which guarantee, and because of which
field?
"""

# %%
# A table
# -------
# Made up, so that the forgeries are known: what people earn goes with age and years in
# the job, what they borrow with what they earn, and the instalment follows from amount,
# duration and rate.

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from skgen import KLAnomalyDetector
from skgen.display import SurpriseDisplay


def applications(n, rng):
    """Honest ones."""
    age = rng.gamma(9, 2.5, n) + 19
    employed = (age - 19) * rng.beta(2, 2, n)
    income = np.exp(7.2 + 0.25 * np.log1p(employed) + 0.3 * rng.normal(size=n))
    amount = income * np.exp(1.5 + 0.4 * rng.normal(size=n))
    months = rng.uniform(12, 84, n) * (0.5 + 0.5 * rng.beta(4, 2, n))
    rate = 0.03 + 0.04 * rng.beta(2, 4, n) + 0.02 * (employed < 2)
    monthly = rate / 12
    instalment = amount * monthly / (1 - (1 + monthly) ** -months)
    return pd.DataFrame(
        {
            "age": age.round(),
            "years employed": employed.round(1),
            "income": income.round(),
            "amount": amount.round(-1),
            "months": months.round(),
            "rate %": (100 * rate).round(2),
            "instalment": instalment.round(),
        }
    )


rng = np.random.default_rng(0)
past = applications(4000, rng)
new = applications(1000, rng)
print(new.head(5))

# %%
# Forty of the new ones are forged: one field is that of somebody else, well away from
# the true one. No column by itself gives them away.

forged = np.zeros(len(new), dtype=bool)
forged[rng.choice(len(new), 40, replace=False)] = True
fields = np.full(len(new), "", dtype=object)
fields[forged] = rng.choice(["years employed", "income", "instalment"], 40)
for row in np.flatnonzero(forged):
    column = past[fields[row]]
    apart = (column - new.at[row, fields[row]]).abs() > 1.5 * column.std()
    new.at[row, fields[row]] = rng.choice(column[apart])

# %%
# Which rows
# ----------
# The reference is the past. ``fpr=0.01`` sets a threshold that an honest application
# falls below in one of a hundred cases at most, in expectation: a quarter of the past
# is kept from the fit to see what honest scores are like.

detector = KLAnomalyDetector(fpr=0.01, random_state=0).fit(past)
flagged = detector.predict(new) == -1
print(f"{flagged[forged].sum()} of {forged.sum()} forgeries are flagged, and")
print(f"{flagged[~forged].sum()} of {(~forged).sum()} honest applications")

# %%
# How much of that do columns tell by themselves? The detector with
# ``dependence_weight=0`` looks at each alone.

alone = KLAnomalyDetector(dependence_weight=0.0, random_state=0).fit(past)
for name, model in [("together", detector), ("column by column", alone)]:
    area = roc_auc_score(forged, -model.score_samples(new))
    print(f"{name:16} area under the ROC curve {area:.2f}")

# %%
# A list for the investigators
# ----------------------------
# A rate among the honest is not what they ask about. Of the applications that land on
# their desk, how many are honest? ``select`` keeps that share below ``fdr`` in
# expectation. It looks at all new rows together, and its list may be empty.

for fdr in (0.1, 0.3):
    selected = detector.select(new, fdr=fdr)
    honest = (selected & ~forged).sum()
    print(f"fdr {fdr}: {selected.sum()} applications, {honest} of them honest")

# %%
# Because of which field
# ----------------------
# ``explain`` names the columns whose value was the least expected given the others of
# the row, in nats above what is usual.

print(detector.explain(new, n_rows=6, n_columns=2))

columns = past.columns.to_numpy()
caught = flagged & forged
guilty = columns[np.asarray(detector.transform(new[caught])).argmax(axis=1)]
print(f"the forged field comes first in {(guilty == fields[caught]).mean():.0%}")

# %%
# The strangest applications as a picture; their names tell what was forged. An
# instalment that does not fit leaves amount and months under suspicion as well: either
# could be the wrong one.

names = [f"{row}: {field or 'honest'}" for row, field in enumerate(fields)]
SurpriseDisplay.from_estimator(detector, new, n_rows=12, row_names=names)
plt.show()
