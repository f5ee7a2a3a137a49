"""The ledger: outcomes kept one by one when finished, found again by what went into them.

An outcome is a JSON value, its recipe another that says everything it depends on. Its place
follows from the recipe's hash, so that nothing that has changed is ever taken for what it
was: the changed recipe leads elsewhere.
"""

from reno_store.studies.ledger.files import FORMAT, Ledger, hash_json

__all__ = ["FORMAT", "Ledger", "hash_json"]
