"""
Another program on the GPU: takes memory, gives it back and computes, as lines on its standard input say, and ends with
it. One JSON object a line, and one in answer:

  {"take": BYTES}                 → {"taken": BYTES} or {"refused": MESSAGE}
  {"give": true}                  → {"given": BYTES}       all of it, and what the allocator keeps
  {"products": N, "side": SIDE}   → {"ms": MILLISECONDS}   N products of square matrices, one after the other

`{"ready": …}` comes once it has a context on the device, with what PyTorch is.
"""
import json
import os
import sys
import time

os.environ["CUDA_VISIBLE_DEVICES"] = sys.argv[1]

import torch  # noqa: E402


def say(answer):
    print(json.dumps(answer), flush=True)


def multiply(count, side):
    left, right = (torch.empty((side, side), dtype=torch.float32, device="cuda").fill_(1e-3) for _ in range(2))
    product = torch.empty((side, side), dtype=torch.float32, device="cuda")
    torch.mm(left, right, out=product)
    torch.cuda.synchronize()
    begun = time.perf_counter()
    for _ in range(count):
        torch.mm(left, right, out=product)
    torch.cuda.synchronize()
    return (time.perf_counter() - begun) * 1000


def main():
    held = [torch.empty(1, dtype=torch.uint8, device="cuda").fill_(1)]
    torch.cuda.synchronize()
    say(
        {
            "ready": torch.__version__,
            "pid": os.getpid(),
            "cuda": torch.version.cuda,
            "device": torch.cuda.get_device_name(0),
            "reserved": torch.cuda.memory_reserved(),
        }
    )
    for line in sys.stdin:
        asked = json.loads(line)
        if "take" in asked:
            try:
                held.append(torch.empty(asked["take"], dtype=torch.uint8, device="cuda").fill_(1))
                torch.cuda.synchronize()
                say({"taken": asked["take"], "reserved": torch.cuda.memory_reserved()})
            except torch.cuda.OutOfMemoryError as error:
                say({"refused": str(error)})
        elif "give" in asked:
            given = sum(piece.numel() for piece in held[1:])
            del held[1:]
            torch.cuda.empty_cache()
            say({"given": given, "reserved": torch.cuda.memory_reserved()})
        else:
            say({"ms": multiply(asked["products"], asked["side"])})


main()
