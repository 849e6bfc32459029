"""The container's process."""

import os
import signal
import sys
import threading
import time
from pathlib import Path

from acme_keeper import lego
from acme_keeper.keeper import Keeper
from acme_keeper.renewal_info import Advice, over_https
from acme_keeper.settings import DNS, Settings, SettingsError
from acme_keeper.zone import ZoneServer

RUN, KEPT, HANDED = Path("/run/acme"), Path("/var/lib/acme"), Path("/srv/certificate")


def main() -> int:
    """Keeps the certificate until the container is told to end; ``revoke`` beside it ends the one that is held."""
    os.umask(0o077)
    try:
        settings = Settings.from_environment(os.environ)
    except SettingsError as error:
        sys.stderr.write(f"acme: {error}.\n")
        return 64
    for name in [name for name in os.environ if name.startswith("ACME_DNS_")]:
        del os.environ[name]
    if sys.argv[1:] == ["revoke"]:
        return revoke(settings)
    zone = ZoneServer(settings.zone, settings.dns_seconds) if settings.challenge == DNS else None
    if zone:
        zone.start()

    def obtain(asked: Settings) -> tuple[str, str]:
        if zone:
            zone.forget()
        return lego.obtain(asked, KEPT, RUN / "trusted.pem")

    advice = Advice(settings.directory, over_https(lego.trust(settings, RUN / "trusted.pem")))
    keeper = Keeper(settings, obtain, RUN, KEPT, HANDED, advice.wanted)
    wake = threading.Event()

    def now_please(*_: object) -> None:
        keeper.asked = True
        wake.set()

    signal.signal(signal.SIGUSR1, now_please)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    threading.Thread(target=_beat, daemon=True).start()
    while True:
        keeper.step(time.time())
        wake.wait(5)
        wake.clear()


def revoke(settings: Settings) -> int:
    """Has the CA revoke the certificate, and the container's process ask for a new one; returns the exit status."""
    try:
        lego.revoke(settings, KEPT, RUN / "trusted.pem")
    except lego.RefusedError as error:
        sys.stderr.write(f"acme: the certificate for {settings.hostname} is not revoked: {error}.\n")
        return 1
    os.kill(1, signal.SIGUSR1)
    sys.stdout.write(f"The certificate for {settings.hostname} is revoked, and a new one is asked for.\n")
    return 0


def _beat() -> None:
    """Says that the process lives (acme-healthcheck), beside lego, which may take minutes."""
    while True:
        (RUN / "alive").touch()
        time.sleep(5)


if __name__ == "__main__":
    sys.exit(main())
