"""A folder shown through a mount of our own, which can stop answering: what a network drive looks
like when its server is gone. Speaks the protocol of /dev/fuse (linux/fuse.h, version 7.31) itself,
read-only, and needs a user who may mount.
"""

import ctypes
import errno
import os
import select
import stat
import struct
import threading

IN_HEADER = struct.Struct("<IIQQIIII")
OUT_HEADER = struct.Struct("<IiQ")
ATTR = struct.Struct("<6Q10I")
ENTRY = struct.Struct("<4Q2I")
OPENED = struct.Struct("<QII")
READ_IN = struct.Struct("<QQI")

LOOKUP, FORGET, GETATTR, OPEN, READ, STATFS, RELEASE = 1, 2, 3, 14, 15, 17, 18
FLUSH, INIT, OPENDIR, READDIR, RELEASEDIR, ACCESS, INTERRUPT, BATCH_FORGET = 25, 26, 27, 28, 29, 34, 36, 42
WITHOUT_ANSWER = (FORGET, INTERRUPT, BATCH_FORGET)
ROOT = 1

libc = ctypes.CDLL(None, use_errno=True)
MNT_FORCE, MNT_DETACH = 1, 2


class FuseMount:
    """`source` under `target`, until the end of the `with` block."""

    def __init__(self, source, target):
        self.target = target
        # Number of a file or folder, and its path.
        self.paths, self.numbers = {ROOT: source}, {source: ROOT}
        self.alive = True
        self.device = os.open("/dev/fuse", os.O_RDWR)
        options = f"fd={self.device},rootmode=40000,user_id={os.getuid()},group_id={os.getgid()}"
        if libc.mount(b"glimpse-attack", os.fsencode(target), b"fuse", 0, options.encode()):
            number = ctypes.get_errno()
            os.close(self.device)
            raise OSError(number, os.strerror(number), target)
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def die(self):
        """From now on, whoever asks waits, and can be killed meanwhile."""
        self.alive = False
        self.thread.join()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        libc.umount2(os.fsencode(self.target), MNT_FORCE | MNT_DETACH)
        # Ends what still waits for an answer.
        os.close(self.device)

    def serve(self):
        waiting = select.poll()
        waiting.register(self.device, select.POLLIN)
        while self.alive:
            if not waiting.poll(100):
                continue
            try:
                request = os.read(self.device, 1 << 20)
            except OSError as error:
                if error.errno in (errno.EINTR, errno.ENOENT, errno.EAGAIN):
                    continue
                return
            _, opcode, unique, node, *_ = IN_HEADER.unpack_from(request)
            if opcode in WITHOUT_ANSWER:
                continue
            try:
                body, code = self.answer(opcode, node, request[IN_HEADER.size :]), 0
            except OSError as error:
                body, code = b"", -(error.errno or errno.EIO)
            try:
                os.write(self.device, OUT_HEADER.pack(OUT_HEADER.size + len(body), code, unique) + body)
            except OSError:
                pass  # the caller was killed meanwhile

    def answer(self, opcode, node, body):
        if opcode == INIT:
            return struct.pack("<4I2HI2I8I", 7, 31, 0, 0, 16, 12, 1 << 17, 1, 0, *[0] * 7, 0)[:64]
        path = self.paths[node]
        if opcode == LOOKUP:
            return self.entry(os.path.join(path, os.fsdecode(body.split(b"\0", 1)[0])))
        if opcode == GETATTR:
            return struct.pack("<QII", 0, 0, 0) + self.attributes(path)
        if opcode in (OPEN, OPENDIR):
            return OPENED.pack(0, 0, 0)
        if opcode in (READ, READDIR):
            _, offset, size = READ_IN.unpack_from(body)
            return self.listing(path, offset, size) if opcode == READDIR else self.bytes_of(path, offset, size)
        if opcode == STATFS:
            return struct.pack("<5Q10I", 0, 0, 0, 0, 0, 4096, 255, 4096, *[0] * 7)
        if opcode in (RELEASE, RELEASEDIR, FLUSH, ACCESS):
            return b""
        raise OSError(errno.ENOSYS, "")

    def entry(self, path):
        attributes = self.attributes(path)
        node = self.numbers.setdefault(path, len(self.numbers) + 1)
        self.paths[node] = path
        return ENTRY.pack(node, 0, 0, 0, 0, 0) + attributes

    def attributes(self, path):
        s = os.lstat(path)
        times = [int(s.st_atime), int(s.st_mtime), int(s.st_ctime)]
        rest = [s.st_mode, s.st_nlink, s.st_uid, s.st_gid, 0, 4096, 0]
        return ATTR.pack(s.st_ino, s.st_size, s.st_blocks, *times, 0, 0, 0, *rest)

    def listing(self, path, offset, size):
        entries = b""
        for number, name in enumerate(sorted(os.listdir(path))[offset:], offset + 1):
            encoded = os.fsencode(name)
            kind = stat.S_IFMT(os.lstat(os.path.join(path, name)).st_mode) >> 12
            entry = struct.pack("<QQII", number, number, len(encoded), kind) + encoded
            entry += b"\0" * (-len(entry) % 8)
            if len(entries) + len(entry) > size:
                break
            entries += entry
        return entries

    def bytes_of(self, path, offset, size):
        with open(path, "rb") as file:
            file.seek(offset)
            return file.read(size)
