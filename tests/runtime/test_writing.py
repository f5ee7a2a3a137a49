"""Files that are written whole or not at all, and what is no file."""

import os
import threading

from reno_cli import printing

from reno_store.runtime.writing import write_output, write_whole


def test_what_a_link_leads_to_is_written_and_the_link_stays(tmp_path):
    (tmp_path / "there").mkdir()
    link = tmp_path / "link.csv"
    link.symlink_to(tmp_path / "there" / "real.csv")
    for content in (b"one", b"two"):
        write_whole(link, content)
        assert link.is_symlink()
        assert (tmp_path / "there" / "real.csv").read_bytes() == content


def test_a_pipe_is_written_to_and_stays_a_pipe(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()), daemon=True)
    reader.start()
    printing.check_output(pipe)
    write_output(pipe, b"beta,lam\n")
    reader.join(5)
    assert read == [b"beta,lam\n"]
    assert pipe.is_fifo()
