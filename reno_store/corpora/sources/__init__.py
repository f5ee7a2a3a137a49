"""Manifests from where corpora live: Hugging Face datasets, audformat databases, other CSVs.

Data flow: ``source -> rows -> clips -> CSV``. `columns` decides which column of a source is the
label, the speaker and so on, and turns rows into clips; `hf_datasets`, `audformat` and
`foreign_csv` read the rows. Audio inside parquet and Arrow files stays there (`corpora.embedded`).
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
