"""A name server for tests: `dns_server.py ADDRESS NAME=IP[+IP][|IP[+IP]]...`.

`+` puts several addresses into one answer; `|` alternates answers from question to question. The TTL is 0, as an
attacker's would be. Each question is a line on stdout.
"""

import ipaddress
import itertools
import socket
import struct
import sys

QUERY_TYPES = {4: 1, 6: 28}


def encode(answer: str, query_type: int) -> list[bytes]:
    addresses = [ipaddress.ip_address(text) for text in answer.split("+")]
    return [
        b"\xc0\x0c" + struct.pack(">HHIH", query_type, 1, 0, len(address.packed)) + address.packed
        for address in addresses
        if QUERY_TYPES[address.version] == query_type
    ]


def main() -> None:
    address, *entries = sys.argv[1:]
    table = {name: itertools.cycle(answers.split("|")) for name, _, answers in (e.partition("=") for e in entries)}
    current = {name: next(answers) for name, answers in table.items()}
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    server = socket.socket(family, socket.SOCK_DGRAM)
    server.bind((address, 53))
    print("ready", flush=True)  # noqa: T201 - the log
    while True:
        query, peer = server.recvfrom(4096)
        labels, at = [], 12
        while length := query[at]:
            labels.append(query[at + 1 : at + 1 + length].decode("latin-1").lower())
            at += length + 1
        name = ".".join(labels)
        (query_type,) = struct.unpack(">H", query[at + 1 : at + 3])
        print(name, query_type, flush=True)  # noqa: T201 - the log
        answers = encode(current[name], query_type) if name in current else []
        if name in current and query_type == 1:
            current[name] = next(table[name])
        flags = 0x8180 if name in table else 0x8183
        server.sendto(
            query[:2] + struct.pack(">HHHHH", flags, 1, len(answers), 0, 0) + query[12 : at + 5] + b"".join(answers),
            peer,
        )


main()
