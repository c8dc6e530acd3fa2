"""Downloads a .torrent file or a magnet with libtorrent and says how it went.

usage: libtorrent-download.py SOURCE FOLDER SECONDS

Takes peers from the torrent's trackers alone, several on one address too, as everything is on this
machine. Ends with 0 when the download is whole, after it took leave of the trackers.
"""
import sys
import time

import libtorrent

source, folder, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])

session = libtorrent.session({
    "listen_interfaces": "127.0.0.1:0",
    "enable_dht": False,
    "enable_lsd": False,
    "enable_outgoing_utp": False,
    "enable_upnp": False,
    "enable_natpmp": False,
    "allow_multiple_connections_per_ip": True,
    "alert_mask": libtorrent.alert.category_t.status_notification
    | libtorrent.alert.category_t.error_notification
    | libtorrent.alert.category_t.tracker_notification,
})
if source.startswith("magnet:"):
    params = libtorrent.parse_magnet_uri(source)
else:
    params = libtorrent.add_torrent_params()
    params.ti = libtorrent.torrent_info(source)
params.save_path = folder
handle = session.add_torrent(params)

deadline = time.monotonic() + seconds
while time.monotonic() < deadline and not handle.status().is_seeding:
    session.wait_for_alert(200)
    for alert in session.pop_alerts():
        print(alert.message(), file=sys.stderr)

status = handle.status()
print(status.state, status.total_payload_download)

# Else the next download on this machine is told of a peer that is gone.
session.remove_torrent(handle)
deadline = time.monotonic() + 5
gone = False
while not gone and time.monotonic() < deadline:
    session.wait_for_alert(200)
    gone = any(isinstance(alert, libtorrent.tracker_reply_alert) for alert in session.pop_alerts())
sys.exit(0 if status.is_seeding else 1)
