"""
A table of mixed columns, with holes
====================================

Categories, whole numbers, skewed amounts, and a fifth of the cells missing: fit it as
it is, draw rows that look like it, fill the holes, and put that into a pipeline.
"""

# %%
# A table
# -------
# Made up, so that the truth is known: households in a city or in the country, renting
# or owning, with incomes that grow and fall with age.

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from skgen import GenerativeImputer, VariationalAutoencoder

rng = np.random.default_rng(0)
n = 1000
age = rng.integers(20, 90, n)
place = rng.choice(["city", "suburb", "country"], n, p=[0.5, 0.3, 0.2])
city = place == "city"
hump = 1.2 - ((age - 50) / 35) ** 2
income = np.exp(10 + 0.6 * hump + 0.2 * city + 0.25 * rng.normal(size=n))
owns = rng.random(n) < 1 / (1 + np.exp(4 + 2.5 * city - age / 15 - income / 40_000))
rooms = 1 + rng.poisson(1.0 + 2.0 * owns + (place == "country"))
complete = pd.DataFrame(
    {
        "age": age,
        "place": pd.Categorical(place),
        "income": income.round(-2),
        "home": pd.Categorical(np.where(owns, "owned", "rented")),
        "rooms": rooms,
    }
)
hidden = rng.random(complete.shape) < 0.2
table = complete.mask(hidden).astype({"age": "Int64", "rooms": "Int64"})
table = table.astype({"place": "category", "home": "category"})
print(table.head(5))

# %%
# Fit, and draw rows
# ------------------
# Nothing is scaled, encoded or filled beforehand. The columns drawn have the dtypes of
# the table. Edges come out softer than they are: nobody told the model that there are
# no households below the age of 20.

model = VariationalAutoencoder(max_iter=50, random_state=0).fit(table)
print(dict(zip(table.columns, model.likelihoods_)))
synthetic = model.sample(n)
print(synthetic.head(5))

figure, axes = plt.subplots(
    1, 2, figsize=(9, 4), sharex=True, sharey=True, layout="constrained"
)
panels = {"complete table": complete, "drawn from the model": synthetic}
for ax, (title, rows) in zip(axes, panels.items()):
    for home, colour, marker in [("owned", "#0072B2", "o"), ("rented", "#E69F00", "s")]:
        some = rows[rows["home"] == home]
        look = {"s": 9, "alpha": 0.5, "linewidths": 0, "label": home}
        ax.scatter(some["age"], some["income"] / 1000, c=colour, marker=marker, **look)
    ax.set_title(title, loc="left")
    ax.set_xlabel("age")
axes[0].set_ylabel("income, thousands")
axes[0].legend(frameon=False, markerscale=2)
axes[0].set_ylim(0, 110)
plt.show()

# %%
# Fill the holes
# --------------
# ``impute`` returns means of numbers and likeliest categories given what is seen of the
# row, in the dtypes of the table. Against the truth, beside the mean or commonest value
# of the column:

filled = model.impute(table)
for name in table.columns:
    holes = table[name].isna()
    truth = complete.loc[holes, name]
    if isinstance(table[name].dtype, pd.CategoricalDtype):
        simple = (truth != table[name].mode()[0]).mean()
        ours = (truth.astype(str) != filled.loc[holes, name].astype(str)).mean()
        print(f"{name:7} wrong        {simple:8.2f} -> {ours:.2f}")
    else:
        simple = (truth - table[name].mean()).abs().mean()
        ours = (truth - filled.loc[holes, name].astype(float)).abs().mean()
        print(f"{name:7} mean error   {simple:8.1f} -> {ours:.1f}")

# %%
# Draws in the place of means
# ---------------------------
# A mean has no spread. What the model believes of one household whose income is
# missing:

incomplete = table[table["income"].isna() & table.notna().sum(axis=1).eq(4)].head(3)
draws = model.impute(incomplete, n_draws=500, random_state=0)
figure, ax = plt.subplots(figsize=(7, 3.6), layout="constrained")
styles = [("#0072B2", "-"), ("#D55E00", "--"), ("#009E73", ":")]
for (row, seen), (colour, style) in zip(incomplete.iterrows(), styles):
    incomes = np.array([draw.loc[row, "income"] for draw in draws]) / 1000
    label = f"{seen['age']}, {seen['place']}, {seen['home']}, {seen['rooms']} rooms"
    look = {"histtype": "step", "color": colour, "linestyle": style, "linewidth": 1.6}
    ax.hist(incomes, bins=np.arange(0, 120, 4), label=label, **look)
    ax.axvline(complete.loc[row, "income"] / 1000, color=colour, linestyle=style, lw=1)
ax.set(xlabel="income, thousands (vertical: the truth)", ylabel="draws of 500")
ax.legend(frameon=False)
plt.show()

# %%
# A step of a pipeline
# --------------------
# ``GenerativeImputer`` fits the model within each training fold, and fills both parts:
# here before a classifier that takes no holes, which predicts who owns a home.

known = table["home"].notna()
X, y = table[known].drop(columns="home"), table.loc[known, "home"].astype(str)
pipeline = make_pipeline(
    GenerativeImputer(VariationalAutoencoder(4, max_iter=10, random_state=0)),
    make_column_transformer(
        (OneHotEncoder(), make_column_selector(dtype_include="category")),
        remainder=StandardScaler(),
    ),
    LogisticRegression(),
)
accuracy = cross_val_score(pipeline, X, y, cv=2).mean()
commonest = y.value_counts(normalize=True).max()
print(f"accuracy {accuracy:.3f}, of the commoner answer {commonest:.3f}")
