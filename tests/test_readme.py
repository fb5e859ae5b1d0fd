"""The README keeps its word: it is short, its code runs, its commands are right."""

import re
import tomllib
from pathlib import Path

import numpy as np
import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def command(name):
    """The line in the fenced block that follows the marker ``<!-- ci: name -->``."""
    found = re.findall(rf"<!-- ci: {name} -->\n```bash\n(.*)\n```\n", README)
    assert len(found) == 1, f"one block marked 'ci: {name}' wanted, {len(found)} found"
    return found[0]


def metadata_requirement(name):
    metadata = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    dependencies = map(Requirement, metadata["project"]["dependencies"])
    return next(r for r in dependencies if r.name == name)


def test_is_under_120_lines():
    assert len(README.splitlines()) < 120


def test_python_blocks_run_one_after_the_other():
    blocks = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    names = {"__name__": "readme"}
    exec(compile("\n".join(blocks), "README.md", "exec"), names)
    assert names["log_density"].shape == (names["X"].shape[0],)
    assert names["new_rows"].shape == (100, names["X"].shape[1])
    assert names["responsibilities"].sum(axis=1) == pytest.approx(1)
    assert names["nats_lost"] > 0
    assert np.isnan(names["rows"]).any()
    assert not np.isnan(names["filled"]).any()
    assert names["synthetic"].shape == (100, names["X"].shape[1])
    assert set(names["labels"]) <= {-1, 1}
    assert names["surprises"].shape == (28, names["X"].shape[1])


@pytest.mark.parametrize(
    ("name", "last"), [("main", "python -m skgen"), ("tests", "python -m pytest -n 2")]
)
def test_command_starts_from_nothing_and_ends_in_the_job(name, last):
    steps = command(name).split(" && ")
    assert steps[:2] == ["python3 -m venv .venv", ". .venv/bin/activate"]
    assert steps[-1] == last


@pytest.mark.parametrize("name", ["main", "tests"])
def test_pinned_torch_is_one_the_metadata_allows(name):
    (version,) = re.findall(r'pip install "torch==([^"]+)"', command(name))
    assert metadata_requirement("torch").specifier.contains(version)


@pytest.mark.parametrize("name", ["main", "tests"])
def test_installation_page_gives_the_same_command(name):
    page = (ROOT / "doc" / "install.rst").read_text(encoding="utf-8")
    assert command(name) in page


def test_linked_pages_exist():
    links = re.findall(r"\]\(([^)#]+)\)", README)
    pages = [link for link in links if not link.startswith("https://")]
    missing = [page for page in pages if not (ROOT / page).exists()]
    assert not missing
