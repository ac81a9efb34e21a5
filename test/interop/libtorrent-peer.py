"""One libtorrent peer for the tests: seeds or fetches, and says so in lines of JSON.

seed SAVE_PATH TORRENT            prints {"port": N}, seeds until its input ends
get SAVE_PATH TORRENT|MAGNET PEER prints {"done": true, "files": N, ...} once all is there; PEER may be none

After those: only=0,3 (files), up=BYTES, host=ADDRESS, port=N, tuned. With `stay`, get prints {"port": N} first, and goes on until its
input ends.

Both say at their end what they took: seconds of the wall (to fetch) and of the processor, and memory at most.
"""
import json
import resource
import sys
import time
import warnings

import libtorrent as lt

warnings.simplefilter("ignore")

mode, save_path, source = sys.argv[1:4]
rest = sys.argv[4:] if mode == "seed" else sys.argv[5:]
options = dict(word.partition("=")[::2] for word in rest)
tuned = "tuned" in options


def cost():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return {"cpuSeconds": usage.ru_utime + usage.ru_stime, "memoryBytes": 1024 * usage.ru_maxrss}


session = lt.session({
    "listen_interfaces": options.get("host", "127.0.0.1") + ":" + options.get("port", "0"),
    "upload_rate_limit": int(options.get("up", 0)),
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
if tuned:
    session.apply_settings({
        "aio_threads": 4, "hashing_threads": 2, "send_buffer_watermark": 4 << 20, "send_buffer_low_watermark": 1 << 20,
        "max_out_request_queue": 1500, "request_queue_time": 10, "send_socket_buffer_size": 1 << 20,
        "recv_socket_buffer_size": 1 << 20, "max_queued_disk_bytes": 8 << 20,
    })
started = time.time()
handle = session.add_torrent(params)
while session.listen_port() == 0:
    time.sleep(0.02)
if mode == "seed":
    print(json.dumps({"port": session.listen_port()}), flush=True)
    sys.stdin.read()
    print(json.dumps(cost()), flush=True)
else:
    if "stay" in options:
        print(json.dumps({"port": session.listen_port()}), flush=True)
    only = [int(index) for index in options["only"].split(",")] if "only" in options else None
    deadline = time.time() + 460
    asked = 0.0

    def is_done():
        status = handle.status()
        return status.is_finished and status.has_metadata and status.total_wanted > 0

    while time.time() < deadline:
        if only is not None and handle.torrent_file() is not None:
            count = handle.torrent_file().num_files()
            handle.prioritize_files([4 if index in only else 0 for index in range(count)])
            only = None
        if only is None and is_done():
            break
        if sys.argv[4] != "none" and time.time() - asked > 1:
            host, port = sys.argv[4].rsplit(":", 1)
            handle.connect_peer((host, int(port)))
            asked = time.time()
        time.sleep(0.02)
    if not is_done():
        for alert in session.pop_alerts():
            print(alert.message(), file=sys.stderr)
    seconds = time.time() - started
    files = handle.torrent_file().num_files() if handle.torrent_file() else 0
    print(json.dumps({"done": is_done(), "files": files, "seconds": seconds, **cost()}), flush=True)
    if "stay" in options:
        sys.stdin.read()
