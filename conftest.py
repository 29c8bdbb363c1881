"""Settings for the whole test run: notebooks compute little, and kernels say nothing but what a chapter says."""

import os

os.environ.setdefault("MINIGAN_SCALE", "quick")
os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")

collect_ignore_glob = ["notebooks/src/*", "tests/bank/*", "*/.ipynb_checkpoints/*"]
