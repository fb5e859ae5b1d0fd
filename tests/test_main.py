"""``python -m skgen``: what is printed, written and refused."""

import builtins
import subprocess
import sys

import numpy as np
import pytest

import skgen
from skgen import __main__
from skgen.__main__ import main

PICTURES = ["components.png", "scores.png", "selection.png", "surprise.png"]
AUTOENCODER_PICTURES = ["latent.png", "synthetic.png"]


@pytest.fixture
def table(tmp_path):
    values = np.random.default_rng(0).normal(size=(24, 2)).round(4)
    lines = [f"{a};{b};red" for a, b in values]
    path = tmp_path / "table.csv"
    path.write_text("\n".join(["length;width;colour", *lines]))
    return path


def test_report_and_pictures_are_written_and_their_places_told(table, tmp_path, capsys):
    out = tmp_path / "deep" / "report"
    assert main([str(table), "--out", str(out)]) == 0
    printed = capsys.readouterr()
    assert sorted(path.name for path in out.iterdir()) == sorted(
        [*PICTURES, "report.txt"]
    )
    for name in PICTURES:
        assert (out / name).read_bytes().startswith(b"\x89PNG")
        assert str(out / name) in printed.out
    text = (out / "report.txt").read_text(encoding="utf-8")
    assert text in printed.out
    assert "A variational autoencoder needs 50 rows or more" in text
    assert "colour: text, such as 'red' (line 2)" in text
    assert "table.csv: 24 rows, 2 columns" in printed.err
    assert "comparing mixtures on held-out rows" in printed.err
    assert "judging rows by those not among them" in printed.err
    assert "a table cannot certify its own anomalies" in " ".join(text.split())


def test_same_seed_writes_the_same_report(table, tmp_path):
    for name in ("first", "second"):
        assert main([str(table), "--out", str(tmp_path / name), "--seed", "3"]) == 0
    for name in ["report.txt", *PICTURES]:
        first, second = (
            (tmp_path / it / name).read_bytes() for it in ("first", "second")
        )
        assert first == second


def test_autoencoder_adds_its_section_and_pictures(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(
        "skgen.report._analysis.candidate_grid",
        lambda n_rows, n_columns: {
            "mixture__n_components": [1, 2],
            "mixture__covariance_type": ["full", "tied"],
        },
    )
    assert main(["--out", str(tmp_path), "--vae-steps", "5"]) == 0
    printed = capsys.readouterr()
    assert "8 latent dimensions" in printed.out
    assert "training a variational autoencoder" in printed.err
    for name in [*PICTURES, *AUTOENCODER_PICTURES]:
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")


def test_zero_steps_leave_the_autoencoder_and_torch_out(table, tmp_path):
    code = (
        "import sys; from skgen.__main__ import main; main(sys.argv[1:]); "
        "sys.exit('torch' in sys.modules)"
    )
    options = [str(table), "--out", str(tmp_path / "out"), "--vae-steps", "0"]
    command = [sys.executable, "-c", code, *options]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "autoencoder" not in result.stdout


def test_without_a_table_the_irises_are_described(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(
        "skgen.report._analysis.candidate_grid",
        lambda n_rows, n_columns: {
            "mixture__n_components": [1, 3],
            "mixture__covariance_type": ["full", "tied", "diag", "spherical"],
        },
    )
    assert main(["--out", str(tmp_path), "--vae-steps", "0"]) == 0
    printed = capsys.readouterr().out
    assert "150 rows, 4 numeric columns" in printed
    assert "versicolor" in printed


def test_without_matplotlib_the_report_is_written_and_the_remedy_told(
    table, tmp_path, monkeypatch, capsys
):
    real_import = builtins.__import__

    def import_without_matplotlib(name, *arguments, **keywords):
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return real_import(name, *arguments, **keywords)

    monkeypatch.setattr(builtins, "__import__", import_without_matplotlib)
    assert main([str(table), "--out", str(tmp_path / "out")]) == 0
    printed = capsys.readouterr().out
    assert "No pictures: " in printed
    assert 'pip install "skgen[plot]"' in printed
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["report.txt"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "does not exist"),
        (b"", "is empty"),
        (b"a,b\n", "no rows under it"),
        (b"a,b\n" + b"x,y\n" * 30, "no numeric column"),
        (b"a,b\n" + b"1,2\n" * 30 + b"3\n", "line 32 has 1 cells where line 1 has 2"),
        (b"\xff\x00\x81", "UTF-8"),
        (b"a,b\n1,2\n2,3\n", "2 complete rows"),
    ],
)
def test_bad_table_is_one_line_and_status_2(content, message, tmp_path, capsys):
    path = tmp_path / "bad.csv"
    if content is not None:
        path.write_bytes(content)
    assert main([str(path), "--out", str(tmp_path / "out")]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("skgen: error: ")
    assert printed.err.count("\n") == 1
    assert message in printed.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("beyond", ["", "deeper"])
def test_folder_that_cannot_be_made_is_refused_before_the_work(
    beyond, table, capsys, monkeypatch
):
    monkeypatch.setattr(__main__, "analyse", None)
    assert main([str(table), "--out", str(table / beyond)]) == 2
    error = capsys.readouterr().err
    assert error.startswith("skgen: error: the folder ")
    assert "cannot be made" in error
    assert "name another with --out" in error


def test_interruption_is_no_traceback(table, tmp_path, monkeypatch, capsys):
    def interrupted(*arguments, **keywords):
        raise KeyboardInterrupt

    monkeypatch.setattr(__main__, "analyse", interrupted)
    assert main([str(table), "--out", str(tmp_path)]) == 130
    assert "skgen: interrupted" in capsys.readouterr().err


@pytest.mark.parametrize("seed", ["-1", "4294967296", "one"])
def test_seed_that_is_no_seed_is_refused(seed, capsys):
    with pytest.raises(SystemExit, match="2"):
        main([f"--seed={seed}"])
    error = capsys.readouterr().err
    assert "skgen: error: argument --seed: a whole number from 0" in error


@pytest.mark.parametrize("steps", ["-1", "few"])
def test_steps_that_are_no_count_are_refused(steps, capsys):
    with pytest.raises(SystemExit, match="2"):
        main([f"--vae-steps={steps}"])
    error = capsys.readouterr().err
    assert "argument --vae-steps: a whole number is needed" in error


def test_module_is_run_by_its_name():
    command = [sys.executable, "-m", "skgen", "--version"]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == f"skgen {skgen.__version__}"
