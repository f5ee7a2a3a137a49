from .running import MergeReport, ModelMerge, merge_stores

__all__ = ["MergeReport", "ModelMerge", "merge_stores"]
