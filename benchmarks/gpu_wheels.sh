#!/usr/bin/env bash
# Collect what a machine with a GPU and no network lacks, as wheels, for on_gpu.py.
#
#   benchmarks/gpu_wheels.sh FOLDER
#
# The machine has Python 3.12 on x86-64 Linux, torch, transformers and the other packages of
# `there` below; reno-store itself is run from a checkout. Versions are those of constraints.txt.
# At the end everything that a collected wheel or reno-store requires must be in the folder or
# on the machine, and the folder must not hold more than 60 MB. Set PYTHON to use another Python.
set -euo pipefail
if [ $# -ne 1 ]; then
  echo "usage: benchmarks/gpu_wheels.sh FOLDER" >&2
  exit 2
fi
root=$(cd "$(dirname "$0")/.." && pwd)
python=${PYTHON:-python3}
wheels=(lazy-loader zarr numcodecs donfig google-crc32c skorch soundfile soxr cffi pycparser)
there=(
  click filelock huggingface-hub jinja2 joblib matplotlib numpy packaging pandas pyyaml rich safetensors
  scikit-learn scipy tabulate threadpoolctl torch tqdm transformers typing-extensions
)
mkdir -p "$1"
platforms=(--platform any)
for minor in 28 27 24 17 12 5; do
  platforms+=(--platform "manylinux_2_${minor}_x86_64")
done
"$python" -m pip download --quiet --no-deps --only-binary=:all: \
  --python-version 3.12 --implementation cp --abi cp312 --abi abi3 --abi none \
  "${platforms[@]}" --platform manylinux2014_x86_64 --platform manylinux1_x86_64 \
  --constraint "$root/constraints.txt" --dest "$1" "${wheels[@]}"
"$python" - "$1" "$root/pyproject.toml" "${wheels[*]}" "${there[*]}" <<'CHECK'
import sys
import tomllib
import zipfile
from email.parser import Parser
from pathlib import Path

from pip._vendor.packaging.requirements import Requirement
from pip._vendor.packaging.utils import canonicalize_name, parse_wheel_filename

folder, pyproject, asked, there = sys.argv[1:]
target = {
    "python_version": "3.12",
    "python_full_version": "3.12.3",
    "sys_platform": "linux",
    "platform_system": "Linux",
    "platform_machine": "x86_64",
    "os_name": "posix",
    "implementation_name": "cpython",
    "platform_python_implementation": "CPython",
    "extra": "",
}
problems, versions, required = [], {}, []
for path in sorted(Path(folder).glob("*.whl")):
    name, version, _, _ = parse_wheel_filename(path.name)
    if name in versions:
        problems.append(f"{name}: two wheels, {versions[name]} and {version}; remove one")
    versions[name] = version
    with zipfile.ZipFile(path) as wheel:
        (metadata,) = (each for each in wheel.namelist() if each.endswith(".dist-info/METADATA"))
        lines = Parser().parsestr(wheel.read(metadata).decode()).get_all("Requires-Dist") or []
    required += [(name, Requirement(line)) for line in lines]
project = tomllib.loads(Path(pyproject).read_text("utf-8"))["project"]
required += [("reno-store", Requirement(line)) for line in project["dependencies"]]
on_machine = {canonicalize_name(name) for name in there.split()}
problems += [f"{name}: not collected" for name in asked.split() if name not in versions]
for by, requirement in required:
    name = canonicalize_name(requirement.name)
    if requirement.marker is not None and not requirement.marker.evaluate(target):
        continue
    if name in versions:
        if not requirement.specifier.contains(versions[name], prereleases=True):
            problems.append(f"{by} requires {requirement}; collected is {versions[name]}")
    elif name not in on_machine:
        problems.append(f"{by} requires {requirement}, which is neither here nor on the machine")
megabytes = sum(path.stat().st_size for path in Path(folder).glob("*.whl")) / 1e6
if megabytes > 60:
    problems.append(f"{megabytes:.0f} MB of wheels; expected at most 60")
for problem in problems:
    print(problem, file=sys.stderr)
print(f"{len(versions)} wheels, {megabytes:.1f} MB, in {folder}")
sys.exit(1 if problems else 0)
CHECK
