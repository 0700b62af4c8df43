"""
The Python side of the worker protocol (daemon/contracts/worker-protocol.ts).

Runs an engine's worker file:  python earshot_worker.py WORKER.py ENGINE_ID

The worker file defines  load(request: dict) -> object  with
  run(request: dict, emit: Emit) -> None    one emit.result(index, output) for each step; calls emit.check() now and
                                            then, to be cancellable
  close() -> None                           optional
  detail: dict                              optional, goes into the log
and raises  Failed(code, args, detail)  with a code of schemas/errors.ts where it knows what went wrong. It imports its
heavy libraries inside `load` or at its top: both happen after standard output has been taken away from them.
"""
import os
import sys

# Before anything can print: frames go to a copy of the real standard output, and whatever writes to fd 1, native code
# too, goes to the log.
_frames = os.dup(1)
os.dup2(2, 1)
sys.stdout = sys.stderr

import errno  # noqa: E402
import json  # noqa: E402
import queue  # noqa: E402
import re  # noqa: E402
import signal  # noqa: E402
import threading  # noqa: E402
import time  # noqa: E402

PROTOCOL = 1
HEARTBEAT_SECONDS = 1.0
_OUT_OF_MEMORY = re.compile(
    "out of memory|bad_alloc|ALLOC_FAILED|cudaErrorMemoryAllocation|failed to allocate|cannot allocate memory", re.I
)
# A kernel that failed takes its process's context on the device with it: every later call fails too.
_CONTEXT_LOST = re.compile(
    "device-side assert|illegal memory access|misaligned address|unspecified launch failure|illegal instruction"
    "|cudaError(Assert|IllegalAddress|MisalignedAddress|LaunchFailure|IllegalInstruction)", re.I
)


class Failed(Exception):
    """A failure with a code of the closed list (schemas/errors.ts)."""

    def __init__(self, code, args=None, detail=""):
        super().__init__(detail or code)
        self.code, self.arguments, self.detail = code, args or {}, detail or code


class Cancelled(Exception):
    pass


_lock = threading.Lock()


def _send(frame):
    data = ("\n" + json.dumps(frame, ensure_ascii=False, separators=(",", ":"), allow_nan=False) + "\n").encode("utf-8")
    with _lock:
        while data:
            data = data[os.write(_frames, data):]


class Emit:
    """What a run says while it goes."""

    def __init__(self, run_id):
        self._id, self.cancelled = run_id, threading.Event()

    def result(self, index, output):
        _send({"type": "result", "id": self._id, "index": index, "output": output})

    def alternatives(self, index, alternatives):
        """What else a step of recognition may have been, behind its result."""
        _send({"type": "alternatives", "id": self._id, "index": index, "alternatives": alternatives})

    def progress(self, fraction):
        """0 to 1, of the whole run."""
        _send({"type": "progress", "id": self._id, "fraction": min(1.0, max(0.0, float(fraction)))})

    def check(self):
        """Raises when the run was cancelled."""
        if self.cancelled.is_set():
            raise Cancelled()


def _end_group():
    """Ends this process and what it started: it leads a group of its own when the daemon started it."""
    if hasattr(os, "killpg") and os.getpgid(0) == os.getpid():
        os.killpg(os.getpid(), signal.SIGKILL)
    os._exit(1)


def _beat(parent):
    """
    Native code that computes lets go of the interpreter, so this thread keeps on; it also notices that the daemon is
    gone.
    """
    while True:
        time.sleep(HEARTBEAT_SECONDS)
        if sys.platform != "win32" and os.getppid() != parent:
            _end_group()
        try:
            _send({"type": "heartbeat"})
        except OSError:
            _end_group()


def _die_with_parent():
    """Linux: the kernel ends this process with the daemon even when native code never lets go of the interpreter."""
    if not sys.platform.startswith("linux"):
        return
    try:
        import ctypes

        PR_SET_PDEATHSIG = 1
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    except Exception as error:  # noqa: BLE001 The heartbeat thread does the same, later.
        print("no parent-death signal:", error, file=sys.stderr)


