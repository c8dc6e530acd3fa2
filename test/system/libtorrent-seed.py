"""Seeds one file with libtorrent until it is killed.

usage: libtorrent-seed.py FILE TRACKER

Prints the infohash once the tracker has taken the announce. Peers come from the tracker alone.
"""
import os
import sys
import time

import libtorrent

path, tracker = sys.argv[1], sys.argv[2]

storage = libtorrent.file_storage()
libtorrent.add_files(storage, path)
creator = libtorrent.create_torrent(storage, flags=libtorrent.create_torrent.v1_only)
libtorrent.set_piece_hashes(creator, os.path.dirname(path))

session = libtorrent.session({
    "listen_interfaces": "127.0.0.1:0",
    "enable_dht": False,
    "enable_lsd": False,
    "enable_upnp": False,
    "enable_natpmp": False,
    "allow_multiple_connections_per_ip": True,
    "alert_mask": libtorrent.alert.category_t.status_notification
    | libtorrent.alert.category_t.tracker_notification,
})
params = libtorrent.add_torrent_params()
params.ti = libtorrent.torrent_info(libtorrent.bencode(creator.generate()))
params.save_path = os.path.dirname(path)
params.trackers = [tracker]
params.flags |= libtorrent.torrent_flags.seed_mode
handle = session.add_torrent(params)

taken = False
while not taken:
    session.wait_for_alert(1000)
    for alert in session.pop_alerts():
        print(alert.message(), file=sys.stderr)
        taken = taken or isinstance(alert, libtorrent.tracker_reply_alert)

print(handle.info_hash(), flush=True)
while True:
    time.sleep(3600)
