"""What the tests with matrix-nio have around them: a server, and accounts."""

import os
import pathlib
import signal
import socket
import subprocess
import time
import urllib.request

import nio

PASSWORD = "correct horse battery staple"
START_S = 60
STOP_S = 15


class Server:
    """The program, with a folder of its own."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        lines = [
            "[server]",
            'name = "nio.example"',
            f'public_url = "{self.url}"',
            f'data_dir = "{self.folder / "data"}"',
            "[listen]",
            f'client = ["127.0.0.1:{port}"]',
            "[registration]",
            'mode = "open"',
            "[policy]",
            'encryption = "optional"',
            "[presence]",
            "enabled = true",
            "[limits]",
            "enabled = false",
            "[federation]",
            'mode = "off"',
        ]
        (self.folder / "rohrpost.toml").write_text("\n".join(lines) + "\n")

    def __enter__(self):
        program = [os.environ["ROHRPOST_BIN"], "--config", str(self.folder / "rohrpost.toml"), "serve"]
        self.log = open(self.folder / "log", "wb")
        self.process = subprocess.Popen(program, cwd=self.folder, stdout=self.log, stderr=self.log)
        deadline = time.monotonic() + START_S
        while True:
            try:
                with urllib.request.urlopen(f"{self.url}/health", timeout=5):
                    return self
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"the server did not start:\n{self.output()}") from None
            time.sleep(0.1)

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(STOP_S)
        self.log.close()

    def output(self):
        return (self.folder / "log").read_text(errors="replace")


def good(answer, kind):
    """The answer, which must be of this kind."""
    assert isinstance(answer, kind), f"{kind.__name__} was expected, and this came: {answer}"
    return answer


async def account(server, name):
    """A new account at a first device, without keys."""
    client = nio.AsyncClient(server.url, f"@{name}:nio.example")
    good(await client.register(name, PASSWORD, device_name="nio"), nio.RegisterResponse)
    return client
