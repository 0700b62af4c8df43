"""
Our engine without Earshot. Prints when it was loaded and each stretch was done, in seconds of its own clock.
  bare.py WORKER_FOLDERS MODEL THREADS LANGUAGE PCM STRETCHES(json, ms)
"""
import json
import os
import sys
import time

folders, model, threads, language, pcm, stretches = sys.argv[1:]
sys.path[:0] = folders.split(":")
# Workers keep their libraries off stdout.
out = os.fdopen(os.dup(1), "w")
import worker  # noqa: E402


class Emit:
    def check(self): pass
    def result(self, index, output):
        done = {"index": index, "at": time.perf_counter() - begun, "text": output["text"]}
        print(json.dumps(done), file=out, flush=True)


begun = time.perf_counter()
recogniser = worker.load({"directory": model, "device": {"kind": "cpu"}, "precision": "int8", "threads": int(threads)})
loaded = time.perf_counter() - begun
rows = json.loads(stretches)
begun = time.perf_counter()
for n, (start, end) in enumerate(rows):
    audio = {"path": pcm, "startSample": start * 16, "endSample": end * 16}
    given = {"audio": audio, "language": language, "prompt": "", "hotwords": []}
    recogniser.run({"steps": [{"index": n, "input": given}]}, Emit())
print(json.dumps({"loaded": loaded, "seconds": time.perf_counter() - begun}), file=out, flush=True)
