"""Sections of `on_gpu.py`, each run in a process of its own.

`sections` is the table of them, `running` starts one and stops it at its limit, `results`
holds and prints what they measure. `settings` has the device and the two sizes, `machine` the
clock and the memory of a device, `profiles` what torch's profiler saw. `material` makes clips,
recordings and checkpoints with random weights; `peers` is what people write with transformers;
`ours` is what is used of reno_store beyond its public names.
"""
