"""Settings of the documentation; it builds without a network."""

import os

import skgen

project = "skgen"
author = "the skgen developers"
version = release = skgen.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.extlinks",
    "sphinx.ext.mathjax",
    "sphinx.ext.viewcode",
    "numpydoc",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "_templates", "examples"]
templates_path = ["_templates"]

autodoc_default_options = {
    "members": True,
    "inherited-members": True,
    # Machinery of scikit-learn, documented there, with links only its site can follow.
    "exclude-members": ", ".join(
        [
            "get_metadata_routing",
            "set_callbacks",
            "set_fit_request",
            "set_output",
            "set_partial_fit_request",
            "set_predict_request",
            "set_score_request",
        ]
    ),
}
numpydoc_show_class_members = False

sphinx_gallery_conf = {
    "examples_dirs": "examples",
    "gallery_dirs": "auto_examples",
    "backreferences_dir": "api/generated/backreferences",
    "doc_module": ("skgen",),
    "reference_url": {"skgen": None},
    "download_all_examples": False,
    "show_memory": False,
    "abort_on_example_error": True,
}

# Links into other projects' pages need a network, so they are asked for by name.
if os.environ.get("SKGEN_DOC_INTERSPHINX"):
    extensions.append("sphinx.ext.intersphinx")
    intersphinx_mapping = {
        "python": ("https://docs.python.org/3", None),
        "numpy": ("https://numpy.org/doc/stable", None),
        "scipy": ("https://docs.scipy.org/doc/scipy", None),
        "sklearn": ("https://scikit-learn.org/stable", None),
    }

html_theme = "pydata_sphinx_theme"
html_title = "skgen"
html_theme_options = {"show_toc_level": 2, "secondary_sidebar_items": ["page-toc"]}
html_sidebars = {"install": [], "decisions": []}

# References in docstrings name papers by :doi:`...` or :arxiv:`...`.
extlinks = {
    "doi": ("https://doi.org/%s", "doi:%s"),
    "arxiv": ("https://arxiv.org/abs/%s", "arXiv:%s"),
}
