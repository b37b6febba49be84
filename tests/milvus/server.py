"""A Milvus server for tests: started, killed and stopped by lines on stdin.

    python server.py FOLDER

It has its data in FOLDER, asks for a password (root:Milvus) and ends with stdin. Lines that it
reads: `kill` (as kill -9), `start`, each answered by a line with the server's address or `killed`.
"""

import socket
import sys

from milvus import MilvusServer, MilvusServerConfig


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def main():
    port = free_port()
    server = None

    def start():
        config = MilvusServerConfig(data_dir=sys.argv[1], proxy_port=port)
        config.set("authorization_enabled", True)
        # What is not indexed yet is compared one by one, so that answers can be compared too.
        config.set("queryNode.segcore.interimIndex.enableIndex", "false")
        server = MilvusServer(config)
        server.start()
        print(f"http://127.0.0.1:{port}", flush=True)
        return server

    try:
        server = start()
        for line in sys.stdin:
            if line.strip() == "kill":
                server.server_proc.kill()
                server.server_proc.wait()
                server.server_proc = None
                print("killed", flush=True)
            elif line.strip() == "start":
                server = start()
    finally:
        if server:
            server.stop()


main()
