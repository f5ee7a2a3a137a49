__version__: str

from .corpora import Clip, Manifest, make_manifest, read_manifest, write_manifest
from .corpora.sources import (
    manifest_from_audformat,
    manifest_from_csv,
    manifest_from_hf_dataset,
)
from .errors import RenoStoreError
from .estimators import (
    CNNClassifier,
    ConcatClassifier,
    FCNClassifier,
    RENOClassifier,
)
from .estimators.networks import renyi_divergence
from .estimators.searching import RENOGridSearchCV
from .exchange.exporting import export_samples
from .exchange.importing import ImportReport, import_embeddings
from .exchange.merging import MergeReport, merge_stores
from .exchange.verification import Verification, verify_store
from .extraction import EmbeddedWindows, embed_files, embed_windows
from .extraction.build import BuildReport, build_store
from .foundation_models import FoundationModel, load_model
from .recognition import (
    Recognizer,
    load_recognizer,
    pull_recognizer,
    push_recognizer,
    save_recognizer,
    train_recognizer,
)
from .reports.page import Report, write_report
from .reports.tracking import track_study
from .samples import AudioEmbedder, EmbeddingLookup, EmbeddingStore, Samples, open_store
from .store import remove_from_store
from .studies import (
    CorpusSplitter,
    Evaluation,
    LabelMap,
    ProtocolSplitter,
    Study,
    StudyRequest,
    evaluate,
    evaluate_store,
    read_label_map,
    recall_study,
    run_study,
)

__all__ = [
    "AudioEmbedder",
    "BuildReport",
    "CNNClassifier",
    "Clip",
    "ConcatClassifier",
    "CorpusSplitter",
    "EmbeddedWindows",
    "EmbeddingLookup",
    "EmbeddingStore",
    "Evaluation",
    "FCNClassifier",
    "FoundationModel",
    "ImportReport",
    "LabelMap",
    "Manifest",
    "MergeReport",
    "ProtocolSplitter",
    "RENOClassifier",
    "RENOGridSearchCV",
    "Recognizer",
    "RenoStoreError",
    "Report",
    "Samples",
    "Study",
    "StudyRequest",
    "Verification",
    "build_store",
    "embed_files",
    "embed_windows",
    "evaluate",
    "evaluate_store",
    "export_samples",
    "import_embeddings",
    "load_model",
    "load_recognizer",
    "make_manifest",
    "manifest_from_audformat",
    "manifest_from_csv",
    "manifest_from_hf_dataset",
    "merge_stores",
    "open_store",
    "pull_recognizer",
    "push_recognizer",
    "read_label_map",
    "read_manifest",
    "recall_study",
    "remove_from_store",
    "renyi_divergence",
    "run_study",
    "save_recognizer",
    "track_study",
    "train_recognizer",
    "verify_store",
    "write_manifest",
    "write_report",
]
