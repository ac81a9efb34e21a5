"""One libtorrent peer for the tests: seeds or fetches, and says so in lines of JSON.

seed SAVE_PATH TORRENT            prints {"port": N}, seeds until its input ends
get SAVE_PATH TORRENT|MAGNET PEER prints {"done": true, "files": N} once all is there
"""
import json
import sys
import time
import warnings

import libtorrent as lt

warnings.simplefilter("ignore")

mode, save_path, source = sys.argv[1:4]
session = lt.session({
    "listen_interfaces": "127.0.0.1:0",
    "enable_dht": False,
    "enable_lsd": False,
    "enable_upnp": False,
    "enable_natpmp": False,
    "allow_multiple_connections_per_ip": True,
    "enable_incoming_utp": False,
    "enable_outgoing_utp": False,
    "alert_mask": lt.alert.category_t.error_notification | lt.alert.category_t.peer_notification,
})
if source.startswith("magnet:"):
    params = lt.parse_magnet_uri(source)
else:
    params = lt.add_torrent_params()
    params.ti = lt.torrent_info(source)
params.save_path = save_path
params.flags &= ~lt.torrent_flags.auto_managed
params.flags &= ~lt.torrent_flags.paused
if mode == "seed":
    params.flags |= lt.torrent_flags.seed_mode
handle = session.add_torrent(params)
while session.listen_port() == 0:
    time.sleep(0.02)
if mode == "seed":
    print(json.dumps({"port": session.listen_port()}), flush=True)
    sys.stdin.read()
else:
    host, port = sys.argv[4].rsplit(":", 1)
    deadline = time.time() + 60
    asked = 0.0
    while not handle.status().is_seeding and time.time() < deadline:
        if time.time() - asked > 1:
            handle.connect_peer((host, int(port)))
            asked = time.time()
        time.sleep(0.02)
    if not handle.status().is_seeding:
        for alert in session.pop_alerts():
            print(alert.message(), file=sys.stderr)
    files = handle.torrent_file().num_files() if handle.torrent_file() else 0
    print(json.dumps({"done": handle.status().is_seeding, "files": files}), flush=True)
