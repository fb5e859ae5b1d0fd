"""Synthetic rows of Adult: what a classifier that has seen only them is worth.

A model is fitted to two thirds of the table, income among its columns. It draws as many
rows; four classifiers are trained on those, and tested on the real third left. They are
those of SDGym (https://github.com/sdv-dev/SDGym), which Xu et al. averaged for Adult in
"Modeling tabular data using conditional GAN" (https://arxiv.org/abs/1907.00503, where
TVAE comes from): a decision tree of depth 15 and logistic regression with balanced
classes, AdaBoost, and a network with 50 hidden units. Columns are prepared as there:
logarithms where values are not negative and reach a thousand, else a range of 5; one
indicator per category, and one for missing values.

Tables, printed and written to ``benchmarks/results/``:

synthetic
    Mean accuracy and F1 of the class ">50K" over the four classifiers: trained on real
    rows, on rows drawn from the real ones with replacement, on synthetic ones.
classifiers
    The same for each of the four.
columns
    How synthetic columns differ from real ones: the distance in total variation of
    categories, that of Kolmogorov and Smirnov of numbers, and missing values.

Run ``python benchmarks/bench_synthetic.py --data DIR``, where DIR holds
``uci/adult.csv``; ``--full`` for three seeds. Without data a table with categories is
made of scikit-learn's breast_cancer.
"""

import warnings
from pathlib import Path
from time import process_time

import numpy as np
import pandas as pd
from _protocols import adult
from _report import arguments, machine_facts, save, show
from scipy.stats import ks_2samp
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import AdaBoostClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, OneHotEncoder
from sklearn.tree import DecisionTreeClassifier

from skgen.autoencoder import VariationalAutoencoder

CLASSIFIERS = {
    "decision tree": DecisionTreeClassifier(max_depth=15, class_weight="balanced"),
    "AdaBoost": AdaBoostClassifier(),
    "logistic regression": LogisticRegression(class_weight="balanced", max_iter=50),
    "network": MLPClassifier((50,), max_iter=50),
}
PUBLISHED = {
    "real, published": (0.824, 0.663),
    "TVAE, published": (0.803, 0.619),
}
MISSING = "(missing)"


def train_on_synthetic(real_train, synthetic, real_test, target, *, seed=0):
    """Classifiers trained on synthetic rows and tested on real ones.

    Parameters
    ----------
    real_train : DataFrame
        The rows that the synthetic ones imitate. They say how columns are prepared, and
        which value of the target is the rarer.

    synthetic : DataFrame
        The rows to train on.

    real_test : DataFrame
        The rows to test on.

    target : str
        The column to predict, of two values; F1 is that of the rarer.

    seed : int, default=0
        The classifiers' `random_state`.

    Returns
    -------
    scores : DataFrame of shape (n_classifiers, 2)
        Accuracy and F1 of each classifier.
    """
    positive = real_train[target].value_counts().idxmin()
    prepared = preparation(real_train.drop(columns=target))
    test = prepared.transform(real_test.drop(columns=target))
    train = prepared.transform(synthetic.drop(columns=target))
    true, labels = (rows[target] == positive for rows in (real_test, synthetic))
    scores = {}
    for name, classifier in CLASSIFIERS.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # 50 passes, as there
            classifier.set_params(random_state=seed).fit(train, labels)
        predicted = classifier.predict(test)
        scores[name] = accuracy_score(true, predicted), f1_score(true, predicted)
    return pd.DataFrame.from_dict(scores, orient="index", columns=["accuracy", "F1"])


def preparation(X):
    """A fitted transformer of a mixed table to numbers."""
    numbers = X.columns[[pd.api.types.is_numeric_dtype(dtype) for dtype in X.dtypes]]
    large = [name for name in numbers if X[name].min() >= 0 and X[name].max() >= 1e3]
    small = numbers.difference(large, sort=False)
    logarithm = FunctionTransformer(lambda rows: np.log(np.maximum(rows, 1e-2)))
    words = make_pipeline(
        FunctionTransformer(_missing_named),
        OneHotEncoder(sparse_output=False, handle_unknown="ignore"),
    )
    return make_column_transformer(
        (logarithm, large),
        (MinMaxScaler((0.0, 5.0)), list(small)),
        (words, make_column_selector(dtype_exclude=np.number)),
    ).fit(X)


def _missing_named(rows):
    return rows.astype(object).where(rows.notna(), MISSING)


def model(seed):
    """The model that synthetic rows come from, at its defaults."""
    return VariationalAutoencoder(random_state=seed)


