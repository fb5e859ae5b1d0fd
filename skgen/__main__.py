"""``python -m skgen``: find the Gaussian mixture that describes a table, and report.

The command line alone lives here: arguments, progress, errors. The work is in
``skgen.report``.
"""

import argparse
import os
import sys
import time
from pathlib import Path

from . import __version__
from .report import (
    TableError,
    analyse,
    bundled_table,
    read_table,
    report_text,
    save_pictures,
    second_opinion,
    strange_rows,
)

_DESCRIPTION = """\
Describe a table by a Gaussian mixture. The number of components and the covariance
type are chosen by held-out log-likelihood and compared with BIC; the report tells the
components apart and brings pictures. An anomaly detector names the strangest rows and
the columns that make them strange. A variational autoencoder is asked for a second
opinion: a latent map, synthetic rows, and its log-density of held-out rows beside the
mixture's.
"""


def main(arguments=None):
    """Run the command line.

    Parameters
    ----------
    arguments : list of str, default=None
        None takes those of the process.

    Returns
    -------
    status : int
        0, or 2 when the table or the folder cannot be used.
    """
    options = _parser().parse_args(arguments)
    _let_any_text_be_printed()
    try:
        _report(options)
    except (TableError, _FolderError) as error:
        print(f"skgen: error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nskgen: interrupted, nothing was written", file=sys.stderr)
        return 130
    return 0


class _FolderError(OSError):
    """The folder for the report cannot be used."""


def _parser():
    parser = argparse.ArgumentParser(
        prog="skgen",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "table",
        nargs="?",
        metavar="TABLE.csv",
        help="delimited text, with or without a header; Fisher's irises when left out",
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("skgen-report"),
        metavar="DIR",
        help="folder for the report and its pictures (default: %(default)s)",
    )
    parser.add_argument(
        "--seed",
        type=_seed,
        default=0,
        metavar="N",
        help="one seed, one report (default: %(default)s)",
    )
    parser.add_argument(
        "--vae-steps",
        type=_count,
        default=600,
        metavar="N",
        help="training steps of the variational autoencoder, 0 for none of it "
        "(default: %(default)s)",
    )
    parser.add_argument("--version", action="version", version=f"skgen {__version__}")
    return parser


def _seed(text):
    if not text.isdecimal() or int(text) >= 2**32:
        raise argparse.ArgumentTypeError(
            f"a whole number from 0 to 2**32 - 1 is needed, got {text!r}"
        )
    return int(text)


def _count(text):
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"a whole number is needed, got {text!r}")
    return int(text)


def _let_any_text_be_printed():
    """Replace what a terminal cannot show, such as ± or a column's name."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


def _report(options):
    table = bundled_table() if options.table is None else read_table(options.table)
    _make_folder(options.out)
    n_rows, n_columns = table.values.shape
    print(f"{table.name}: {n_rows:,} rows, {n_columns} columns", file=sys.stderr)
    progress = _Progress(sys.stderr)
    analysis = analyse(table, seed=options.seed, progress=progress)
    strange = strange_rows(table, seed=options.seed, progress=progress)
    opinion = None
    if options.vae_steps:
        opinion = second_opinion(analysis, n_steps=options.vae_steps, progress=progress)
    text = report_text(analysis, opinion, strange)
    print(text)
    for line in _write(options.out, text, analysis, opinion, strange):
        print(line)


def _make_folder(folder):
    """Make the folder before the work, so that none is lost for want of a place."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _FolderError(
            f"the folder {folder} cannot be made ({error.strerror}): name another "
            "with --out"
        ) from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise _FolderError(
            f"the folder {folder} cannot be written to: name another with --out"
        )


def _write(folder, text, analysis, opinion, strange):
    """Write text and pictures; return the lines that say where they are."""
    try:
        (folder / "report.txt").write_text(text, encoding="utf-8")
        pictures = save_pictures(analysis, folder, opinion, strange)
    except ImportError as error:
        return [f"Written: {folder / 'report.txt'}", f"No pictures: {error}"]
    except OSError as error:
        raise _FolderError(
            f"{error.filename or folder} cannot be written ({error.strerror}): name "
            "another folder with --out"
        ) from None
    written = [folder / "report.txt", *pictures]
    return ["Written: " + ", ".join(str(path) for path in written)]


class _Progress:
    """Tells a person what goes on: one line that changes, or now and then a line."""

    def __init__(self, stream):
        self.stream = stream
        self.is_terminal = stream.isatty()
        self.phrase = None
        self.told = float("-inf")

    def __call__(self, phrase, done, total):
        now = time.monotonic()
        due = now - self.told >= (0.2 if self.is_terminal else 10)
        if phrase == self.phrase and not due and done < total:
            return
        if done == total and not self.is_terminal:
            return
        self.phrase, self.told = phrase, now
        message = f"{phrase}: {done} of {total}" if total > 1 else phrase
        if self.is_terminal:
            end = "\n" if done == total else ""
            print(f"\r\033[K{message}", end=end, file=self.stream, flush=True)
        else:
            print(message, file=self.stream, flush=True)


if __name__ == "__main__":
    sys.exit(main())
