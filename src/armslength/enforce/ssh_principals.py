#!/usr/bin/python3 -IS
"""sshd's AuthorizedPrincipalsCommand: asks the point of this machine, and prints what it answers.

    ssh-principals SOCKET ACCOUNT CERTIFICATE

It prints nothing unless the answer is a yes, and then sshd refuses. A file that stands by itself, without anything of
this package: sshd runs it twice for each login, and it answers in some 20 ms. sshd runs it only if it and every folder
above it belong to root and nobody else may write there.
"""

import json
import os
import socket
import stat
import struct
import sys
import syslog

SECONDS = 30
MOST = 1 << 20


def main() -> int:
    if len(sys.argv) != 4:
        return complain("expected SOCKET ACCOUNT CERTIFICATE")
    path, account, certificate = sys.argv[1:]
    try:
        about = os.stat(os.path.dirname(path))
        if about.st_uid not in (0, os.geteuid()) or about.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            return complain(f"others may write into {os.path.dirname(path)}, so whoever answers there is not believed")
        with socket.socket(socket.AF_UNIX) as link:
            link.settimeout(SECONDS)
            link.connect(path)
            _, user, _ = struct.unpack("3i", link.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
            if user not in (0, os.geteuid(), about.st_uid):
                return complain(f"user {user} answers at {path}, and is not believed")
            asked = {"ask": "login", "account": account, "certificate": certificate}
            link.sendall(json.dumps(asked).encode() + b"\n")
            answer = b""
            while not answer.endswith(b"\n") and len(answer) < MOST:
                part = link.recv(65536)
                if not part:
                    break
                answer += part
        said = json.loads(answer)
        line = said.get("line")
        if not isinstance(line, str) or "\n" in line:
            return 1  # the point's log has the reason
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
        return 0
    except (OSError, ValueError, AttributeError) as error:
        return complain(f"the point does not answer at {path}: {error}")


def complain(says: str) -> int:
    syslog.openlog("armslength-ssh", 0, syslog.LOG_AUTH)
    syslog.syslog(syslog.LOG_ERR, says[:500])
    sys.stderr.write(f"armslength-ssh: {says}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
