import ctypes
import fcntl
import os
import time

MiB = 1024 * 1024
_CONTEXT = 256 * MiB
_SEGMENT = 2 * MiB
_queued = 0.0


class OutOfMemoryError(RuntimeError):
    pass


class _Device:
    def __init__(self):
        self.index, self.lost = None, None

    def open(self):
        if self.index is None:
            self.library = ctypes.CDLL(os.environ["EARSHOT_VGPU_CONTROL"])
            self.library.vgpu_allocate.restype = ctypes.c_int64
            self.index = self.library.vgpu_index(os.environ["CUDA_VISIBLE_DEVICES"].encode())
            self.busy = open(os.environ["EARSHOT_VGPU"] + ".busy", "w")
            self.take(_CONTEXT)
        return self

    def take(self, size):
        found = self.library.vgpu_allocate(self.index, os.getpid(), ctypes.c_uint64(size), 0, 0)
        if found == 0:
            raise OutOfMemoryError(f"CUDA out of memory. Tried to allocate {size / MiB:.2f} MiB.")
        if found < 0:
            self.lose("CUDA error: GPU is lost")
        return found

    def give(self, allocation):
        self.library.vgpu_give_back(self.index, ctypes.c_int64(allocation), ctypes.c_uint64(0))

    def check(self):
        if self.lost:
            raise RuntimeError(self.lost)
        return self.open()

    def lose(self, why):
        self.lost = why
        raise RuntimeError(why)


class _Allocator:
    """Keeps what is given back, as PyTorch's does, and uses it again for what is not much smaller."""

    def __init__(self):
        self.kept, self.reserved, self.most = [], 0, 0

    def take(self, size):
        _device.check()
        size = -(-size // _SEGMENT) * _SEGMENT
        for block in sorted(self.kept, key=lambda each: each[1]):
            if size <= block[1] <= 2 * size:
                self.kept.remove(block)
                return block
        try:
            block = (_device.take(size), size)
        except OutOfMemoryError:
            empty_cache()
            block = (_device.take(size), size)
        self.reserved += size
        self.most = max(self.most, self.reserved)
        return block

    def give(self, block):
        self.kept.append(block)
        if os.environ.get("PYTORCH_NO_CUDA_MEMORY_CACHING") == "1":
            empty_cache()


_device, _allocator = _Device(), _Allocator()


def empty_cache():
    for allocation, size in _allocator.kept:
        _device.give(allocation)
        _allocator.reserved -= size
    _allocator.kept.clear()


def synchronize():
    """What was queued has the device to itself: kernels of several processes go one after the other."""
    global _queued
    _device.check()
    seconds, _queued = _queued, 0.0
    while seconds > 0:
        slice_seconds = min(seconds, 0.002)
        fcntl.flock(_device.busy, fcntl.LOCK_EX)
        time.sleep(slice_seconds)
        fcntl.flock(_device.busy, fcntl.LOCK_UN)
        seconds -= slice_seconds


def is_available():
    return "EARSHOT_VGPU" in os.environ and _device.open().index >= 0


def get_device_name(_index):
    return "Virtual GPU"


def memory_reserved():
    return _allocator.reserved


def max_memory_reserved():
    return _allocator.most
