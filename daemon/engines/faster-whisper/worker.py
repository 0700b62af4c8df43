"""Speech recognition with faster-whisper. One utterance is one window of the encoder; a run of several goes through the model together."""
import os
import threading
import zlib

from earshot_worker import Failed

RATE = 16_000
WINDOW_SECONDS = 30
BEAMS = 5
# Whisper's own limits for an answer that cannot be trusted.
NO_SPEECH, SURE, REPETITIVE = 0.6, -1.0, 2.4
# Languages written without spaces: the tokenizer's units stand for words there.
UNSPACED = {"zh", "ja", "th", "lo", "my", "yue"}
# Whisper's codes that differ from BCP 47.
TO_BCP47 = {"jw": "jv"}
FROM_BCP47 = {"jv": "jw", "iw": "he", "fil": "tl", "nb": "no", "in": "id", "cmn": "zh"}
OPENING, CLOSING = "\"'“¿([{-", "\"'.。,，!！?？:：”)]}、"
# Tokens of context that the decoder can look back on: less than half of its 448.
HOTWORD_TOKENS, PROMPT_TOKENS = 100, 120


def load(request):
    directory, device, precision = request["directory"], request["device"], request["precision"]
    # The weights come off the disk while Python still imports.
    threading.Thread(target=_read_ahead, args=(os.path.join(directory, "model.bin"),), daemon=True).start()
    return Recogniser(directory, "cuda" if device["kind"] == "gpu" else "cpu", precision, request["threads"])


def _read_ahead(path):
    try:
        with open(path, "rb", buffering=0) as file:
            while file.read(4 * 1024 * 1024):
                pass
    except OSError:
        pass


