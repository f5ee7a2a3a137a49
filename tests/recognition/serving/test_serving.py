"""The page that recognizes recordings: what it answers, and whom it refuses."""

import contextlib
import http.client
import json
import os
import re
import shutil
import socket
import sys
import tempfile
import threading
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner
from reno_cli.main import main
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from reno_store import AudioEmbedder
from reno_store.errors import RenoStoreError
from reno_store.recognition import Recognizer, save_recognizer, serving
from reno_store.recognition.serving import Limits, make_app, serve
from reno_store.recognition.serving.answers import answering, described

uvicorn = pytest.importorskip("uvicorn")


def sound(kind, seconds, rate_hz=16_000, seed=0):
    """Return a hum, or a hiss."""
    rng, n = np.random.default_rng(seed), int(seconds * rate_hz)
    if kind == "hiss":
        return rng.normal(0, 0.1, n)
    return 0.3 * np.sin(2 * np.pi * (150 + seed) * np.arange(n) / rate_hz)


@pytest.fixture(scope="session")
def recognizer():
    kinds = ["hiss", "hum"] * 6
    recordings = [(sound(kind, 0.5, seed=n), 16_000) for n, kind in enumerate(kinds)]
    pipeline = make_pipeline(AudioEmbedder("mfcc"), StandardScaler(), LogisticRegression())
    return Recognizer.of_pipeline(pipeline.fit(recordings, kinds))


@pytest.fixture(scope="session")
def address(recognizer):
    limits = Limits(megabytes=2.0, seconds=20.0)
    app = make_app(
        answering(recognizer, limits), name="sounds", text=described(recognizer), limits=limits
    )
    with running(app) as port:
        yield port


