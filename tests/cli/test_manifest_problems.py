"""Commands print the first 20 problems of a wrong manifest, or all of them."""

import pytest
from click.testing import CliRunner
from factories.recordings import write_manifest_csv
from reno_cli.main import main


@pytest.fixture
def wrong(tmp_path):
    return write_manifest_csv(
        tmp_path / "m.csv", [(f"c{i}", f"{i}.wav", "", "") for i in range(30)]
    )


@pytest.mark.parametrize("command", ["build", "import"])
def test_a_wrong_manifest_prints_20_problems_or_all(wrong, tmp_path, command):
    words = {
        "build": ["build", wrong, "--model", "mfcc"],
        "import": f"import x.npy --manifest {wrong} --dataset m --model x --provenance p".split(),
    }[command]
    words = [*map(str, words), "--store", str(tmp_path / "s.zarr")]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 1
    assert result.output.count("has no label") == 20
    assert "10 more problems" in result.output
    assert "--all" in result.output
    result = CliRunner().invoke(main, [*words, "--all"])
    assert result.exit_code == 1
    assert result.output.count("has no label") == 30
    assert "To list all" not in result.output


def test_a_folder_of_strange_names_prints_20_or_all(tmp_path):
    (tmp_path / "r" / "joy").mkdir(parents=True)
    for number in range(30):
        (tmp_path / "r" / "joy" / f"a{number}\t.wav").touch()
    words = ["manifest", "folders", str(tmp_path / "r"), "-o", str(tmp_path / "m.csv")]
    result = CliRunner().invoke(main, words)
    assert result.output.count(".wav") == 20
    assert "10 more problems" in result.output
    assert CliRunner().invoke(main, [*words, "--all"]).output.count(".wav") == 30
