"""
An engine that allocates and computes with PyTorch as models do: weights at load; in each run a peak that is drawn anew,
taken in pieces, while matrices are multiplied; memory that PyTorch's allocator keeps. See engine.ts for its parameters.

EARSHOT_PEAKS names a folder in which each process writes down the most that its allocator ever held.
"""
import json
import os
import random
import time

from earshot_worker import Failed

MiB = 1024 * 1024
WEIGHTS_PIECE = 64 * MiB


class Model:
    def __init__(self, request):
        parameters = request["parameters"]
        self.number = lambda name, otherwise=0: parameters.get(name, otherwise)
        if request["device"]["kind"] != "gpu":
            raise Failed("engineMissing", {}, "PyTorch computes on a GPU here")
        os.environ["CUDA_VISIBLE_DEVICES"] = request["device"]["uuid"]
        import torch

        if not torch.cuda.is_available():
            raise Failed("engineMissing", {}, "PyTorch finds no CUDA device")
        self.torch, self.model, self.stage = torch, request["model"], request["stage"]
        self.draw = random.Random(self.number("seed") * 1_000_003 + os.getpid())
        self.held = 0
        self.most = 0
        self.weights = []
        left = int(self.number("weightsMiB") * MiB)
        while left > 0:
            self.weights.append(self._take(min(left, WEIGHTS_PIECE)))
            left -= WEIGHTS_PIECE
        side = int(self.number("side", 512))
        self.left, self.right, self.product = (self._matrix(side) for _ in range(3))
        torch.cuda.synchronize()
        self.detail = {"torch": torch.__version__, "device": torch.cuda.get_device_name(0)}

    def _matrix(self, side):
        return self.torch.empty((side, side), dtype=self.torch.float32, device="cuda").fill_(1e-3)

    def _take(self, size):
        self.held += size
        self.most = max(self.most, self.held)
        return self.torch.empty(size, dtype=self.torch.uint8, device="cuda").fill_(1)

    def _give(self, pieces):
        self.held -= sum(piece.numel() for piece in pieces)
        pieces.clear()

    def _accident(self):
        if self.draw.random() < self.number("crash") or self._first("crash"):
            # Out of bounds inside a kernel: the device's context is lost with it.
            self.left[self.torch.tensor([1 << 30], device="cuda")].sum().item()
        if self._first("hang"):
            time.sleep(86_400)

    def _first(self, accident):
        """Once, whichever process comes to it first."""
        if self.number("once", "") != accident:
            return False
        try:
            open(os.path.join(os.environ["EARSHOT_PEAKS"], f"{self.model}.{accident}"), "x", encoding="utf-8").close()
            return True
        except FileExistsError:
            return False

    def _pieces(self):
        """Sizes of unequal pieces that make up a run's extra memory, so that what is kept does not always fit again."""
        spread = self.number("spread")
        size = self.number("scratchMiB") * MiB * (1 + spread * (2 * self.draw.random() - 1))
        cuts = sorted(self.draw.random() for _ in range(int(self.number("pieces", 3)) - 1))
        return [max(1, int(size * (to - start))) for start, to in zip([0.0, *cuts], [*cuts, 1.0])]

    def run(self, request, emit):
        pieces = []
        try:
            self._accident()
            for size in self._pieces():
                pieces.append(self._take(size))
            for step in request["steps"]:
                for _ in range(int(self.number("products", 20))):
                    self.torch.mm(self.left, self.right, out=self.product)
                self.torch.cuda.synchronize()
                emit.check()
                emit.result(step["index"], self._answer(step))
        finally:
            self._give(pieces)
            self._note()

    def _note(self):
        folder = os.environ.get("EARSHOT_PEAKS")
        if not folder:
            return
        path = os.path.join(folder, f"{os.getpid()}.peak")
        most = max(self.most, self.torch.cuda.max_memory_reserved())
        with open(path + ".part", "w", encoding="utf-8") as file:
            json.dump({"model": self.model, "bytes": most}, file)
        os.replace(path + ".part", path)

    def _answer(self, step):
        given = step["input"]
        if self.stage == "asr":
            return {"text": f"utterance {step['index']}", "words": [], "language": "en", "languageProbability": 1}
        if self.stage == "repair":
            return {"text": given["text"], "changes": []}
        if self.stage == "nmt":
            return {"text": given["text"], "language": given["to"]}
        return {"path": given["path"], "sampleRate": 16_000, "durationMs": 0}


load = Model
