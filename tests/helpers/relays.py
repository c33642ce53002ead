"""A relay between a browser and a server, whose connections a test cuts, or lets go silent."""

import contextlib
import socket
import threading


class Relay:
    """Passes bytes on between a port of its own and another one of this machine; a context manager."""

    def __init__(self, port: int):
        self._to = port
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._passes = threading.Event()
        self._passes.set()
        self.open = True
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                if not self.open:
                    near.close()
                    continue
                far = socket.create_connection(("127.0.0.1", self._to))
                self._pairs.append((near, far))
                for one, other in ((near, far), (far, near)):
                    self._threads.append(threading.Thread(target=self._pass, args=(one, other), daemon=True))
                    self._threads[-1].start()

    def _pass(self, source: socket.socket, target: socket.socket):
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                self._passes.wait()
                target.sendall(data)
        for each in (source, target):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def cut(self):
        """Cut all connections, and refuse others until `open` is True again."""
        self.open = False
        self._drop()

    def hold(self, on: bool):
        """Keep bytes back, as a network does that is gone without a word."""
        if on:
            self._passes.clear()
        else:
            self._passes.set()

    def _drop(self):
        for pair in self._pairs:
            for each in pair:
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)
                each.close()
        self._pairs.clear()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.open = False
        self.hold(False)
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._drop()
        for each in self._threads:
            each.join(5)
