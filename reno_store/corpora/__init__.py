"""The clip table: recordings with their labels and speakers, and how audio is decoded.

A manifest is a CSV. A card is a TOML file that describes how a corpus names its files, and
turns its folder into a manifest. Data flow: ``card + folder -> clips -> CSV`` once, and
``CSV -> Manifest`` in every build.
"""

from reno_store.corpora.card_reading import find_card, load_cards
from reno_store.corpora.cards import Card, Expectation, LeftOut, Subset, list_cards
from reno_store.corpora.clips import REQUIRED_COLUMNS, Clip, Manifest
from reno_store.corpora.confinement import Confinement
from reno_store.corpora.labels import label_variants, warn_of_variants
from reno_store.corpora.making import MadeManifest, make_manifest
from reno_store.corpora.names import check_name
from reno_store.corpora.reading import read_manifest
from reno_store.corpora.scanning import CardScan, Count, scan_folder
from reno_store.corpora.writing import write_manifest

__all__ = [
    "REQUIRED_COLUMNS",
    "Card",
    "CardScan",
    "Clip",
    "Confinement",
    "Count",
    "Expectation",
    "LeftOut",
    "MadeManifest",
    "Manifest",
    "Subset",
    "check_name",
    "find_card",
    "label_variants",
    "list_cards",
    "load_cards",
    "make_manifest",
    "read_manifest",
    "scan_folder",
    "warn_of_variants",
    "write_manifest",
]