def _describe(error):
    if isinstance(error, Failed):
        return {"code": error.code, "args": error.arguments, "detail": error.detail}
    text = f"{type(error).__name__}: {error}"
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return {"code": "diskFull", "args": {"path": str(error.filename)} if error.filename else {}, "detail": text}
    memory = isinstance(error, MemoryError) or _OUT_OF_MEMORY.search(text)
    return {"code": "outOfMemory" if memory else "engineFailed", "args": {}, "detail": text}


def _log(error):
    if not isinstance(error, Failed):
        import traceback

        traceback.print_exception(error)
    else:
        print(f"{error.code}: {error.detail}", file=sys.stderr)


def _read(requests, state):
    """Reads stdin on a thread of its own, so that a cancel or the end is seen while a run computes."""
    try:
        for line in sys.stdin.buffer:
            if not line.strip():
                continue
            request = json.loads(line)
            if request["type"] == "cancel":
                emit = state.get("emit")
                if emit is not None and emit._id == request["id"]:
                    emit.cancelled.set()
                continue
            if request["type"] == "run":
                # Here, not where it runs: a cancel may follow at once.
                state["emit"] = Emit(request["id"])
            requests.put(request)
            if request["type"] == "unload":
                break
    finally:
        if state.get("emit") is not None or not state["ready"]:
            os._exit(0)
        requests.put(None)


def _run(model, request, state):
    steps, emit = request["steps"], state["emit"]
    try:
        model.run(request, emit)
        frame = {"type": "done", "id": request["id"]}
    except Cancelled:
        frame = {"type": "failed", "id": request["id"], "code": "cancelled", "args": {}, "detail": "cancelled"}
    except BaseException as error:  # noqa: BLE001 The worker lives on.
        _log(error)
        if _CONTEXT_LOST.search(str(error)):
            sys.stderr.flush()
            os._exit(1)
        frame = {"type": "failed", "id": request["id"], **_describe(error)}
        if len(steps) == 1:
            frame["index"] = steps[0]["index"]
    finally:
        state["emit"] = None
    _send(frame)


def _serve(worker_path, engine):
    parent = os.getppid()
    _die_with_parent()
    if sys.platform == "win32":
        import msvcrt

        msvcrt.setmode(_frames, os.O_BINARY)
    threading.Thread(target=_beat, args=(parent,), daemon=True).start()
    _send({"type": "hello", "protocol": PROTOCOL, "engine": engine, "pid": os.getpid()})

    requests, state = queue.Queue(), {"emit": None, "ready": False}
    threading.Thread(target=_read, args=(requests, state), daemon=True).start()
    model = None
    try:
        import importlib.util

        # What a worker file imports as earshot_worker is this very module.
        sys.modules["earshot_worker"] = sys.modules[__name__]
        # Its own modules lie beside it, and nothing is written there.
        sys.path.insert(0, os.path.dirname(os.path.abspath(worker_path)))
        sys.dont_write_bytecode, before = True, sys.dont_write_bytecode
        spec = importlib.util.spec_from_file_location("earshot_engine", worker_path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        sys.dont_write_bytecode = before
        request = requests.get()
        if request is None or request["type"] != "load":
            return
        model = module.load(request)
        detail = getattr(model, "detail", None)
        state["ready"] = True
        _send({"type": "loaded", **({"detail": detail} if detail else {})})
    except BaseException as error:  # noqa: BLE001
        _log(error)
        _send({"type": "failed", **_describe(error)})
        os._exit(1)

    while True:
        request = requests.get()
        if request is None or request["type"] == "unload":
            break
        if request["type"] == "run":
            _run(model, request, state)
    if hasattr(model, "close"):
        model.close()
    # Native libraries' own farewells can hang or crash; there is nothing left to save.
    sys.stderr.flush()
    os._exit(0)


if __name__ == "__main__":
    _serve(sys.argv[1], sys.argv[2])
