"""Recognizers on the hub: pushed without anything of this machine, pulled, and loaded by name."""

import hashlib
import json
import shutil
import socket
from pathlib import Path

import pytest
from click.testing import CliRunner
from factories.checkpoints import write_checkpoint
from factories.hub_server import serve_hub, use_hub
from factories.hub_uploads import READ_TOKEN, WRITE_TOKEN
from factories.recognizers import SMALL
from reno_cli.main import main

import reno_store as rs
from reno_store.errors import ModelError, RecognizerError, UnknownNameError
from reno_store.recognition.hub import HubPlace

# huggingface_hub calls its HTTP library like that.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=<...>' to upload:DeprecationWarning")

ID = "me/laughs"
FILES = ["README.md", "config.json", "model.safetensors"]


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A hub without models, and the token of its user `me` on this machine."""
    with serve_hub() as hub:
        use_hub(monkeypatch, hub.url, tmp_path / "cache")
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_IMPLICIT_TOKEN", False)
        monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(tmp_path / "none"))
        log_in(monkeypatch, WRITE_TOKEN)
        yield hub


@pytest.fixture
def cut_off(tmp_path, monkeypatch):
    """Gives what takes the hub from the network."""

    def cut():
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            port = taken.getsockname()[1]
        use_hub(monkeypatch, f"http://127.0.0.1:{port}", tmp_path / "cache")

    return cut


def log_in(monkeypatch, token):
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_OIDC_RESOURCE"):
        monkeypatch.delenv(name, raising=False)
    if token:
        monkeypatch.setenv("HF_TOKEN", token)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return write_checkpoint(tmp_path_factory.mktemp("private") / "my tiny", "wav2vec2")


@pytest.fixture(scope="module")
def local(corpus, checkpoint, tmp_path_factory):
    folder = tmp_path_factory.mktemp("local")
    models = ["mfcc", f"tiny=hf:{checkpoint}?layer=1"]
    rs.build_store(corpus / "cries.csv", folder / "my.zarr", models, progress=False)
    trained = rs.train_recognizer(
        folder / "my.zarr", "cries", models, settings=SMALL, scores=False, progress=False
    )
    return rs.save_recognizer(trained, folder / "laughs")


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def run(*words):
    return CliRunner().invoke(main, list(map(str, words)))


def refuse(match, call, *given, error=RecognizerError, **how):
    with pytest.raises(error, match=match) as caught:
        call(*given, **how)
    return caught.value


@pytest.mark.parametrize(
    "text",
    ["laughs", "hf:laughs", "hf:/home/me/laughs", "me/laughs/x", "hf:me/..", "me/laughs@",
     "me/laughs@../../x", "me/laughs?revision=x", "-me/laughs", "me/laughs@a\nb"],
)  # fmt: skip
def test_what_is_no_name_of_a_recognizer_is_refused(text):
    refuse("expected hf:OWNER/NAME", HubPlace.parse, text)


class TestRoundTrip:
    def test_a_pushed_recognizer_predicts_the_same_elsewhere(self, hub, saved, trained, paths):
        place = rs.push_recognizer(saved, ID)
        assert place == f"hf:{ID}@{hub.newest(ID)}"
        expected = trained.predict_proba(paths[:3]).tobytes()
        for name in (place, f"hf:{ID}"):
            assert rs.load_recognizer(name).predict_proba(paths[:3]).tobytes() == expected

    def test_only_the_files_of_a_recognizer_are_uploaded_and_downloaded(self, hub, edited):
        (edited / "secret.txt").write_text("x")
        rs.push_recognizer(edited, ID)
        assert sorted(hub.files(ID)) == [".gitattributes", *FILES]
        files = {**hub.files(ID), "setup.py": b"x", "model.pkl": b"x", "x/config.json": b"x"}
        hub.commit(ID, files)
        rs.load_recognizer(f"hf:{ID}")
        assert hub.fetched() == FILES

    def test_large_files_are_uploaded_apart_and_once(self, hub, saved):
        rs.push_recognizer(saved, ID)
        (digest,) = hub.objects
        assert digest == hashlib.sha256(contents(saved)["model.safetensors"]).hexdigest()
        rs.push_recognizer(saved, "me/again")
        assert [method for method, _ in hub.asked].count("PUT") == 1

    def test_the_card_names_the_place(self, hub, saved, trained):
        rs.push_recognizer(saved, ID)
        card = hub.files(ID)["README.md"].decode()
        assert f"reno-store predict hf:{ID} " in card
        assert card.replace(f"hf:{ID}", "THIS_FOLDER") == trained.card
        assert contents(saved)["README.md"].decode() == trained.card

    def test_a_pulled_folder_is_the_pushed_one(self, hub, saved, tmp_path):
        commit = rs.push_recognizer(saved, ID)
        pulled = rs.pull_recognizer(commit, tmp_path / "pulled")
        assert contents(pulled) == {name: hub.files(ID)[name] for name in FILES}
        expected = contents(saved)
        assert {**contents(pulled), "README.md": expected["README.md"]} == expected

    def test_a_pull_overwrites_a_recognizer_alone(self, hub, saved, tmp_path):
        rs.push_recognizer(saved, ID)
        (tmp_path / "notes").mkdir()
        (tmp_path / "notes" / "notes.txt").write_text("mine")
        refuse("not a recognizer", rs.pull_recognizer, ID, tmp_path / "notes", overwrite=True)
        mine = shutil.copytree(saved, tmp_path / "mine")
        (mine / "notes.txt").write_text("mine")
        (mine / "classifier.skops").write_text("old")
        asked = len(hub.asked)
        refuse("already", rs.pull_recognizer, ID, mine)
        assert len(hub.asked) == asked
        rs.pull_recognizer(ID, mine, overwrite=True)
        assert sorted(contents(mine)) == sorted([*FILES, "notes.txt"])

    def test_a_branch_is_made_and_another_commit_is_used(self, hub, saved, edited):
        first = rs.push_recognizer(saved, ID)
        (edited / "README.md").write_text('---\nlicense: "mit"\n---\nsecond')
        rs.push_recognizer(edited, f"{ID}@v2")
        assert rs.load_recognizer(f"hf:{ID}@v2").card.endswith("second")
        assert rs.load_recognizer(f"hf:{ID}").card == rs.load_recognizer(first).card
        assert "second" not in rs.load_recognizer(first).card
        rs.push_recognizer(edited, ID)
        assert rs.load_recognizer(f"hf:{ID}").card.endswith("second")
        assert "second" not in rs.load_recognizer(first).card

    def test_the_copy_on_this_machine_is_used_where_there_is_no_network(
        self, hub, saved, trained, paths, cut_off, capsys
    ):
        commit = rs.push_recognizer(saved, ID)
        rs.load_recognizer(f"hf:{ID}")
        cut_off()
        capsys.readouterr()
        rs.load_recognizer(commit)
        assert not capsys.readouterr().err
        loaded = rs.load_recognizer(f"hf:{ID}")
        assert hub.newest(ID)[:12] in capsys.readouterr().err
        assert loaded.predict(paths[:2]).tolist() == trained.predict(paths[:2]).tolist()

    def test_a_classifier_of_scikit_learn_is_replaced_by_a_network(
        self, hub, corpus, saved, tmp_path
    ):
        pytest.importorskip("skops")
        logreg = rs.train_recognizer(
            corpus / "my.zarr", "cries", "mfcc", estimator="logreg", scores=False, progress=False
        )
        rs.push_recognizer(rs.save_recognizer(logreg, tmp_path / "logreg"), ID)
        assert "classifier.skops" in hub.files(ID)
        assert type(rs.load_recognizer(f"hf:{ID}").classifier).__name__ == "LogisticRegression"
        rs.push_recognizer(saved, ID)
        assert sorted(hub.files(ID)) == [".gitattributes", *FILES]
        assert type(rs.load_recognizer(f"hf:{ID}").classifier).__name__ == "RENOClassifier"


class TestRefusals:
    def test_what_the_hub_does_not_have_or_give(self, hub, saved, monkeypatch):
        load = rs.load_recognizer
        refuse("no such model, or it is private", load, "hf:me/none")
        rs.push_recognizer(saved, ID)
        refuse("no branch, tag or commit 'v9'", load, f"hf:{ID}@v9")
        hub.refusals[f"/api/models/{ID}"] = 403, {"X-Error-Code": "GatedRepo"}
        refuse("accept their terms", load, f"hf:{ID}")
        hub.refusals[f"/api/models/{ID}"] = (
            401,
            {"X-Error-Message": "Invalid credentials in Authorization header"},
        )
        refuse("token is not valid", load, f"hf:{ID}")
        hub.refusals.clear()
        hub.private.add(ID)
        load(f"hf:{ID}")
        log_in(monkeypatch, None)
        refuse("no such model, or it is private", load, f"hf:{ID}")

    def test_a_hub_that_cannot_be_reached(self, hub, saved, cut_off, monkeypatch):
        cut_off()
        refuse("cannot be reached", rs.load_recognizer, f"hf:{ID}")
        refuse("cannot be reached", rs.push_recognizer, saved, ID)
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
        refuse("cannot be reached", rs.load_recognizer, f"hf:{ID}")

    def test_a_model_that_is_no_recognizer(self, hub, tmp_path):
        checkpoint = write_checkpoint(tmp_path / "checkpoint", "wav2vec2")
        hub.push("me/encoder", checkpoint)
        refuse("not a recognizer: it has another", rs.load_recognizer, "hf:me/encoder")
        assert hub.fetched() == ["config.json"]
        hub.commit("me/empty", {".gitattributes": b""})
        refuse("not a recognizer: it has no", rs.load_recognizer, "hf:me/empty")

    def test_an_edited_recognizer_is_refused_as_in_a_folder(self, hub, saved, tmp_path):
        rs.push_recognizer(saved, ID)
        files = dict(hub.files(ID))
        config = files["config.json"].replace(b'"cry"', b'"joy"')
        hub.commit(ID, {**files, "config.json": config})
        refuse(rf"hf:{ID}: .*edited", rs.load_recognizer, f"hf:{ID}")
        refuse("edited", rs.pull_recognizer, ID, tmp_path / "pulled")
        assert not (tmp_path / "pulled").exists()
        hub.commit(ID, {**files, "model.safetensors": files["model.safetensors"][:-4]})
        refuse(f"hf:{ID}: .*hash differs", rs.load_recognizer, f"hf:{ID}")
        del files["model.safetensors"]
        hub.commit(ID, files)
        refuse(f"hf:{ID}: .*missing", rs.load_recognizer, f"hf:{ID}")

    @pytest.mark.parametrize(
        ("token", "told"), [(None, "has no token"), (READ_TOKEN, "right to write")]
    )
    def test_a_push_needs_a_token_that_may_write(self, hub, saved, monkeypatch, token, told):
        log_in(monkeypatch, token)
        refuse(told, rs.push_recognizer, saved, ID)
        assert not hub.has(ID)

    def test_a_name_of_somebody_else(self, hub, saved):
        refuse("right to write to 'you'", rs.push_recognizer, saved, "you/laughs")

    def test_nothing_else_on_the_hub_is_overwritten(self, hub, saved, tmp_path):
        checkpoint = write_checkpoint(tmp_path / "checkpoint", "wav2vec2")
        commit = hub.push(ID, checkpoint)
        refuse("holds something else", rs.push_recognizer, saved, ID)
        hub.commit("me/weights", {"model.safetensors": b"x"})
        refuse("holds something else", rs.push_recognizer, saved, "me/weights")
        assert hub.newest(ID) == commit

    def test_private_is_private(self, hub, saved):
        rs.push_recognizer(saved, "me/diary", private=True)
        assert "me/diary" in hub.private
        rs.push_recognizer(saved, "me/diary", private=True)
        rs.push_recognizer(saved, ID)
        commit = hub.newest(ID)
        refuse("is public", rs.push_recognizer, saved, ID, private=True)
        assert hub.newest(ID) == commit

    def test_a_repository_that_changes_meanwhile_is_not_overwritten(self, hub, saved):
        rs.push_recognizer(saved, ID)
        hub.refusals[f"/api/models/{ID}/commit"] = 412, {}
        refuse("changed it meanwhile", rs.push_recognizer, saved, ID)

    def test_a_card_with_a_wrong_header(self, hub, edited):
        (edited / "README.md").write_text("---\nlicense: [\n---\n")
        refuse("Invalid metadata in README", rs.push_recognizer, edited, ID)

    def test_a_link_to_another_file_is_not_published(self, hub, edited, tmp_path):
        (tmp_path / "secret.txt").write_text("x")
        (edited / "README.md").unlink()
        (edited / "README.md").symlink_to(tmp_path / "secret.txt")
        refuse("README.md is a link", rs.push_recognizer, edited, ID)
        assert not hub.asked

    def test_a_damaged_folder_is_not_published(self, hub, edited):
        (edited / "model.safetensors").write_bytes(b"x")
        refuse("hash differs", rs.push_recognizer, edited, ID)
        refuse("not a folder", rs.push_recognizer, edited / "none", ID)
        assert not hub.asked


class TestLocalModels:
    """A foundation model in a folder of this machine has no name that others can use."""

    def test_they_are_refused(self, hub, local):
        error = refuse("folder of this machine.*tiny=hf:", rs.push_recognizer, local, ID)
        assert error.remedies[0].arguments == {"models": ("tiny=SPEC",)}
        assert not hub.asked

    def test_a_model_of_the_hub_takes_their_place(self, hub, local, checkpoint, paths, tmp_path):
        hub.push("me/tiny", checkpoint)
        before = contents(local)
        rs.push_recognizer(local, ID, models="tiny=hf:me/tiny?layer=1")
        published = b"".join(hub.files(ID).values()).decode("latin-1")
        assert str(checkpoint.parent) not in published
        assert "tiny=hf:me/tiny?layer=1" in hub.files(ID)["README.md"].decode()
        assert contents(local) == before
        theirs = rs.load_recognizer(f"hf:{ID}")
        assert theirs.models[1].spec == "tiny=hf:me/tiny?layer=1"
        expected = rs.load_recognizer(local).predict_proba(paths[:2])
        assert theirs.predict_proba(paths[:2]).tobytes() == expected.tobytes()
        config = json.loads(before["config.json"])
        assert {**json.loads(hub.files(ID)["config.json"]), "models": 0, "files": 0} == {
            **config, "models": 0, "files": 0
        }  # fmt: skip

    def test_another_model_is_refused(self, hub, local, tmp_path):
        other = write_checkpoint(tmp_path / "other", "wav2vec2", seed=1)
        hub.push("me/other", other)
        for spec in ("tiny=hf:me/other?layer=1", "tiny=mfcc"):
            refuse("not the one of training", rs.push_recognizer, local, ID, models=spec,
                   error=ModelError)  # fmt: skip
        refuse("did you mean 'tiny'", rs.push_recognizer, local, ID, models="tny=mfcc",
               error=UnknownNameError)  # fmt: skip
        refuse("did you mean 'tiny'", rs.push_recognizer, local, ID,
               models="tny=audio-mamba-base", error=UnknownNameError)  # fmt: skip
        assert not hub.has(ID)

    def test_a_checkpoint_of_its_authors_is_published_by_its_name(self, hub, local, paths):
        rs.push_recognizer(local, ID, models="tiny=audio-mamba-tiny")
        theirs = rs.load_recognizer(f"hf:{ID}")
        error = refuse("authors share", theirs.predict, paths[:1], error=ModelError)
        assert error.remedies[0].arguments == {"models": "tiny=SPEC"}

    def test_a_path_in_the_card_is_not_published(self, hub, edited, local, checkpoint, tmp_path):
        hub.push("me/tiny", checkpoint)
        copy = shutil.copytree(local, tmp_path / "copy")
        with (copy / "README.md").open("a") as card:
            card.write(f"The checkpoint is in `{checkpoint}`.\n")
        spec = "tiny=hf:me/tiny?layer=1"
        refuse("README.md contains the path", rs.push_recognizer, copy, ID, models=spec)
        (edited / "README.md").write_text(f"My recordings are in {Path.home()}/voices.\n")
        refuse("README.md contains the path", rs.push_recognizer, edited, ID)
        assert not hub.has(ID)


class TestCommands:
    def test_push_predict_and_pull(self, hub, saved, paths, tmp_path):
        done = run("push", saved, ID)
        assert done.exit_code == 0, done.output
        assert done.stdout == f"hf:{ID}@{hub.newest(ID)}\n"
        assert f"reno-store predict hf:{ID} RECORDING" in done.stderr
        theirs = run("predict", f"hf:{ID}", paths[0])
        assert theirs.exit_code == 0, theirs.output
        assert theirs.stdout == run("predict", saved, paths[0]).stdout
        done = run("pull", ID, tmp_path / "pulled")
        assert (done.exit_code, done.stdout) == (0, f"{tmp_path / 'pulled'}\n"), done.output
        done = run("pull", ID, tmp_path / "pulled")
        assert (done.exit_code, "--force" in done.output) == (1, True)
        assert run("pull", ID, tmp_path / "pulled", "--force").exit_code == 0

    def test_problems_are_worded(self, hub, saved, paths, tmp_path, monkeypatch):
        for words, told in (
            (("predict", "hf:me/none", paths[0]), "no such model"),
            (("predict", "hf:laughs", paths[0]), "expected hf:OWNER/NAME"),
            (("pull", "me/none", tmp_path / "x"), "no such model"),
            (("pull", "laughs", tmp_path / "x"), "expected hf:OWNER/NAME"),
            (("push", tmp_path, ID), "has no config.json"),
            (("push", saved, "laughs"), "expected hf:OWNER/NAME"),
        ):
            done = run(*words)
            assert (done.exit_code, told in done.output) == (1, True), done.output
        log_in(monkeypatch, None)
        done = run("push", saved, ID)
        assert (done.exit_code, "hf auth login" in done.output) == (1, True)
