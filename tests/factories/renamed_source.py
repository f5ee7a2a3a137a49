"""The package with another device's name wherever its source says "cuda"."""

import ast
import importlib.abc
import importlib.machinery

__all__ = ["Finder"]


class Finder(importlib.abc.MetaPathFinder):
    """Finds `reno_store`'s modules, and has them compiled with a name in place of "cuda"."""

    def __init__(self, name):
        self._name = name

    def find_spec(self, fullname, path, target=None):
        if fullname.partition(".")[0] != "reno_store":
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path)
        if spec is not None and isinstance(spec.loader, importlib.machinery.SourceFileLoader):
            spec.loader = _Loader(fullname, spec.loader.path)
            spec.loader.device = self._name
        return spec


class _Loader(importlib.machinery.SourceFileLoader):
    device = ""

    def get_code(self, fullname):
        # Nothing is kept in __pycache__, where others would find it.
        tree = _Renaming(self.device).visit(ast.parse(self.get_data(self.path)))
        return compile(tree, self.path, "exec", dont_inherit=True)


class _Renaming(ast.NodeTransformer):
    """Renames the text "cuda", torch.cuda and is_cuda; messages and docstrings stay."""

    def __init__(self, name):
        self._name = name

    def visit_Constant(self, node):
        if node.value == "cuda":
            node.value = self._name
        return node

    def visit_Attribute(self, node):
        self.generic_visit(node)
        own = {"cuda": self._name, "is_cuda": f"is_{self._name}"}
        node.attr = own.get(node.attr, node.attr)
        return node
