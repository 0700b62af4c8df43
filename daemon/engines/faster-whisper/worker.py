"""
Speech recognition with faster-whisper. Utterances of one window are recognized in one go; several windows of a run go
through the model together.
"""
import os
import re
import threading
import zlib

from earshot_worker import Failed
from ear import Noting, Reader, from_environment, nats
from encoding import complete

RATE = 16_000
FRAMES_PER_SECOND, STATES_PER_SECOND = 100, 50
WINDOW_SECONDS = 30
# What is encoded at least, and the silence behind the sound in it: less costs less and makes more mistakes, which only
# what is still being said may have.
SECONDS, PARTIAL_SECONDS = (10.0, 5), (7.5, 2.5)
BEAMS = 5
# An answer is not speech when the model thinks that nobody speaks and is unsure of the words too: (above this, below
# that).
NOT_SPEECH = ((0.6, -1.0), (0.3, -1.4))
# Above this the voice detector is asked, unless the words are already refused.
DOUBTFUL = 0.6
LEAST_SPEECH_SECONDS = 0.2
LOW_CUT_HZ, MOST_GAIN = 120, 100
# A language that is at least as likely as this is believed, in less than BRIEF_SECONDS from CERTAIN on.
SURE, CERTAIN, BRIEF_SECONDS = 0.8, 0.97, 3
# A second language of this likelihood may be another one that is spoken in the same window. So may one that is as
# likely as HIDDEN in a part of what was encoded of it, one of which begins each STEP_SECONDS, however clear the first
# one is: what comes first counts for most.
ANOTHER, HIDDEN, STEP_SECONDS = 0.03, 0.5, 2
# Then each second is heard with its neighbors. Languages part at the quietest moment so near to where they change; a
# change has to be likelier than none by so much, in nats.
PART_SECONDS, NEAR_SECONDS, CHANGE = 4, 0.8, 2
# Text that zlib shrinks more than this goes round in circles (Whisper's own limit), unless somebody really says so:
# then the sound has time for it (letters a second of it), and nearly each word has its own.
REPETITIVE = 2.4
FASTEST, SHORTEST_SECONDS, MOST_IN_NO_TIME = 25, 0.04, 0.2
# Where it is nothing but the same few words, and each stands by itself, they are counted: the model miscounts by less
# than this.
MOST_WORDS, MISCOUNTED = 6, 0.4
# A stretch without words, in which somebody speaks for so long, was passed over.
MISSED_MS, MISSED_SPEECH_SECONDS = 2000, 0.7
# Of the level of the voice; 30 dB below it.
SILENCE, SHORTEST_WORD_MS = 0.03, 60
# A window whose peak is below the first is raised to the second, by so much at most: what stands behind it in the
# decoder's window is silence beside a voice of that level, and a noise beside a quiet one.
QUIET, PEAK, MOST_RAISED = 0.4, 0.7, 100
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
        self.whisper.model = Noting(self.whisper.model)
        self.many = self.whisper.model.is_multilingual
        self.directory, self.tokenizers, self.encoder = directory, {}, None
        self.reader, self.proposer = Reader(self.whisper.model, self._tokenizer, self._encode), from_environment()
        # Of partial text: where the sound begins and how much there was, its language and how likely that is.
        self.spoken = None
        # Where the stretch lies that was listened to last, the languages that it may be in, and its row.
        self.last = None
        self.detail = {
            "device": device,
            "precision": self.whisper.model.compute_type,
            "languages": len(self.whisper.supported_languages),
        }

    def close(self):
        self.proposer.close()

    def run(self, request, emit):
        import numpy

        if request["steps"][0]["input"].get("partial"):
            self._partial(request["steps"][0], emit)
            return
        rows = [Row(steps) for steps in _groups(request["steps"], key=_stretch).values()]
        for row in rows:
            row.asked, row.expected = self._code(row.input["language"]), self._known(row.input.get("expected"))
        parts = []
        # Windows of one size go through the encoder together, so what one yields does not depend on its company.
        for same in _groups([row for row in rows if row.audible], key=lambda row: row.frames).values():
            encoded = self.whisper.encode(numpy.stack([self._features(row) for row in same]))
            emit.check()
            self._languages(encoded, same)
            hidden = self._hidden(encoded, same)
            for row in same:
                row.parts = self._parts(row, row in hidden)
                emit.check()
            whole = [row for row in same if len(row.parts) == 1]
            parts += [part for row in same if len(row.parts) > 1 for part in row.parts]
            self._recognise_all(encoded if len(whole) == len(same) else None, whole, emit)
        for same in _groups(parts, key=lambda part: part.frames).values():
            self._recognise_all(None, same, emit)
        wanted = []
        for row in rows:
            if not row.audible:
                # Digital silence: nothing to ask a model about.
                row.language, row.language_probability = row.asked or row.expected or "en", 1.0
            if not any(part.units for part in row.parts) and not row.asked:
                # What language silence is in must not decide for the rest of the recording.
                row.language_probability = 0.0
            words = [word for part in row.parts for word in self._with_missed(part, emit)]
            for step in row.steps:
                heard = _within(words, step["input"])
                own = _own(heard, step["input"])
                mine = row.part_of(step["input"])
                joint = "" if mine.language in UNSPACED else " "
                output = {
                    "text": joint.join(word["text"] for word in own),
                    "words": own,
                    "language": TO_BCP47.get(mine.language, mine.language),
                    "languageProbability": mine.language_probability,
                }
                emit.result(step["index"], output)
                if step["input"].get("alternatives"):
                    wanted.append((step, heard, output["language"]))
        # People read the text meanwhile.
        for step, heard, language in wanted:
            emit.alternatives(step["index"], self._alternatives(step, heard, language))
            emit.check()

    def _alternatives(self, step, heard, language):
        return self.reader.alternatives(step, heard, language, self.proposer) if heard else []

    def _partial(self, step, emit):
        """
        What is still being said, fast: one beam, no word times, less silence behind. It leaves nothing behind that the
        final pass could depend on.
        """
        row, text, sure = Row([step], seconds=PARTIAL_SECONDS), "", 0.0
        row.asked, row.expected = self._code(row.input["language"]), self._known(row.input.get("expected"))
        row.language = row.asked or row.expected or "en"
        if row.audible:
            encoded = self.whisper.encode(_stack([self._features(row)]))
            emit.check()
            if self.many and not row.asked:
                row.language, sure = self._spoken(row, encoded)
                emit.check()
            prompt = self._prompt(row.language, row.input)
            answer = self._generate(encoded, [row], [prompt], beam_size=1)[0]
            if not answer.not_speech and not answer.wants_another(row.input):
                text = answer.text
        language = TO_BCP47.get(row.language, row.language)
        emit.result(
            step["index"],
            {"text": text, "words": [], "language": language, "languageProbability": 1.0 if row.asked else sure},
        )

    def _spoken(self, row, encoded):
        """
        The language of what is still being said, and how likely it is. Once that is sure it is asked again only when
        there is twice as much of it.
        """
        beginning, size = (row.input["audio"]["path"], row.stretch[0]), row.samples.size
        if self.spoken and self.spoken[0] == beginning and self.spoken[1] * 2 > size >= self.spoken[1]:
            return self.spoken[2:]
        likely = self._likely(encoded)[0]
        first, sure = _first(likely), row.sure(likely)
        if not sure and row.expected:
            return row.expected, 0.0
        if sure:
            self.spoken = beginning, size, first, likely[first]
        return first, likely[first]

    def _recognise_all(self, encoded, rows, emit):
        """`encoded`: all of them, in order; None: they are encoded here."""
        import numpy

        for row in rows:
            row.prompt = self._prompt(row.language, row.input)
        # The decoder takes rows of one language and one prompt length at a time; usually that is all of them.
        for same in _groups(rows, key=lambda row: (row.language, len(row.prompt))).values():
            if encoded is None or len(same) < len(rows):
                self._recognise(self.whisper.encode(numpy.stack([self._features(row) for row in same])), same, emit)
            else:
                self._recognise(encoded, same, emit)

    def _features(self, row):
        import numpy

        # Whisper was made for windows of 30 s; encoding only what is there, with some silence behind it, takes a
        # fraction of the time and hears the same.
        mel = self.whisper.feature_extractor(_levelled(row.samples))[..., : row.frames]
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

    def _known(self, language):
        """The same of a language that was heard before; None where this model does not know it."""
        try:
            return self._code(language)
        except Failed:
            return None

    def _languages(self, encoded, rows):
        if not self.many:
            heard = [{"en": 1.0}] * len(rows)
        elif all(row.asked for row in rows):
            heard = [None] * len(rows)
        else:
            heard = self._likely(encoded)
        for row, likely in zip(rows, heard):
            row.likely = likely
            row.language, row.language_probability = (row.asked, 1.0) if row.asked else self._choose(row, likely)

    def _likely(self, encoded):
        """Of each row, languages and their likelihood, the likeliest first."""
        found = self.whisper.model.detect_language(encoded)
        return [{token[2:-2]: round(min(1.0, float(p)), 4) for token, p in guesses} for guesses in found]

    def _choose(self, row, likely, near=()):
        """
        The language of a stretch and how likely it is. What is not clear by itself is in a language that is heard
        around it: `near`, what the recording was heard to be in, or what came just before.
        """
        first = next(iter(likely))
        if row.sure(likely) or first == row.expected:
            return first, likely[first]
        known = [*near, *([row.expected] if row.expected else []), *self._before(row)]
        if not known or first in known:
            return first, likely[first]
        language = max(known, key=lambda each: likely.get(each, 0))
        return language, likely.get(language, 0.0)

    def _before(self, row):
        """The language of the window before, if it is clear."""
        before = row.input.get("before")
        if not before:
            return []
        key = row.input["audio"]["path"], before["startSample"], before["endSample"]
        if self.last is None or self.last[0] != key:
            earlier = Row(row.steps, (before["startSample"], before["endSample"]))
            self.last = key, (self._alone(earlier) if earlier.audible else None), earlier
        likely, earlier = self.last[1:]
        return [next(iter(likely))] if likely and earlier.sure(likely) else []

    def _alone(self, row):
        return self._likely(self.whisper.encode(_stack([self._features(row)])))[0]

    def _hidden(self, encoded, rows):
        """
        The rows whose language is clear, though in a part of them another one seems to be spoken. The parts are looked
        at as they were encoded with the whole, which costs next to nothing.
        """
        import numpy
        from ctranslate2 import DataType, Device, StorageView

        parts = [
            (n, second)
            for n, row in enumerate(rows)
            if row.likely and not row.asked and len(row.likely) > 1 and not _is_open(row.likely)
            for second in range(0, row.samples.size // RATE - PART_SECONDS + 1, STEP_SECONDS)
        ]
        if not parts:
            return []
        states = numpy.asarray(encoded.to(DataType.float32).to_device(Device.cpu))
        slices = [states[n, second * STATES_PER_SECOND :][: PART_SECONDS * STATES_PER_SECOND] for n, second in parts]
        heard = self._likely(StorageView.from_array(numpy.ascontiguousarray(slices)))
        return [
            rows[n]
            for (n, _), likely in zip(parts, heard)
            if _first(likely) != _first(rows[n].likely) and max(likely.values()) >= HIDDEN
        ]

    def _parts(self, row, hidden):
        """
        The row itself; or where two languages are spoken in it, the stretches of each, in order. `hidden`: there may be
        another one, however clear the first one is.
        """
        key = row.input["audio"]["path"], *_stretch(row.steps[0])
        if row.likely:
            self.last = key, row.likely, row
        if row.asked or not self.many:
            return [row]
        if not hidden and not _is_open(row.likely):
            return [row]
        changes = self._changes(row, hidden)
        if not changes:
            return [row]
        start, end = row.stretch
        parts = []
        for (first, language), (last, _) in zip(changes, [*changes[1:], (end - start, None)]):
            part = Row(row.steps, (start + first, start + last))
            part.expected, part.asked, part.language = row.expected, None, language
            part.likely = self._alone(part) if part.audible else {}
            part.language_probability = part.likely.get(language, 0.0)
            parts.append(part)
        return parts

    def _changes(self, row, hidden):
        """Where languages begin in a row, samples from its start, and which; [] where there is but one."""
        seconds = row.samples.size // RATE
        if seconds <= PART_SECONDS + 1:
            return []
        # Not overlapping first, unless another one was found: mostly that says that there is no other language.
        last = seconds - PART_SECONDS
        heard = self._heard(row, {*range(0, last + 1, PART_SECONDS), last})
        if not hidden and len({_first(likely) for likely in heard.values() if max(likely.values()) >= 0.5}) < 2:
            return []
        heard.update(self._heard(row, set(range(last + 1)) - set(heard)))
        spoken = sorted({_first(likely) for likely in heard.values() if max(likely.values()) >= SURE})
        if len(spoken) < 2:
            return []
        by_second = []
        for second in range(seconds):
            # The parts that have this second in their middle.
            middle = min(max(second - (PART_SECONDS - 1) / 2, min(heard)), max(heard))
            near = [likely for start, likely in heard.items() if abs(start - middle) < 1]
            by_second.append({each: sum(_nats(likely, each) for likely in near) / max(1, len(near)) for each in spoken})
        path = _likeliest_path(by_second)
        if len(set(path)) < 2:
            return []
        changes = [(0, path[0])]
        for second in range(1, seconds):
            if path[second] != path[second - 1]:
                changes.append((row.parting(second * RATE), path[second]))
        return changes

    def _heard(self, row, seconds):
        """The languages of so long a part from each of these seconds on; a silent part is in any."""
        start, found = row.stretch[0], {}
        for second in sorted(seconds):
            part = Row(row.steps, (start + second * RATE, start + (second + PART_SECONDS) * RATE))
            if part.audible:
                found[second] = self._alone(part)
        return found

    def _tokenizer(self, language):
        from faster_whisper.tokenizer import Tokenizer

        if language not in self.tokenizers:
            self.tokenizers[language] = Tokenizer(
                self.whisper.hf_tokenizer, self.many, task="transcribe", language=language
            )
        return self.tokenizers[language]

    def _encode(self, text):
        if self.encoder is None:
            self.encoder = complete(self.whisper.hf_tokenizer, os.path.join(self.directory, "tokenizer.json"))
        return self.encoder.encode(text, add_special_tokens=False).ids

    def _prompt(self, language, given=None):
        tokenizer, tokens = self._tokenizer(language), []
        if given and given["hotwords"]:
            tokens += self._encode(" " + ", ".join(given["hotwords"]))[:HOTWORD_TOKENS]
        if given and given["prompt"].strip():
            tokens += self._encode(" " + given["prompt"].strip())[-PROMPT_TOKENS:]
        return ([tokenizer.sot_prev, *tokens] if tokens else []) + [*tokenizer.sot_sequence, tokenizer.no_timestamps]

    def _recognise(self, encoded, rows, emit):
        """
        Sets each row's aligned words: [] where nobody speaks. Every row's language and prompt length are the same.
        """
        tokenizer = self._tokenizer(rows[0].language)
        # Also other answers, where somebody asks what else it may have been.
        several = {"num_hypotheses": BEAMS} if any(row.wants_alternatives for row in rows) else {}
        answers = self._generate(encoded, rows, [row.prompt for row in rows], **several)
        emit.check()
        # Answers that go round in circles, or only echo the prompt, are asked for again: without the prompt, and with
        # no way to repeat.
        for row, answer in zip(rows, answers):
            if answer.repetitive and not answer.unsure and self._has_time(row, answer):
                answer.repetitive, answer.repeats = False, True
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
        for place, (k, units, noted) in enumerate(zip(kept, aligned, self.whisper.model.aligned)):
            if answers[k].repeats:
                units = _in_time(units)
            else:
                rows[k].tokens, rows[k].others, rows[k].encoded = answers[k].tokens, answers[k].others, (encoded, place)
                rows[k].nats = nats(noted)
            _merge_punctuation(units)
            rows[k].units = _as_often(units, rows[k].samples) if answers[k].repeats else units

    def _with_missed(self, row, emit):
        """
        Its words, with those of stretches that the model passed over: it may end early, and somebody far away is lost
        beside somebody near. By itself such a stretch is heard.
        """
        words = _words(row)
        if not words:
            return words
        found, start, end = [], row.first_ms, row.first_ms + row.samples.size * 1000 / RATE
        for word in [*words, {"start": end, "end": end}]:
            if word["start"] - start >= MISSED_MS:
                missed = Row(row.steps, (round(start * RATE / 1000), round(word["start"] * RATE / 1000)))
                missed.language, missed.language_probability = row.language, row.language_probability
                if missed.audible and _speaks(missed.samples, MISSED_SPEECH_SECONDS):
                    missed.prompt = self._prompt(row.language)
                    self._recognise(self.whisper.encode(_stack([self._features(missed)])), [missed], emit)
                    found += _words(missed)
            start = max(start, word["end"])
        return sorted([*words, *found], key=lambda word: word["start"]) if found else words

    def _has_time(self, row, answer):
        """Whether what is said again and again can have been said: a loop of the model's has far too many words."""
        level, quiet = _loudness(row.samples)
        seconds = float((level >= quiet).sum()) / 50
        if sum(letter.isalnum() for letter in answer.text) > FASTEST * max(0.2, seconds):
            return False
        encoded = self.whisper.encode(_stack([self._features(row)]))
        frames = max(1, min(row.frames, row.samples.size * FRAMES_PER_SECOND // RATE))
        units = self.whisper.find_alignment(self._tokenizer(row.language), [answer.tokens], encoded, [frames])[0]
        words = [unit for unit in units if any(letter.isalnum() for letter in unit["word"])]
        return bool(words) and sum(_squeezed(word) for word in words) <= MOST_IN_NO_TIME * len(words)

    def _generate(self, encoded, rows, prompts, **options):
        from faster_whisper.transcribe import get_suppressed_tokens

        tokenizer = self._tokenizer(rows[0].language)
        options = {"beam_size": BEAMS, **options}
        longest = max(row.samples.size for row in rows) / RATE
        most_tokens = TOKENS_AT_LEAST + round(TOKENS_PER_SECOND * longest)
        results = self.whisper.model.generate(
            encoded,
            prompts,
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
    """One window on its way through the model, or a part of it, with the steps that want words of it."""

    def __init__(self, steps, stretch=None, seconds=SECONDS):
        self.steps, self.input = steps, steps[0]["input"]
        self.stretch = start, end = stretch or _stretch(steps[0])
        self.first_ms = start * 1000 / RATE
        self.samples = _read(self.input["audio"]["path"], start, end)[: WINDOW_SECONDS * RATE]
        self.audible = self.samples.size >= RATE // 20 and float(self.samples.max() - self.samples.min()) > 1e-4
        # In steps of 2.5 s.
        least, behind = seconds
        encoded = max(least, -(-(self.samples.size / RATE + behind) // 2.5) * 2.5)
        self.frames = round(min(WINDOW_SECONDS, encoded) * FRAMES_PER_SECOND)
        self.units, self.parts, self.likely = [], [self], None
        # What the words are made of, other answers, and what the encoder made of the sound (of which row): for as long
        # as the run lasts.
        self.words, self.tokens, self.others, self.encoded, self.nats = [], [], [], None, 0.0

    @property
    def wants_alternatives(self):
        return any(step["input"].get("alternatives") for step in self.steps)

    def sure(self, likely):
        return max(likely.values()) >= (SURE if self.samples.size >= BRIEF_SECONDS * RATE else CERTAIN)

    def parting(self, at):
        """Where words part near a place, samples from the start: between utterances, else where it is quietest."""
        borders = [border - self.stretch[0] for border in (self.input.get("window") or {}).get("borders", [])]
        border = min(borders, key=lambda each: abs(each - at), default=None)
        if border is not None and abs(border - at) <= 2 * NEAR_SECONDS * RATE:
            return border
        return _quietest(self.samples, *(round(at + by * RATE) for by in (-NEAR_SECONDS, NEAR_SECONDS)))

    def part_of(self, given):
        """The part that holds most of an utterance."""
        first, last = given["audio"]["startSample"], given["audio"]["endSample"]
        return max(self.parts, key=lambda part: min(last, part.stretch[1]) - max(first, part.stretch[0]))


class Answer:
    """What the decoder said, and how sure it was."""

    def __init__(self, result, tokenizer):
        self.tokens = [token for token in result.sequences_ids[0] if token < tokenizer.eot]
        self.text = tokenizer.decode(self.tokens).strip()
        # The other answers of the same search, and how much less likely each is, in nats.
        likely = [score * len(ids) for score, ids in zip(result.scores, result.sequences_ids)]
        others = ([token for token in ids if token < tokenizer.eot] for ids in result.sequences_ids[1:])
        self.others = [
            (tokenizer.decode(tokens).strip(), nats - likely[0]) for tokens, nats in zip(others, likely[1:]) if tokens
        ]
        length = len(result.sequences_ids[0])
        self.logprob, self.no_speech = result.scores[0] * length / (length + 1), result.no_speech_prob
        data = self.text.encode("utf-8")
        self.repeats = False
        self.repetitive = len(data) / max(1, len(zlib.compress(data))) > REPETITIVE

    @property
    def unsure(self):
        return any(self.no_speech > silent and self.logprob < unsure for silent, unsure in NOT_SPEECH)

    @property
    def not_speech(self):
        return self.unsure or (self.repetitive and self.no_speech > DOUBTFUL)

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


def _levelled(samples):
    """The same sound, at a level that the model was made for."""
    peak = float(max(samples.max(), -samples.min()))
    return samples * min(MOST_RAISED, PEAK / peak) if 0 < peak < QUIET else samples


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


def _loudness(samples):
    """Of each 20 ms, the root of its mean power without what stands still; and below what it counts as a pause."""
    import numpy

    step = RATE // 50
    frames = samples[: samples.size // step * step].reshape(-1, step)
    if not len(frames):
        return numpy.zeros(0), 0.0
    level = (frames - frames.mean(axis=1, keepdims=True)).std(axis=1)
    return level, SILENCE * numpy.percentile(level, 95)


def _is_open(likely):
    """Whether by the whole of a stretch a second language may be spoken in it."""
    first, second = list(likely.values())[:2]
    return first < CERTAIN and second >= ANOTHER


def _first(likely):
    return next(iter(likely))


def _nats(likely, language):
    import math

    return math.log(max(likely.get(language, 0.0), 1e-3))


def _likeliest_path(steps):
    """Of each step the language in which all of them together are likeliest, changes taken into account."""
    best = {language: (nats, [language]) for language, nats in steps[0].items()}
    for step in steps[1:]:
        change = max(best, key=lambda each: best[each][0])
        best = {
            language: max(
                (best[language][0] + nats, [*best[language][1], language]),
                (best[change][0] - CHANGE + nats, [*best[change][1], language]),
                key=lambda path: path[0],
            )
            for language, nats in step.items()
        }
    return max(best.values(), key=lambda path: path[0])[1]


def _quietest(samples, first, last):
    """The middle of the quietest tenth of a second between two places, in samples."""
    import numpy

    width = RATE // 10
    power = numpy.convolve(samples[first:last].astype(numpy.float64) ** 2, numpy.ones(width), "valid")
    return first + int(power.argmin()) + width // 2 if power.size else (first + last) // 2


def _speaks(samples, least=LEAST_SPEECH_SECONDS):
    """Asks the voice detector that faster-whisper carries; where that cannot run, the recogniser is believed."""
    try:
        from faster_whisper.vad import VadOptions, get_speech_timestamps

        spans = get_speech_timestamps(_audible(samples), VadOptions(min_speech_duration_ms=100, speech_pad_ms=0))
    except Exception as error:  # noqa: BLE001
        print("no voice detector:", error, flush=True)
        return True
    return sum(span["end"] - span["start"] for span in spans) >= least * RATE


def _audible(samples):
    """Without hum, rumble and offset, and as loud as speech is wont to be: a detector hears nothing else as speech."""
    import numpy

    spectrum = numpy.fft.rfft(samples)
    spectrum[: int(LOW_CUT_HZ * samples.size / RATE)] = 0
    cut = numpy.fft.irfft(spectrum, samples.size).astype(numpy.float32)
    loud = float(numpy.percentile(numpy.abs(cut), 99)) if cut.size else 0.0
    return numpy.clip(cut * min(MOST_GAIN, max(1.0, 0.3 / max(loud, 1e-6))), -1, 1)


def _squeezed(unit):
    return float(unit["end"]) - float(unit["start"]) < SHORTEST_SECONDS


def _in_time(units):
    """Without stretches of units that have no time: one repetition more than was said."""
    kept, run = [], []
    for unit in units:
        if _squeezed(unit):
            run.append(unit)
            continue
        kept += [*(run if len(run) < 3 else []), unit]
        run = []
    return kept + (run if len(run) < 3 else [])


def _as_often(units, samples):
    """Nothing but the same words again and again: as many of them as the sound has pieces, each at its own time."""
    words = [unit for unit in units if unit["word"].strip()]
    bare = ["".join(_bare(unit["word"])) for unit in words]
    period = next(
        (n for n in range(1, MOST_WORDS + 1) if 3 * n <= len(bare) and bare == (bare[:n] * len(bare))[: len(bare)]),
        None,
    )
    bursts = _bursts(samples)
    if not period or not bursts or len(bursts) % period:
        return units
    if not (1 - MISCOUNTED) * len(words) <= len(bursts) <= (1 + MISCOUNTED) * len(words):
        return units
    said = [words[n] if n < len(words) else words[len(words) - period + n % period] for n in range(len(bursts) - 1)]
    return [{**unit, "start": start, "end": end} for unit, (start, end) in zip([*said, words[-1]], bursts)]


def _bursts(samples):
    """Stretches of sound between pauses, in seconds; none where their number hangs on what counts as a pause."""
    level, quiet = _loudness(samples)
    found = []
    for loud in (level >= quiet * factor for factor in (1, 2, 4)):
        bursts, last = [], -9
        for n in loud.nonzero()[0]:
            if n - last > 2:
                bursts.append([n / 50, 0.0])
            bursts[-1][1] = (n + 1) / 50
            last = n
        found.append(bursts)
    return found[0] if len({len(bursts) for bursts in found}) == 1 else []


def _merge_punctuation(units):
    from faster_whisper.transcribe import merge_punctuations

    merge_punctuations(units, OPENING, CLOSING)


def _words(row):
    """What spaces separate, trimmed: start and end in ms of the recording."""
    words, last_token = [], 0
    for unit in row.units:
        text, first_token = unit["word"], last_token
        last_token += len(unit["tokens"])
        if not text.strip():
            continue
        start, end = float(unit["start"]) * 1000, float(unit["end"]) * 1000
        probability = min(1.0, max(0.0, float(unit["probability"])))
        if words and row.language not in UNSPACED and not text.startswith(" "):
            # A part of the word before ("-disposed").
            last = words[-1]
            last.update(
                text=last["text"] + text.strip(),
                end=end,
                probability=min(last["probability"], probability),
                last=last_token,
            )
        else:
            words.append(
                {
                    "text": " ".join(text.split()),
                    "start": start,
                    "end": end,
                    "probability": probability,
                    # Which of the row's tokens it is made of.
                    "row": row,
                    "first": first_token,
                    "last": last_token,
                }
            )
    _shorten(words)
    _trim(words, row.samples)
    for word in words:
        word["start"] += row.first_ms
        word["end"] += row.first_ms
    row.words = words
    return words


def _within(words, given):
    """Those of one utterance: that begin and end nearest to it."""
    window = given.get("window")
    if window:
        first, last = window["keepFrom"] * 1000 / RATE, window["keepTo"] * 1000 / RATE
        # What lies before or behind the window, by a slip of the alignment, belongs to its ends.
        first = -1 if window["keepFrom"] <= window["startSample"] else first
        last = float("inf") if window["keepTo"] >= window["endSample"] else last
        words = [word for word in words if first <= (word["start"] + word["end"]) / 2 < last]
    return words


def _own(words, given):
    """The protocol's words of one utterance, in time order and within it."""
    audio = given["audio"]
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
