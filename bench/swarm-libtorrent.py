"""One libtorrent side of the swarm's bench, with the words of swarm-process.mjs, and `tuned`."""
import json
import resource
import sys
import threading
import time
import warnings

process_started = time.time()
import libtorrent as lt

warnings.simplefilter("ignore")

mode, save_path, source = sys.argv[1:4]
options = dict(word.partition("=")[::2] for word in sys.argv[4:])


def usage():
    taken = resource.getrusage(resource.RUSAGE_SELF)
    return taken.ru_utime + taken.ru_stime, 1024 * taken.ru_maxrss


session = lt.session({
    "listen_interfaces": "127.0.0.1:0",
    "upload_rate_limit": int(options.get("up", 0)),
    "download_rate_limit": int(options.get("down", 0)),
    "enable_dht": False,
    "enable_lsd": False,
    "enable_upnp": False,
    "enable_natpmp": False,
    "allow_multiple_connections_per_ip": True,
    "enable_incoming_utp": False,
    "enable_outgoing_utp": False,
    # Or it does not limit peers in 127/8 at all.
    "ignore_limits_on_local_network": False,
})
if "tuned" in options:
    session.apply_settings({
        "aio_threads": 4, "hashing_threads": 2, "send_buffer_watermark": 4 << 20, "send_buffer_low_watermark": 1 << 20,
        "max_out_request_queue": 1500, "request_queue_time": 10, "send_socket_buffer_size": 1 << 20,
        "recv_socket_buffer_size": 1 << 20, "max_queued_disk_bytes": 8 << 20,
    })
params = lt.add_torrent_params()
params.ti = lt.torrent_info(source)
params.save_path = save_path
params.flags &= ~(lt.torrent_flags.auto_managed | lt.torrent_flags.paused)
if mode == "seed":
    params.flags |= lt.torrent_flags.seed_mode
if "super" in options:
    params.flags |= lt.torrent_flags.super_seeding
while session.listen_port() == 0:
    time.sleep(0.01)
cpu_at_start, _ = usage()
started = time.time()
handle = session.add_torrent(params)
print(json.dumps({"port": session.listen_port()}), flush=True)


def call(address):
    host, port = address.rsplit(":", 1)
    handle.connect_peer((host, int(port)))


def watch():
    # A call at once comes to nothing while the files are looked at.
    while handle.status().state not in (lt.torrent_status.downloading, lt.torrent_status.seeding):
        time.sleep(0.005)
    for address in options["peer"].split(",") if "peer" in options else []:
        call(address)
    first = None
    while mode == "get" and not handle.status().is_finished:
        if first is None and handle.status().total_payload_download > 0:
            first = time.time() - process_started
        time.sleep(0.005)
    if mode == "get":
        cpu, memory = usage()
        print(json.dumps({"done": True, "seconds": time.time() - started, "firstByteSeconds": first,
                          "cpuSeconds": cpu - cpu_at_start, "memoryBytes": memory}), flush=True)


threading.Thread(target=watch, daemon=True).start()
for line in sys.stdin:
    call(line.strip())
cpu, memory = usage()
print(json.dumps({"cpuSeconds": cpu - cpu_at_start, "memoryBytes": memory,
                  "uploadedBytes": handle.status().total_payload_upload}), flush=True)
