"""A libtorrent session that is told what to fetch and seed, one JSON object a line.

Each line has `folder` and either `magnet` or `torrent`, the base64 of a .torrent file. Peers come
from trackers alone. Ends with its standard input.
"""
import base64
import json
import sys

import libtorrent

session = libtorrent.session({
    "listen_interfaces": "127.0.0.1:0,[::1]:0",
    "enable_dht": False,
    "enable_lsd": False,
    "enable_outgoing_utp": False,
    "enable_incoming_utp": False,
    "enable_upnp": False,
    "enable_natpmp": False,
    "allow_multiple_connections_per_ip": True,
    "active_limit": -1,
    "active_downloads": -1,
    "active_seeds": -1,
    "active_checking": -1,
})

for line in sys.stdin:
    order = json.loads(line)
    if "magnet" in order:
        params = libtorrent.parse_magnet_uri(order["magnet"])
    else:
        params = libtorrent.add_torrent_params()
        decoded = libtorrent.bdecode(base64.b64decode(order["torrent"]))
        params.ti = libtorrent.torrent_info(decoded)
    params.save_path = order["folder"]
    session.add_torrent(params)
