"""Commands of the documents that no test runs as written, each with the reason."""

import re

NOT_RUN = {
    r"^make (test|test-fast)$": "they are the tests themselves",
    r"^make (hooks|\.venv/run)$|pip install|^git clone|^cd ": "needs a network or the checkout",
    r"make report|experiments\.report": "minutes at its smallest: tests/test_report_remade.py",
    r"^make (classify|predict)\b": "runs in .venv; the same commands are run from other pages",
    r"^\. \.venv/bin/activate$": "the test's own environment is active",
    r"sbatch|#SBATCH": "needs SLURM",
    r"--coordinator": "two processes at once: tests/test_distributed.py",
    r"data_prep\.download": "needs the archive: tests/test_download.py has a local one",
    r"experiments\.ablate": "dozens of trainings: tests/test_ablation.py",
    r"(experiments|data_prep)\.benchmark": "minutes: tests/test_benchmark.py",
    r"\.hdf5": "needs files of MultimodalUniverse: tests/test_multimodal.py makes some",
    r"test_weights": "needs weights of QuasarNP: tests/test_keras_weights.py",
}
"""Pattern of a command -> why it is not run."""


def why_not(command: str) -> str | None:
    """The reason why a command is not run; None for one that is."""
    return next((why for pattern, why in NOT_RUN.items() if re.search(pattern, command)), None)
