from .audformat import manifest_from_audformat
from .foreign_csv import manifest_from_csv
from .hf_datasets import manifest_from_hf_dataset

__all__ = ["manifest_from_audformat", "manifest_from_csv", "manifest_from_hf_dataset"]
