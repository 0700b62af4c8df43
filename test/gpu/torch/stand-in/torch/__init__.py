"""
Stands in for PyTorch on a virtual GPU, so that what proves a real one can be tried without: its allocator that keeps
memory, its refusals, kernels that have the device to themselves for as long as they take, and a context that is lost
with a kernel that fails. Only what the tests call.
"""

from . import cuda, version  # noqa: F401  (as in PyTorch)
from .cuda import _allocator, _device

__version__ = "0 (stand-in)"
uint8, float32, int64 = 1, 4, 8
_FLOPS = 5e11


class Tensor:
    def __init__(self, shape, dtype):
        self.shape, self._dtype = shape, dtype
        self._block = _allocator.take(self.numel() * dtype)

    def __del__(self):
        if hasattr(self, "_block"):
            _allocator.give(self._block)

    def numel(self):
        count = 1
        for side in self.shape:
            count *= side
        return count

    def fill_(self, _value):
        _device.check()
        return self

    def __getitem__(self, index):
        if any(place >= self.shape[0] for place in index.values):
            _device.lose("CUDA error: device-side assert triggered")
        return self


def empty(shape, dtype, device):
    assert device == "cuda"
    return Tensor((shape,) if isinstance(shape, int) else tuple(shape), dtype)


class _Index:
    def __init__(self, values):
        self.values = values


def tensor(values, device):
    assert device == "cuda"
    return _Index(values)


def mm(left, right, out):
    _device.check()
    cuda._queued += 2 * left.shape[0] * left.shape[1] * right.shape[1] / _FLOPS
    return out