class Recogniser:
    def __init__(self, directory, device, precision, threads):
        from faster_whisper import WhisperModel

        try:
            self.whisper = WhisperModel(
                directory, device=device, compute_type=precision or "default", cpu_threads=threads, num_workers=1, local_files_only=True
            )
        except (RuntimeError, ValueError, FileNotFoundError) as error:
            if any(word in str(error) for word in ("model.bin", "binary version", "vocabulary", "tokenizer", "incomplete", "config.json")):
                raise Failed("modelBroken", {"model": request_name(directory)}, str(error)) from error
            raise
        self.many = self.whisper.model.is_multilingual
        self.tokenizers = {}
        self.detail = {"device": device, "precision": self.whisper.model.compute_type, "languages": len(self.whisper.supported_languages)}

    def run(self, request, emit):
        import numpy

        steps = request["steps"]
        audio = [_read(step["input"]["audio"]) for step in steps]
        loud = [n for n, samples in enumerate(audio) if samples.size >= RATE // 20 and float(numpy.abs(samples).max()) > 1e-4]
        for n in set(range(len(steps))) - set(loud):
            # Digital silence: nothing to ask a model about.
            asked = steps[n]["input"]["language"]
            emit.result(steps[n]["index"], {"text": "", "words": [], "language": _bcp47(self._code(asked) or "en"), "languageProbability": 1.0 if asked else 0.0})
        if not loud:
            return
        features = numpy.stack([self._features(audio[n]) for n in loud])
        emit.check()
        encoded = self.whisper.encode(features)
        emit.check()
        languages = self._languages(encoded, [steps[n]["input"]["language"] for n in loud])
        prompts = [self._prompt(languages[k][0], steps[n]["input"]) for k, n in enumerate(loud)]
        answers = [None] * len(loud)
        # The decoder takes rows of one prompt length and one language at a time; usually that is all of them.
        for rows in _groups(range(len(loud)), key=lambda k: (languages[k][0], len(prompts[k]))):
            part = encoded if len(rows) == len(loud) else self.whisper.encode(features[rows])
            for k, answer in zip(rows, self._decode(part, [prompts[k] for k in rows], languages[rows[0]][0], [audio[loud[k]].size for k in rows], emit)):
                answers[k] = answer
        for k, n in enumerate(loud):
            start = steps[n]["input"]["audio"]["startSample"]
            language, probability = languages[k]
            words = _words(answers[k], language, start, start + audio[n].size)
            emit.result(steps[n]["index"], {
                "text": ("" if language in UNSPACED else " ").join(word["text"] for word in words), "words": words,
                "language": _bcp47(language), "languageProbability": probability,
            })

    def _features(self, samples):
        from faster_whisper.audio import pad_or_trim

        return pad_or_trim(self.whisper.feature_extractor(samples[: WINDOW_SECONDS * RATE])[..., : WINDOW_SECONDS * 100])

    def _code(self, language):
        """A BCP 47 tag as the model's own code; None when it was not given."""
        if not language:
            return None
        code = language.split("-")[0].lower()
        code = FROM_BCP47.get(code, code)
        if code not in self.whisper.supported_languages:
            raise Failed("languageNotSupported", {"language": language}, f"the model does not know {language}")
        return code

    def _languages(self, encoded, asked):
        codes = [self._code(language) for language in asked]
        if not self.many:
            return [("en", 1.0)] * len(codes)
        if all(codes):
            return [(code, 1.0) for code in codes]
        heard = self.whisper.model.detect_language(encoded)
        return [(code, 1.0) if code else (guess[0][0][2:-2], min(1.0, float(guess[0][1]))) for code, guess in zip(codes, heard)]

    def _tokenizer(self, language):
        from faster_whisper.tokenizer import Tokenizer

        if language not in self.tokenizers:
            self.tokenizers[language] = Tokenizer(self.whisper.hf_tokenizer, self.many, task="transcribe", language=language)
        return self.tokenizers[language]

    def _prompt(self, language, given):
        tokenizer, tokens = self._tokenizer(language), []
        if given["hotwords"]:
            tokens += tokenizer.encode(" " + ", ".join(given["hotwords"]))[:HOTWORD_TOKENS]
        if given["prompt"].strip():
            tokens += tokenizer.encode(" " + given["prompt"].strip())[-PROMPT_TOKENS:]
        return ([tokenizer.sot_prev, *tokens] if tokens else []) + [*tokenizer.sot_sequence, tokenizer.no_timestamps]

    def _decode(self, encoded, prompts, language, sizes, emit):
        """For each row: the aligned words of its best answer, [] where nobody speaks."""
        tokenizer = self._tokenizer(language)
        answers = [self._judge(result, tokenizer) for result in self._generate(encoded, prompts, tokenizer)]
        doubtful = [k for k, answer in enumerate(answers) if answer["repetitive"]]
        for k in doubtful:
            emit.check()
        return self._align(encoded, tokenizer, answers, sizes)

    def _generate(self, encoded, prompts, tokenizer, **options):
        from faster_whisper.transcribe import get_suppressed_tokens

        return self.whisper.model.generate(
            encoded, prompts, beam_size=BEAMS, patience=1, length_penalty=1, max_length=self.whisper.max_length, return_scores=True, return_no_speech_prob=True,
            suppress_blank=True, suppress_tokens=list(get_suppressed_tokens(tokenizer, [-1])), sampling_temperature=0, **options,
        )

    def _judge(self, result, tokenizer):
        tokens = [token for token in result.sequences_ids[0] if token < tokenizer.eot]
        text = tokenizer.decode(tokens).strip()
        data = text.encode("utf-8")
        logprob = result.scores[0] * len(result.sequences_ids[0]) / (len(result.sequences_ids[0]) + 1)
        return {
            "tokens": tokens, "text": text, "logprob": logprob, "no_speech": result.no_speech_prob,
            "repetitive": len(data) / max(1, len(zlib.compress(data))) > REPETITIVE,
        }

    def _align(self, encoded, tokenizer, answers, sizes):
        from faster_whisper.transcribe import merge_punctuations

        kept = [answer["tokens"] for answer in answers]
        aligned = self.whisper.find_alignment(tokenizer, kept, encoded, [max(1, size // (RATE // 100)) for size in sizes])
        for words in aligned:
            merge_punctuations(words, OPENING, CLOSING)
        return aligned


def request_name(directory):
    return os.path.basename(os.path.normpath(directory))


def _read(audio):
    """Samples as 32-bit floats, [-1, 1)."""
    import numpy

    count = audio["endSample"] - audio["startSample"]
    try:
        return numpy.fromfile(audio["path"], dtype="<i2", count=count, offset=audio["startSample"] * 2).astype(numpy.float32) / 32768
    except OSError as error:
        raise Failed("unreadableFile", {"path": audio["path"]}, str(error)) from error


def _groups(rows, key):
    groups = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return groups.values()


def _bcp47(code):
    return TO_BCP47.get(code, code)


def _words(aligned, language, start, end):
    """The protocol's words: trimmed, in time order, within the utterance; times in ms of the recording, from samples."""
    words, first, last = [], start * 1000 // RATE, end * 1000 // RATE
    for unit in aligned:
        text = unit["word"]
        if not text.strip():
            continue
        begins = min(max(first + round(float(unit["start"]) * 1000), words[-1]["endMs"] if words else first), last)
        ends = min(max(first + round(float(unit["end"]) * 1000), begins), last)
        if words and language not in UNSPACED and not text.startswith(" "):
            # A part of the word before ("-disposed"): words are what spaces separate.
            words[-1].update(text=words[-1]["text"] + text.strip(), endMs=ends, probability=min(words[-1]["probability"], _fraction(unit)))
            continue
        words.append({"text": " ".join(text.split()), "startMs": begins, "endMs": ends, "probability": _fraction(unit)})
    return words


def _fraction(unit):
    return round(min(1.0, max(0.0, float(unit["probability"]))), 4)
