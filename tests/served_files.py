"""Files served to tests of downloads."""

import threading
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

from bayesmixed import datasets
from bayesmixed.datasets import DATASETS


def serve(tmp_path, monkeypatch):
    """Serve a folder on this machine; return the folder, its address and the list of requested paths."""
    folder, asked = tmp_path / "served", []
    folder.mkdir()

    class Handler(SimpleHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            super().do_GET()

        def log_message(self, *arguments):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=folder)) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        monkeypatch.setenv("BAYESMIXED_DATA", str(tmp_path / "kept"))
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        yield folder, f"http://127.0.0.1:{running.server_port}/", asked
        running.shutdown()


def served(monkeypatch, name, address, **tables):
    """Move a catalogue entry to the server, its files in the order of `tables`."""
    dataset = replace(DATASETS[name], addresses={f"{address}{file}.csv": "" for file in tables}, rows=2)
    monkeypatch.setitem(datasets.DATASETS, name, dataset)
