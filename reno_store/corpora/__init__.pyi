from .card_reading import find_card, load_cards
from .cards import Card, Expectation, list_cards
from .clips import REQUIRED_COLUMNS, Clip, Manifest
from .confinement import Confinement
from .labels import label_variants, warn_of_variants
from .making import make_manifest
from .names import check_name
from .reading import read_manifest
from .scanning import CardScan, Count, scan_folder
from .writing import write_manifest

__all__ = [
    "REQUIRED_COLUMNS",
    "Card",
    "CardScan",
    "Clip",
    "Confinement",
    "Count",
    "Expectation",
    "Manifest",
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