@contextlib.contextmanager
def running(app):
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    try:
        yield listening.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(20)
        listening.close()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder for temporary files, to see what is left there."""
    made = tmp_path / "temporary"
    made.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(made))
    return made


def ask(port, method="GET", path="/", body=None, **headers):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, body, named)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer, content


def post(port, body, name="mine.wav", **headers):
    headers = {"Origin": f"http://127.0.0.1:{port}", "X_Name": name, **headers}
    answer, content = ask(port, "POST", "/recognize", body, **headers)
    return answer.status, json.loads(content)


def wav(folder, samples, rate_hz=16_000, name="given.wav"):
    path = folder / name
    soundfile.write(path, samples, rate_hz)
    return path


def test_the_answer_is_that_of_the_recognizer(address, recognizer, folder, tmp_path):
    path = wav(tmp_path, np.stack([sound("hum", 1.5, 44_100)] * 2, axis=1), 44_100)
    status, answer = post(address, path.read_bytes())
    assert status == 200
    expected = dict(zip(recognizer.classes_, recognizer.predict_proba(path)[0], strict=True))
    found = {each["label"]: each["probability"] for each in answer["probabilities"]}
    assert found == expected
    assert answer["probabilities"][0]["label"] == "hum"
    assert answer["duration_s"] == pytest.approx(1.5, abs=0.01)
    assert max(answer["peaks"]) == pytest.approx(0.3, abs=0.02)
    assert answer["timeline"] == []
    assert not any(folder.iterdir())


def test_a_longer_recording_has_a_timeline(address, tmp_path):
    samples = np.concatenate([sound("hiss", 6), sound("hum", 6)])
    status, answer = post(address, wav(tmp_path, samples).read_bytes())
    assert status == 200
    windows = answer["timeline"]
    assert 2 < len(windows) <= 12
    assert windows[0]["start_s"] == 0
    assert windows[-1]["end_s"] == pytest.approx(12, abs=0.1)
    assert (windows[0]["label"], windows[-1]["label"]) == ("hiss", "hum")


def test_silence_is_noted(address, tmp_path):
    status, answer = post(address, wav(tmp_path, np.zeros(16_000)).read_bytes())
    assert status == 200
    assert any("silent" in note for note in answer["notes"])


def test_no_audio_is_refused_by_its_name(address, folder):
    status, answer = post(address, b"Dear diary", "C:\\fakepath\\diary.wav")
    assert status == 422
    assert answer["error"].startswith("diary.wav")
    assert str(folder) not in answer["error"]
    assert not any(folder.iterdir())


def test_a_recording_that_is_too_long_is_refused(address, tmp_path):
    status, answer = post(address, wav(tmp_path, np.zeros(21 * 16_000)).read_bytes())
    assert status == 422
    assert "21.0" in answer["error"]
    assert "20" in answer["error"]


def test_a_file_that_is_too_large_is_refused(address, folder):
    status, answer = post(address, b"\0" * 2_000_001)
    assert status == 413
    assert "2 MB" in answer["error"]
    assert not any(folder.iterdir())


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://elsewhere.example"},
        {"Origin": "null"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "none"},
    ],
)
def test_other_pages_may_not_send_recordings(address, headers):
    status, _ = post(address, b"", **headers)
    assert status == 403


def test_a_request_without_an_origin_is_refused(address):
    answer, _ = ask(address, "POST", "/recognize", b"")
    assert answer.status == 403


def test_other_names_of_the_server_are_refused(address):
    answer, _ = ask(address, Host="elsewhere.example")
    assert answer.status == 400


def test_the_page_loads_nothing_from_elsewhere(address):
    for path in ("/", "/page.css", "/page.js", "/about"):
        answer, content = ask(address, path=path)
        assert answer.status == 200
        assert "default-src 'none'" in answer.getheader("Content-Security-Policy")
        assert answer.getheader("Cache-Control") == "no-store"
        assert b"http://" not in content
        assert b"https://" not in content
    about = json.loads(content)
    assert about["name"] == "sounds"
    assert about["limits"] == {"seconds": 20.0, "bytes": 2_000_000}


def test_a_port_in_use_is_named(recognizer):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(RenoStoreError, match=str(port)):
            serve(recognizer, port=port)


@pytest.mark.parametrize("package", ["starlette", "uvicorn"])
def test_a_missing_extra_is_named_before_anything_is_loaded(package, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(RenoStoreError, match=r"reno-store\[serve\]"):
        make_app(dict, name="", text="")
    shown = CliRunner().invoke(main, ["serve", "nowhere"])
    assert shown.exit_code == 1
    assert "reno-store[serve]" in shown.output


def test_it_is_served_until_ctrl_c(recognizer, monkeypatch):
    found = []

    def run(self, sockets):
        found.append(sockets[0].getsockname()[1])
        raise KeyboardInterrupt

    monkeypatch.setattr(uvicorn.Server, "run", run)
    serve(recognizer, port=0, ready=found.append)
    address, port = found
    assert address == f"http://127.0.0.1:{port}"


def test_the_command_serves_a_folder_with_its_limits(recognizer, tmp_path, monkeypatch):
    folder = save_recognizer(recognizer, tmp_path / "sounds")
    served = {}
    monkeypatch.setattr(
        serving, "serve", lambda given, **how: served.update(how, classes=given.classes_.tolist())
    )
    words = ["serve", str(folder), "--port", "0", "--max-mb", "3", "--max-seconds", "9"]
    result = CliRunner().invoke(main, [*words, "--model", "mfcc=mfcc"])
    assert result.exit_code == 0, result.output
    assert served["classes"] == ["hiss", "hum"]
    assert (served["name"], served["host"], served["port"]) == ("sounds", "127.0.0.1", 0)
    assert served["limits"] == Limits(3.0, 9.0)
    missing = CliRunner().invoke(main, ["serve", str(tmp_path / "nothing")])
    assert missing.exit_code == 1
    assert "nothing" in missing.output


FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
)


@pytest.fixture(scope="module")
def browser():
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    programs = {name: shutil.which(name) for name in ("chromium", "chromedriver")}
    if not all(programs.values()):
        pytest.skip("there is no chromium with its driver")
    options = webdriver.ChromeOptions()
    options.binary_location = programs["chromium"]
    for flag in (*FLAGS, "--window-size=1000,900"):
        options.add_argument(flag)
    service = webdriver.ChromeService(programs["chromedriver"])
    driver = webdriver.Chrome(options=options, service=service)
    yield driver
    driver.quit()


def seen(browser, port):
    """Open the page, and return a function that waits for a visible part."""
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.wait import WebDriverWait

    browser.get(f"http://127.0.0.1:{port}/")

    def wait(identity, of=lambda part: part.is_displayed() and part.text):
        return WebDriverWait(browser, 30).until(
            lambda driver: of(driver.find_element(By.ID, identity))
        )

    return wait


def test_an_uploaded_file_is_answered_in_a_browser(browser, address, recognizer, tmp_path):
    path = wav(tmp_path, np.concatenate([sound("hum", 3), sound("hiss", 2)]), name="both.wav")
    wait = seen(browser, address)
    wait("file", lambda part: part).send_keys(str(path))
    label = wait("label")
    assert label == recognizer.predict(path)[0]
    assert "both.wav" in wait("facts")
    rows = wait("probabilities").splitlines()
    assert {row.split()[0] for row in rows[1:]} >= {"hum", "hiss"}
    assert wait("timeline").split()[0] == "hum"
    drawn = "const c = document.getElementById('waveform'); return c.getContext('2d')"
    assert browser.execute_script(
        f"{drawn}.getImageData(0, 0, c.width, c.height).data.some((each) => each > 0)"
    )
    if folder := os.environ.get("RENO_STORE_SCREENSHOTS"):
        browser.save_screenshot(str(Path(folder) / "served.png"))
    assert not [each for each in browser.get_log("browser") if each["level"] == "SEVERE"]


def test_a_file_that_is_no_audio_is_explained_in_a_browser(browser, address, tmp_path):
    path = tmp_path / "letter.wav"
    path.write_text("Dear diary")
    wait = seen(browser, address)
    wait("file", lambda part: part).send_keys(str(path))
    shown = wait("state", lambda part: "letter.wav: not audio" in part.text and part.text)
    assert shown
    assert wait("answer", lambda part: part.get_attribute("hidden"))


def test_a_microphone_is_recorded_in_a_browser(browser, address):
    wait = seen(browser, address)
    button = wait("record", lambda part: part)
    button.click()
    wait("state", lambda part: re.search(r"recording: (0\.[5-9]|[1-9])", part.text))
    button.click()
    assert "recording.wav" in wait("facts")
    assert button.text == "Record"