def mixed_breast_cancer():
    """Scikit-learn's breast_cancer with categories, whole numbers and holes."""
    table = load_breast_cancer(as_frame=True).frame.iloc[:, [0, 1, 6, 20, 23, 27, 30]]
    table.columns = [name.replace(" ", "-") for name in table.columns]
    table["texture"] = pd.qcut(table.pop("mean-texture"), 4, labels=list("abcd"))
    table.loc[::17, "texture"] = None
    table["worst-area"] = table["worst-area"].round().astype(int)
    names = pd.Categorical.from_codes(table.pop("target"), ["malignant", "benign"])
    return table.assign(target=names)


def compare(table, target, seeds):
    """Scores with real rows, with a bootstrap of them and with synthetic ones.

    Yields
    ------
    row : DataFrame
        One classifier per row.
    """
    for seed in seeds:
        train, test = train_test_split(
            table, test_size=1 / 3, stratify=table[target], random_state=seed
        )
        began = process_time()
        fitted = model(seed).fit(train)
        seconds = process_time() - began
        sources = {
            "real": train,
            "bootstrap": train.sample(frac=1.0, replace=True, random_state=seed),
            "skgen": as_frame(fitted.sample(len(train)), train),
        }
        for name, rows in sources.items():
            scores = train_on_synthetic(train, rows, test, target, seed=seed)
            scores["CPU s"] = seconds if name == "skgen" else np.nan
            yield scores.assign(rows=name, seed=seed).rename_axis("classifier")
        if seed == seeds[0]:
            report("Columns", column_distances(train, sources["skgen"]))


def as_frame(rows, like):
    """Sampled rows as a table, whose columns are checked against the real ones."""
    rows = rows[0] if isinstance(rows, tuple) else rows
    if list(rows.columns) != list(like.columns) or not rows.dtypes.equals(like.dtypes):
        changes = pd.DataFrame({"real": like.dtypes, "synthetic": rows.dtypes})
        print(f"\nColumns changed:\n{changes[changes['real'] != changes['synthetic']]}")
    return rows


def column_distances(real, synthetic):
    """How far apart the two tables are, column by column."""
    for name, column in real.items():
        other = synthetic[name]
        if pd.api.types.is_numeric_dtype(column):
            kind = "Kolmogorov-Smirnov"
            distance = ks_2samp(column.dropna(), other.dropna()).statistic
        else:
            kind = "total variation"
            shares = [rows.value_counts(normalize=True) for rows in (column, other)]
            gaps = shares[0].astype(float).sub(shares[1].astype(float), fill_value=0.0)
            distance = gaps.abs().sum() / 2
        yield {
            "column": name,
            "dtype": str(other.dtype),
            "distance": kind,
            "value": float(distance),
            "missing, real": float(column.isna().mean()),
            "missing, synthetic": float(other.isna().mean()),
        }


def summary(scores):
    """Means over classifiers, with the standard deviation over seeds."""
    each = scores.groupby(["rows", "seed"], sort=False)[["accuracy", "F1", "CPU s"]]
    for name, means in each.mean().groupby("rows", sort=False):
        spread = means.std(ddof=0)
        yield {
            "rows": name,
            "accuracy": float(means["accuracy"].mean()),
            "F1": float(means["F1"].mean()),
            "± accuracy": float(spread["accuracy"]),
            "± F1": float(spread["F1"]),
            "CPU s": float(means["CPU s"].mean()),
        }


def published():
    """The figures for Adult in the paper of CTGAN, as rows of the summary."""
    for name, (accuracy, f1) in PUBLISHED.items():
        row = {"rows": name, "accuracy": accuracy, "F1": f1}
        yield row | dict.fromkeys(["± accuracy", "± F1", "CPU s"], float("nan"))


def report(title, rows):
    """Print a table and save it."""
    rows = list(rows)
    show(title, rows)
    save("synthetic_" + title.lower(), rows)


def main():
    """Run the benchmark."""
    parser = arguments(__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, help="folder that holds uci/adult.csv")
    options = parser.parse_args()
    print(machine_facts())
    table, target = mixed_breast_cancer(), "target"
    if options.data is not None:
        table, target = adult(options.data), "income"
    scores = pd.concat(compare(table, target, range(3 if options.full else 1)))
    rows = list(summary(scores))
    if options.data is not None:
        rows += published()
    report("Synthetic", rows)
    each = scores.groupby(["rows", "classifier"], sort=False)[["accuracy", "F1"]]
    report("Classifiers", each.mean().reset_index().to_dict("records"))


if __name__ == "__main__":
    main()
