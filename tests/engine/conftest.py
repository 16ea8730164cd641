"""How tests run here: Hypothesis without a clock, since a machine may be busy with other work; and what is numeric."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("untimed", deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

NOT_NUMERIC = {
    "test_command_line", "test_docs_links", "test_downloads", "test_evaluation_report", "test_export",
    "test_extension_types", "test_guide", "test_import_graph", "test_inert_pickle", "test_messages",
    "test_model_folder", "test_prepare", "test_runtime", "test_shared_files", "test_smpl_file", "test_storyboard",
    "test_test_tools", "test_torch_builds", "test_words", "test_zip_contents",
}  # fmt: skip
"""Tests of files, processes and words. All others calculate, so `make test-processors` runs them in several ways."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.stem not in NOT_NUMERIC:
            item.add_marker(pytest.mark.numeric)


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """PyTorch in one thread: threads of small products wait for each other, for seconds where the machine is busy."""
    torch = pytest.importorskip("torch")
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
