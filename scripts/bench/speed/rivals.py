"""faster-whisper as people use it: rivals.py loop|batched MODEL THREADS LANGUAGE FILES… A line of JSON a segment."""
import json
import sys

from faster_whisper import BatchedInferencePipeline, WhisperModel

how, model, threads, language, *files = sys.argv[1:]
whisper = WhisperModel(model, device="cpu", compute_type="int8", cpu_threads=int(threads), local_files_only=True)
pipeline = BatchedInferencePipeline(whisper) if how == "batched" else None
for path in files:
    if pipeline:
        segments, _ = pipeline.transcribe(path, language=language, batch_size=4)
    else:
        segments, _ = whisper.transcribe(path, language=language)
    for segment in segments:
        print(json.dumps({"path": path, "text": segment.text}), flush=True)
