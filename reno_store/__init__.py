"""Embeddings of non-verbal vocalisations from frozen audio foundation models.

Computed once into a Zarr store, and learned from with the classifiers of the paper
"Are Mamba-based Audio Foundation Models the Best Fit for Non-Verbal Emotion Recognition?".

Public names are loaded when first used, so that importing the package costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reno_store.corpora import Clip, Manifest, make_manifest, read_manifest, write_manifest
    from reno_store.errors import RenoStoreError
    from reno_store.estimators import (
        CNNClassifier,
        ConcatClassifier,
        FCNClassifier,
        RENOClassifier,
    )
    from reno_store.estimators.networks import renyi_divergence
    from reno_store.estimators.searching import RENOGridSearchCV
    from reno_store.exchange.exporting import export_samples
    from reno_store.exchange.importing import ImportReport, import_embeddings
    from reno_store.exchange.merging import MergeReport, merge_stores
    from reno_store.exchange.verification import Verification, verify_store
    from reno_store.extraction import embed_files
    from reno_store.extraction.build import BuildReport, build_store
    from reno_store.foundation_models import FoundationModel, load_model
    from reno_store.reports.page import Report, write_report
    from reno_store.samples import EmbeddingLookup, EmbeddingStore, Samples, open_store
    from reno_store.studies import Study, StudyRequest, recall_study, run_study
    from reno_store.studies.evaluation import Evaluation, ProtocolSplitter, evaluate, evaluate_store

_HOME_OF = {
    "BuildReport": "extraction.build",
    "CNNClassifier": "estimators",
    "Clip": "corpora",
    "ConcatClassifier": "estimators",
    "EmbeddingLookup": "samples",
    "EmbeddingStore": "samples",
    "Evaluation": "studies.evaluation",
    "FCNClassifier": "estimators",
    "FoundationModel": "foundation_models",
    "ImportReport": "exchange.importing",
    "Manifest": "corpora",
    "MergeReport": "exchange.merging",
    "ProtocolSplitter": "studies.evaluation",
    "RENOClassifier": "estimators",
    "RENOGridSearchCV": "estimators.searching",
    "RenoStoreError": "errors",
    "Report": "reports.page",
    "Samples": "samples",
    "Study": "studies",
    "StudyRequest": "studies",
    "Verification": "exchange.verification",
    "build_store": "extraction.build",
    "embed_files": "extraction",
    "evaluate": "studies.evaluation",
    "evaluate_store": "studies.evaluation",
    "export_samples": "exchange.exporting",
    "import_embeddings": "exchange.importing",
    "load_model": "foundation_models",
    "make_manifest": "corpora",
    "merge_stores": "exchange.merging",
    "open_store": "samples",
    "read_manifest": "corpora",
    "recall_study": "studies",
    "renyi_divergence": "estimators.networks",
    "run_study": "studies",
    "verify_store": "exchange.verification",
    "write_manifest": "corpora",
    "write_report": "reports.page",
}

__version__ = "0.1.0"

__all__ = [
    "BuildReport",
    "CNNClassifier",
    "Clip",
    "ConcatClassifier",
    "EmbeddingLookup",
    "EmbeddingStore",
    "Evaluation",
    "FCNClassifier",
    "FoundationModel",
    "ImportReport",
    "Manifest",
    "MergeReport",
    "ProtocolSplitter",
    "RENOClassifier",
    "RENOGridSearchCV",
    "RenoStoreError",
    "Report",
    "Samples",
    "Study",
    "StudyRequest",
    "Verification",
    "build_store",
    "embed_files",
    "evaluate",
    "evaluate_store",
    "export_samples",
    "import_embeddings",
    "load_model",
    "make_manifest",
    "merge_stores",
    "open_store",
    "read_manifest",
    "recall_study",
    "renyi_divergence",
    "run_study",
    "verify_store",
    "write_manifest",
    "write_report",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'reno_store' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"reno_store.{_HOME_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
