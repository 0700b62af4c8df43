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
        given = step["input"]["alternatives"]
        asked = proposer.ask(
            {
                "text": " ".join(word["text"] for word in own),
                "words": [{"text": word["text"], "probability": word["probability"]} for word in own],
                "language": language,
                "glossary": given["glossary"],
                "hypotheses": self._hypotheses(own),
            }
        )
        by_row = {}
        for one in asked:
            written, span = one.pop("written"), own[one["from"] : one["to"]]
            row = span[0]["row"]
            if row.encoded is None or any(word["row"] is not row for word in span):
                continue
            tokens = [*row.tokens[: span[0]["first"]], *self.encode(" " + written), *row.tokens[span[-1]["last"] :]]
            by_row.setdefault(id(row), (row, []))[1].append((one, tokens))
        found = []
        for row, questions in by_row.values():
            scores = self._read(row, [row.tokens, *(tokens for _, tokens in questions)])
            for (one, _), score in zip(questions, scores[1:]):
                found.append({**one, "prior": round(one["prior"], 3), "gain": round(score - scores[0], 3)})
        return found

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
            scores += [
                sum(math.log(max(float(p), LEAST_PROBABILITY)) for p in each.text_token_probs) for each in results
            ]
        return scores

    def _hypotheses(self, own):
        """Where the decoder's other answers differ from the utterance, in words of it."""
        place, found = {id(word): n for n, word in enumerate(own)}, {}
        for row in {id(word["row"]): word["row"] for word in own}.values():
            mine = [_bare(word["text"]) for word in row.words]
            for text in row.others:
                theirs = text.split()
                for a, b, c, d in _differences(mine, [_bare(word) for word in theirs]):
                    span = [place.get(id(word)) for word in row.words[a:b]]
                    if None not in span and span[-1] - span[0] == b - a - 1:
                        found[span[0], span[-1] + 1, " ".join(theirs[c:d])] = True
        return [{"from": a, "to": b, "text": text} for a, b, text in found]


def _bare(word):
    return "".join(letter for letter in word.lower() if letter.isalnum())


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
