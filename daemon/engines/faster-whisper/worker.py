"""
Speech recognition with faster-whisper. Utterances of one window are recognized in one go; several windows of a run go
through the model together.
"""
import os
import re
import threading
import zlib

from earshot_worker import Failed

RATE = 16_000
FRAMES_PER_SECOND = 100
WINDOW_SECONDS = 30
BEAMS = 5
# An answer is not speech when the model thinks that nobody speaks and is unsure of the words too: (above this, below
# that).
NOT_SPEECH = ((0.6, -1.0), (0.3, -1.4))
# Above this the voice detector is asked, unless the words are already refused.
DOUBTFUL = 0.6
LEAST_SPEECH_SECONDS = 0.2
# Text that zlib shrinks more than this goes round in circles (Whisper's own limit).
REPETITIVE = 2.4
# Of the level of the voice; 30 dB below it.
SILENCE, SHORTEST_WORD_MS = 0.03, 60
# Nobody utters more tokens than this; a model that goes round in circles is stopped here.
TOKENS_PER_SECOND, TOKENS_AT_LEAST = 20, 30
# Languages written without spaces: the tokenizer's units stand for words there.
UNSPACED = {"zh", "ja", "th", "lo", "my", "yue"}
# Whisper's codes that differ from BCP 47.
TO_BCP47 = {"jw": "jv"}
FROM_BCP47 = {"jv": "jw", "iw": "he", "fil": "tl", "nb": "no", "in": "id", "cmn": "zh"}
SENTENCE_END = ".。!！?？"
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
                directory,
                device=device,
                compute_type=precision or "default",
                cpu_threads=threads,
                num_workers=1,
                local_files_only=True,
            )
        except (RuntimeError, ValueError, OSError) as error:
            if re.search(r"out of memory|ALLOC_FAILED|libcu|CUDA|cuda", str(error)):
                raise
            raise Failed("modelBroken", {"model": os.path.basename(os.path.normpath(directory))}, str(error)) from error
        self.many = self.whisper.model.is_multilingual
        self.tokenizers = {}
        self.detail = {
            "device": device,
            "precision": self.whisper.model.compute_type,
            "languages": len(self.whisper.supported_languages),
        }

    def run(self, request, emit):
        import numpy

        rows = [Row(steps) for steps in _groups(request["steps"], key=_stretch).values()]
        for row in rows:
            row.asked = self._code(row.input["language"])
        # Windows of one size go through the encoder together, so what one yields does not depend on its company.
        for same in _groups([row for row in rows if row.audible], key=lambda row: row.frames).values():
            encoded = self.whisper.encode(numpy.stack([self._features(row) for row in same]))
            emit.check()
            self._languages(encoded, same)
            for row in same:
                row.prompt = self._prompt(row.language, row.input)
            # The decoder takes rows of one language and one prompt length at a time; usually that is all of them.
            for part in _groups(same, key=lambda row: (row.language, len(row.prompt))).values():
                rows_encoded = encoded
                if len(part) < len(same):
                    rows_encoded = self.whisper.encode(numpy.stack([self._features(row) for row in part]))
                self._recognise(rows_encoded, part, emit)
        for row in rows:
            if not row.audible:
                # Digital silence: nothing to ask a model about.
                row.language, row.language_probability = row.asked or "en", 1.0
            if not row.units and not row.asked:
                # What language silence is in must not decide for the rest of the recording.
                row.language_probability = 0.0
            words = _words(row)
            for step in row.steps:
                own = _own(words, step["input"])
                joint = "" if row.language in UNSPACED else " "
                output = {
                    "text": joint.join(word["text"] for word in own),
                    "words": own,
                    "language": TO_BCP47.get(row.language, row.language),
                    "languageProbability": row.language_probability,
                }
                emit.result(step["index"], output)

    def _features(self, row):
        import numpy

        # Whisper was made for windows of 30 s; encoding only what is there, with some silence behind it, takes a
        # fraction of the time and hears the same.
        mel = self.whisper.feature_extractor(row.samples)[..., : row.frames]
        return numpy.pad(mel, ((0, 0), (0, row.frames - mel.shape[-1])))

    def _code(self, language):
        """A BCP 47 tag as the model's own code; None when it was not given."""
        if not language:
            return None
        code = language.split("-")[0].lower()
        code = FROM_BCP47.get(code, code)
        if code not in self.whisper.supported_languages:
            raise Failed("languageNotSupported", {"language": language}, f"the model does not know {language}")
        return code

    def _languages(self, encoded, rows):
        if not self.many:
            heard = [("en", 1.0)] * len(rows)
        elif all(row.asked for row in rows):
            heard = [None] * len(rows)
        else:
            best = [guesses[0] for guesses in self.whisper.model.detect_language(encoded)]
            heard = [(token[2:-2], round(min(1.0, float(probability)), 4)) for token, probability in best]
        for row, guess in zip(rows, heard):
            row.language, row.language_probability = (row.asked, 1.0) if row.asked else guess

    def _tokenizer(self, language):
        from faster_whisper.tokenizer import Tokenizer

        if language not in self.tokenizers:
            self.tokenizers[language] = Tokenizer(
                self.whisper.hf_tokenizer, self.many, task="transcribe", language=language
            )
        return self.tokenizers[language]

    def _prompt(self, language, given=None):
        tokenizer, tokens = self._tokenizer(language), []
        if given and given["hotwords"]:
            tokens += tokenizer.encode(" " + ", ".join(given["hotwords"]))[:HOTWORD_TOKENS]
        if given and given["prompt"].strip():
            tokens += tokenizer.encode(" " + given["prompt"].strip())[-PROMPT_TOKENS:]
        return ([tokenizer.sot_prev, *tokens] if tokens else []) + [*tokenizer.sot_sequence, tokenizer.no_timestamps]

    def _recognise(self, encoded, rows, emit):
        """
        Sets each row's aligned words: [] where nobody speaks. Every row's language and prompt length are the same.
        """
        tokenizer = self._tokenizer(rows[0].language)
        answers = self._generate(encoded, rows, [row.prompt for row in rows])
        emit.check()
        # Answers that go round in circles, or only echo the prompt, are asked for again: without the prompt, and with
        # no way to repeat.
        again = [k for k, answer in enumerate(answers) if answer.wants_another(rows[k].input)]
        if again:
            alone = self.whisper.encode(_stack([self._features(rows[k]) for k in again]))
            others = self._generate(
                alone,
                [rows[k] for k in again],
                [self._prompt(rows[0].language)] * len(again),
                no_repeat_ngram_size=4,
                repetition_penalty=1.05,
            )
            for k, other in zip(again, others):
                if answers[k].repetitive or not answers[k].agrees(other):
                    answers[k] = other
            emit.check()
        for row, answer in zip(rows, answers):
            if answer.tokens and (answer.not_speech or (answer.no_speech > DOUBTFUL and not _speaks(row.samples))):
                index, figures = row.steps[0]["index"], f"{answer.no_speech:.2f}, {answer.logprob:.2f}"
                print(f"utterance {index}: not speech ({figures}): {answer.text[:80]}", flush=True)
                answer.tokens = []
        kept = [k for k, answer in enumerate(answers) if answer.tokens]
        if not kept:
            return
        if len(kept) < len(rows):
            encoded = self.whisper.encode(_stack([self._features(rows[k]) for k in kept]))
        frames = [
            max(1, min(rows[k].frames, rows[k].samples.size * FRAMES_PER_SECOND // RATE)) for k in kept
        ]
        aligned = self.whisper.find_alignment(tokenizer, [answers[k].tokens for k in kept], encoded, frames)
        for k, units in zip(kept, aligned):
            _merge_punctuation(units)
            rows[k].units = units

    def _generate(self, encoded, rows, prompts, **options):
        from faster_whisper.transcribe import get_suppressed_tokens

        tokenizer = self._tokenizer(rows[0].language)
        longest = max(row.samples.size for row in rows) / RATE
        most_tokens = TOKENS_AT_LEAST + round(TOKENS_PER_SECOND * longest)
        results = self.whisper.model.generate(
            encoded,
            prompts,
            beam_size=BEAMS,
            patience=1,
            length_penalty=1,
            sampling_temperature=0,
            return_scores=True,
            return_no_speech_prob=True,
            suppress_blank=True,
            max_length=min(self.whisper.max_length, len(prompts[0]) + most_tokens),
            suppress_tokens=list(get_suppressed_tokens(tokenizer, [-1])),
            **options,
        )
        return [Answer(result, tokenizer) for result in results]


def _stretch(step):
    """Start and end of what is recognised in one go, samples of the file."""
    stretch = step["input"].get("window") or step["input"]["audio"]
    return stretch["startSample"], stretch["endSample"]


class Row:
    """One window on its way through the model, with the steps that want words of it."""

    def __init__(self, steps):
        self.steps, self.input = steps, steps[0]["input"]
        start, end = _stretch(steps[0])
        self.first_ms = start * 1000 / RATE
        self.samples = _read(self.input["audio"]["path"], start, end)[: WINDOW_SECONDS * RATE]
        self.audible = self.samples.size >= RATE // 20 and float(abs(self.samples).max()) > 1e-4
        # 5 s of silence behind, in steps of 2.5 s, at least 10 s.
        seconds = max(10.0, -(-(self.samples.size / RATE + 5) // 2.5) * 2.5)
        self.frames = round(min(WINDOW_SECONDS, seconds) * FRAMES_PER_SECOND)
        self.units = []


class Answer:
    """What the decoder said, and how sure it was."""

    def __init__(self, result, tokenizer):
        self.tokens = [token for token in result.sequences_ids[0] if token < tokenizer.eot]
        self.text = tokenizer.decode(self.tokens).strip()
        length = len(result.sequences_ids[0])
        self.logprob, self.no_speech = result.scores[0] * length / (length + 1), result.no_speech_prob
        data = self.text.encode("utf-8")
        self.repetitive = len(data) / max(1, len(zlib.compress(data))) > REPETITIVE

    @property
    def not_speech(self):
        unsure = any(self.no_speech > silent and self.logprob < unsure for silent, unsure in NOT_SPEECH)
        return unsure or (self.repetitive and self.no_speech > DOUBTFUL)

    def wants_another(self, given):
        return bool(self.tokens) and not self.not_speech and (self.repetitive or self._echoes(given))

    def _echoes(self, given):
        """All of its words stand in the prompt: hardly ever speech, mostly the prompt itself."""
        words = _bare(self.text)
        return len(words) > 2 and set(words) <= set(_bare(" ".join([given["prompt"], *given["hotwords"]])))

    def agrees(self, other):
        mine, theirs = set(_bare(self.text)), set(_bare(other.text))
        return len(mine & theirs) * 2 >= len(mine)


def _read(path, start, end):
    """Samples as 32-bit floats, [-1, 1)."""
    import numpy

    try:
        return numpy.fromfile(path, dtype="<i2", count=end - start, offset=start * 2).astype(numpy.float32) / 32768
    except OSError as error:
        raise Failed("unreadableFile", {"path": path}, str(error)) from error


def _groups(rows, key):
    groups = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return groups


def _stack(features):
    import numpy

    return numpy.stack(features)


def _bare(text):
    return "".join(c if c.isalnum() else " " for c in text.lower()).split()


def _speaks(samples):
    """Asks the voice detector that faster-whisper carries; where that cannot run, the recogniser is believed."""
    try:
        from faster_whisper.vad import VadOptions, get_speech_timestamps

        spans = get_speech_timestamps(samples, VadOptions(min_speech_duration_ms=100, speech_pad_ms=0))
    except Exception as error:  # noqa: BLE001
        print("no voice detector:", error, flush=True)
        return True
    return sum(span["end"] - span["start"] for span in spans) >= LEAST_SPEECH_SECONDS * RATE


def _merge_punctuation(units):
    from faster_whisper.transcribe import merge_punctuations

    merge_punctuations(units, OPENING, CLOSING)


def _words(row):
    """What spaces separate, trimmed: start and end in ms of the recording."""
    words = []
    for unit in row.units:
        text = unit["word"]
        if not text.strip():
            continue
        start, end = float(unit["start"]) * 1000, float(unit["end"]) * 1000
        probability = min(1.0, max(0.0, float(unit["probability"])))
        if words and row.language not in UNSPACED and not text.startswith(" "):
            # A part of the word before ("-disposed").
            last = words[-1]
            last.update(
                text=last["text"] + text.strip(), end=end, probability=min(last["probability"], probability)
            )
        else:
            words.append({"text": " ".join(text.split()), "start": start, "end": end, "probability": probability})
    _shorten(words)
    _trim(words, row.samples)
    for word in words:
        word["start"] += row.first_ms
        word["end"] += row.first_ms
    return words


def _own(words, given):
    """The protocol's words of one utterance: those that begin and end nearest to it, in time order and within it."""
    audio, window = given["audio"], given.get("window")
    if window:
        first, last = window["keepFrom"] * 1000 / RATE, window["keepTo"] * 1000 / RATE
        # What lies before or behind the window, by a slip of the alignment, belongs to its ends.
        first = -1 if window["keepFrom"] <= window["startSample"] else first
        last = float("inf") if window["keepTo"] >= window["endSample"] else last
        words = [word for word in words if first <= (word["start"] + word["end"]) / 2 < last]
    before, end = audio["startSample"] * 1000 // RATE, audio["endSample"] * 1000 // RATE
    own = []
    for word in words:
        start = min(max(round(word["start"]), before), end)
        before = min(max(round(word["end"]), start), end)
        probability = round(word["probability"], 4)
        own.append({"text": word["text"], "startMs": start, "endMs": before, "probability": probability})
    return own


def _shorten(words):
    """
    Alignment gives a pause to the word before or after it; beside a pause no word is longer than twice the usual
    (faster-whisper does the same).
    """
    lengths = sorted(word["end"] - word["start"] for word in words if word["end"] > word["start"])
    if not lengths:
        return
    longest = 2 * min(700.0, lengths[len(lengths) // 2])
    for n, word in enumerate(words):
        if word["end"] - word["start"] <= longest:
            continue
        if word["text"][-1] in SENTENCE_END:
            word["end"] = word["start"] + longest
        elif n == 0 or words[n - 1]["text"][-1] in SENTENCE_END:
            word["start"] = word["end"] - longest


def _trim(words, samples):
    """Takes silence off both ends of each word, so that words and subtitles begin and end with the voice."""
    import numpy

    step = RATE // 50
    frames = samples[: samples.size // step * step].reshape(-1, step)
    if not len(frames):
        return
    level = numpy.sqrt((frames * frames).mean(axis=1))
    quiet = level < SILENCE * numpy.percentile(level, 95)
    for word in words:
        first, last = int(word["start"] // 20), min(int(word["end"] // 20), len(quiet))
        while first < last and quiet[first] and word["end"] - (first + 1) * 20 >= SHORTEST_WORD_MS:
            first += 1
            word["start"] = first * 20.0
        while last - 1 > first and quiet[last - 1] and (last - 1) * 20 - word["start"] >= SHORTEST_WORD_MS:
            last -= 1
            word["end"] = last * 20.0
