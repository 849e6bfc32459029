"""A DNS server on loopback that answers lego's own questions, so that no question ever leaves this container.

lego asks which zone a name is in, and whether the record that it made is to be seen. The first is known (a setting);
for the second the CA is told to look after a fixed time. A resolver in its place would be a tunnel out.
"""

import socket
import struct
import threading
import time

SOA, TXT, IN = 6, 16, 1
NXDOMAIN = 3
ADDRESS = ("127.0.0.1", 5353)


class ZoneServer:
    """Says that ``zone`` is one, that no other name is, and after ``wait`` seconds that a record can be seen."""

    def __init__(self, zone: str, wait: float, address: tuple[str, int] = ADDRESS) -> None:
        self.zone, self.wait = zone.lower().rstrip("."), wait
        self._seen: dict[str, float] = {}
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(address)
        self.address = self._socket.getsockname()

    def start(self) -> None:
        """Serves for as long as the process lives."""
        threading.Thread(target=self._serve, daemon=True).start()

    def forget(self) -> None:
        """Makes the next record wait anew."""
        self._seen.clear()

    def _serve(self) -> None:
        while True:
            question, client = self._socket.recvfrom(4096)
            answer = self.answer(question)
            if answer:
                self._socket.sendto(answer, client)

    def answer(self, question: bytes) -> bytes | None:
        """Returns the answer to one question; None is silence, after which lego asks again."""
        try:
            name, kind, end = _asked(question)
        except (IndexError, struct.error, UnicodeDecodeError):
            return None
        if kind == TXT and time.monotonic() - self._seen.setdefault(name, time.monotonic()) < self.wait:
            return None
        is_zone = kind == SOA and name == self.zone
        (identifier,) = struct.unpack_from("!H", question)
        code = 0 if kind == TXT or is_zone else NXDOMAIN
        head = struct.pack("!6H", identifier, 0x8580 | code, 1, int(is_zone), 0, 0)
        record = b""
        if is_zone:
            data = b"\x00\x00" + struct.pack("!5I", 1, 3600, 600, 86400, 60)
            record = b"\xc0\x0c" + struct.pack("!HHIH", SOA, IN, 60, len(data)) + data
        return head + question[12:end] + record


def _asked(question: bytes) -> tuple[str, int, int]:
    """Returns the name that is asked for, the kind of record, and where the question ends."""
    labels, place = [], 12
    while length := question[place]:
        labels.append(question[place + 1 : place + 1 + length].decode("ascii").lower())
        place += 1 + length
    kind, _ = struct.unpack_from("!HH", question, place + 1)
    return ".".join(labels), kind, place + 5
