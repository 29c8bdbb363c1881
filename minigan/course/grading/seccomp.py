"""A filter of system calls for the sandbox: what could hide memory from the watcher or reach deep into the kernel.

bubblewrap takes it as a compiled BPF program. A call that is refused fails with ENOSYS, as on a kernel without it.
"""

import platform
import struct

# system calls by architecture: its audit number, then the numbers of the calls
ARCHITECTURES = {
    "x86_64": (
        0xC000003E,
        {
            "shmget": 29,
            "msgget": 68,
            "ptrace": 101,
            "add_key": 248,
            "request_key": 249,
            "keyctl": 250,
            "perf_event_open": 298,
            "process_vm_readv": 310,
            "process_vm_writev": 311,
            "memfd_create": 319,
            "bpf": 321,
            "userfaultfd": 323,
            "io_uring_setup": 425,
            "memfd_secret": 447,
        },
    ),
    "aarch64": (
        0xC00000B7,
        {
            "ptrace": 117,
            "msgget": 186,
            "shmget": 194,
            "add_key": 217,
            "request_key": 218,
            "keyctl": 219,
            "perf_event_open": 241,
            "process_vm_readv": 270,
            "process_vm_writev": 271,
            "memfd_create": 279,
            "bpf": 280,
            "userfaultfd": 282,
            "io_uring_setup": 425,
            "memfd_secret": 447,
        },
    ),
}
LOAD, JUMP_EQUAL, JUMP_AT_LEAST, RETURN = 0x20, 0x15, 0x35, 0x06
ALLOW, KILL, REFUSE = 0x7FFF0000, 0x80000000, 0x00050000 | 38  # ENOSYS
X32 = 0x40000000  # calls of the x32 interface on x86_64 begin here


def program(machine: str = "") -> bytes:
    """The filter for this machine, or no bytes where its numbers are not known."""
    machine = machine or platform.machine()
    if machine not in ARCHITECTURES:
        return b""
    audit, calls = ARCHITECTURES[machine]
    refused = sorted(calls.values())
    steps = [
        (LOAD, 0, 0, 4),  # the architecture that the call was made in
        (JUMP_EQUAL, 1, 0, audit),
        (RETURN, 0, 0, KILL),
        (LOAD, 0, 0, 0),  # the call
        (JUMP_AT_LEAST, len(refused) + 1, 0, X32),
        *((JUMP_EQUAL, len(refused) - place, 0, number) for place, number in enumerate(refused)),
        (RETURN, 0, 0, ALLOW),
        (RETURN, 0, 0, REFUSE),
    ]
    return b"".join(struct.pack("HBBI", *step) for step in steps)
