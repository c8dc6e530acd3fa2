"""libtorrent as a peer to be compared with; its default settings, TCP only, loopback.

usage: libtorrent-peer.py seed TORRENT FOLDER          prints {"port"} once it seeds
       libtorrent-peer.py leech TORRENT FOLDER PEER    prints {}; a line on its input starts it,
                                                       {"seconds"} says how long it took

Seconds run from adding the torrent until every piece is verified and written.
"""
import json
import sys
import time

import libtorrent as lt

role, torrent, folder = sys.argv[1:4]
status = lt.alert.category_t.status_notification | lt.alert.category_t.error_notification
session = lt.session({
    "listen_interfaces": "127.0.0.1:0",
    "enable_dht": False,
    "enable_lsd": False,
    "enable_upnp": False,
    "enable_natpmp": False,
    "enable_incoming_utp": False,
    "enable_outgoing_utp": False,
    "allow_multiple_connections_per_ip": True,
    "alert_mask": status,
})


def say(**message):
    print(json.dumps(message), flush=True)


def add():
    params = lt.add_torrent_params()
    params.ti = lt.torrent_info(torrent)
    params.save_path = folder
    params.flags &= ~(lt.torrent_flags.paused | lt.torrent_flags.auto_managed)
    return session.add_torrent(params)


def until_finished():
    while True:
        session.wait_for_alert(1000)
        for alert in session.pop_alerts():
            if isinstance(alert, lt.torrent_finished_alert):
                return
            if isinstance(alert, (lt.torrent_error_alert, lt.file_error_alert)):
                sys.exit(alert.message())


if role == "seed":
    add()
    until_finished()
    say(port=session.listen_port())
    sys.stdin.read()
else:
    host, port = sys.argv[4].rsplit(":", 1)
    say()
    sys.stdin.readline()
    began = time.monotonic()
    handle = add()
    handle.connect_peer((host, int(port)))
    until_finished()
    say(seconds=time.monotonic() - began)
    sys.stdin.read()
