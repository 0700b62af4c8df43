"""
What the sound may have said instead. A process of ours knows dictionaries and proposes (daemon/repair/child.ts); here
each proposal is held against the sound: the decoder reads it over the encoder's output that recognition made, which
costs a small part of recognising it.
"""
import difflib
import json
import math
import os
import subprocess

RATE, FRAMES_PER_SECOND = 16_000, 100
# Texts that are read over one window in one go.
TOGETHER = 16
LEAST_PROBABILITY = 1e-9


class Proposer:
    """The process that proposes; started when it is first asked, and missed by nobody where it cannot run."""

    def __init__(self, command):
        self.command, self.child = command, None

    def ask(self, heard):
        """What may be asked about the utterance: a list of dicts with from, to and `written`; [] where that fails."""
        if not self.command:
            return []
        try:
            if self.child is None:
                self.child = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            self.child.stdin.write(json.dumps(heard, ensure_ascii=False).encode("utf-8") + b"\n")
            self.child.stdin.flush()
            return json.loads(self.child.stdout.readline())
        except (OSError, ValueError) as error:
            print("repair by the sound is left out:", error, flush=True)
            self.close()
            self.command = None
            return []

    def close(self):
        if self.child is not None:
            self.child.kill()
            self.child.wait()
            self.child = None


def from_environment():
    return Proposer(json.loads(os.environ.get("EARSHOT_PROPOSER") or "null"))


class Noting:
    """A model that keeps what it last said when it aligned: faster-whisper drops the tokens' probabilities."""

    def __init__(self, model):
        self._model, self.aligned = model, []

    def __getattr__(self, name):
        return getattr(self._model, name)

    def align(self, *given, **named):
        self.aligned = self._model.align(*given, **named)
        return self.aligned


def nats(aligned):
    """log P of the text that was aligned, given the sound."""
    return sum(math.log(max(float(p), LEAST_PROBABILITY)) for p in aligned.text_token_probs)


class Reader:
    """Reads texts over what a window sounds like."""

    def __init__(self, model, tokenizer, encode):
        """`encode`: text to tokens."""
        self.model, self.tokenizer, self.encode = model, tokenizer, encode

    def alternatives(self, step, own, language, proposer):
        """
        `own`: the words of the utterance, in order, each with its place in a row. Of each thing that may have been
        said instead, how much better it fits the sound, in nats.
        """
        given, hypotheses = step["input"]["alternatives"], self._hypotheses(own)
        asked = proposer.ask(
            {
                "text": " ".join(word["text"] for word in own),
                "words": [{"text": word["text"], "probability": word["probability"]} for word in own],
                "language": language,
                "glossary": given["glossary"],
                "readable": given["readable"],
                "hypotheses": [{"from": a, "to": b, "text": text} for a, b, text in hypotheses],
            }
        )
        # How likely the decoder found its other answers is known already.
        searched = {(a, b, _bare(text)): gain for (a, b, text), gain in hypotheses.items() if gain is not None}
        found, by_row = [], {}
        for one in asked:
            written, span = one.pop("written"), own[one["from"] : one["to"]]
            gain, row = searched.get((one["from"], one["to"], _bare(one["text"]))), span[0]["row"]
            if gain is not None:
                found.append((one, gain))
            elif row.encoded is not None and all(word["row"] is row for word in span):
                tokens = [*row.tokens[: span[0]["first"]], *self.encode(" " + written), *row.tokens[span[-1]["last"] :]]
                by_row.setdefault(id(row), (row, []))[1].append((one, tokens))
        for row, questions in by_row.values():
            scores = self._read(row, [tokens for _, tokens in questions])
            found += [(one, score - row.nats) for (one, _), score in zip(questions, scores)]
        return [{**one, "prior": round(one["prior"], 3), "gain": round(gain, 3)} for one, gain in found]

    def _read(self, row, texts):
        """log P of each text, given the sound."""
        import ctranslate2
        import numpy

        encoded, at = row.encoded
        if encoded.device != "cpu":
            encoded = encoded.to_device(ctranslate2.Device.cpu)
        alone = numpy.array(encoded)[at : at + 1]
        frames = max(1, min(row.frames, row.samples.size * FRAMES_PER_SECOND // RATE))
        scores = []
        for first in range(0, len(texts), TOGETHER):
            part = texts[first : first + TOGETHER]
            sound = ctranslate2.StorageView.from_array(numpy.repeat(alone, len(part), axis=0))
            tokenizer = self.tokenizer(row.language)
            results = self.model.align(sound, tokenizer.sot_sequence, part, [frames] * len(part))
            scores += [nats(each) for each in results]
        return scores

    def _hypotheses(self, own):
        """
        Where the decoder's other answers differ from the utterance: words [from, to) of it, and what stands there. How
        much better that is, in nats, where it is all that an answer has otherwise.
        """
        place, found = {id(word): n for n, word in enumerate(own)}, {}
        for row in {id(word["row"]): word["row"] for word in own}.values():
            mine = [_bare(word["text"]) for word in row.words]
            for text, nats in row.others:
                theirs = text.split()
                differences = [*_differences(mine, [_bare(word) for word in theirs])]
                for a, b, c, d in differences:
                    span = [place.get(id(word)) for word in row.words[a:b]]
                    if None in span or span[-1] - span[0] != b - a - 1:
                        continue
                    key, gain = (span[0], span[-1] + 1, " ".join(theirs[c:d])), nats if len(differences) == 1 else None
                    if gain is not None or key not in found:
                        found[key] = max(gain, found.get(key) or gain) if gain is not None else None
        return found


def _bare(text):
    return "".join(letter for letter in text.lower() if letter.isalnum())


def _differences(a, b):
    """Spans [from, to) of both that differ, none of them empty."""
    for kind, from_a, to_a, from_b, to_b in difflib.SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        if kind == "equal":
            continue
        if from_a == to_a or from_b == to_b:
            # What is only in one of them goes with the word before it, or behind.
            if from_a > 0 and from_b > 0:
                from_a, from_b = from_a - 1, from_b - 1
            elif to_a < len(a) and to_b < len(b):
                to_a, to_b = to_a + 1, to_b + 1
        if from_a < to_a and from_b < to_b:
            yield from_a, to_a, from_b, to_b
