"""The whole job on made-up recordings: `voice` makes them, `running` does the rest."""

from reno_store.demo.running import Demo, build_demo_store, run_demo

__all__ = ["Demo", "build_demo_store", "run_demo"]
