"""Places: folders of this machine, and prefixes of keys in a bucket.

A local folder is a `pathlib.Path`; a prefix of a bucket is a `BucketPlace`, which has the methods
of a path that both can have. `folders` has what they do differently, `opening` turns what the
user typed into one of them, `connecting` connects, and `bucket` sends the requests: these two
know obstore. `bucket_file` reads parts of an object as of a file.
"""

from reno_store.runtime.places.bucket import Bucket, Tag
from reno_store.runtime.places.bucket_file import BucketFile
from reno_store.runtime.places.bucket_place import BucketPlace
from reno_store.runtime.places.folders import (
    Place,
    concurrently,
    has_files,
    remove_tree,
    subfolders,
    tree_bytes,
)
from reno_store.runtime.places.opening import open_place

__all__ = [
    "Bucket",
    "BucketFile",
    "BucketPlace",
    "Place",
    "Tag",
    "concurrently",
    "has_files",
    "open_place",
    "remove_tree",
    "subfolders",
    "tree_bytes",
]
