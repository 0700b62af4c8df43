"""
Translation with M2M100, NLLB or OPUS-MT on CTranslate2. The models know single sentences, so an utterance is translated
sentence by sentence, all of a run in one batch.
"""
import os
import re

from earshot_worker import Failed
from families import base_of, open_family

BEAMS = 4
# What a translation may be longer than its sentence, in tokens.
LONGER, LONGER_BY = 2, 20
MAX_SOURCE_TOKENS = 400
# Written without spaces between sentences.
UNSPACED = {"zh", "yue", "ja", "th", "lo", "my", "km"}
SPECIAL = {"<s>", "</s>", "<pad>", "<unk>"}
# A tokenizer for both languages, or one for each.
BOTH = ("sentencepiece.bpe.model", "sentencepiece.model", "spm.model", "spm.128k.model")
SENTENCE_END = re.compile(r"[.!?…]+[\"'”’»)\]]*\s+|[。！？]+[”’）」』]*\s*")
SHORTENED = re.compile(r"(?:^|\s)(?:\w|Mr|Mrs|Ms|Dr|Prof|St|Sr|Sra|Jr|vs|etc|Fr|Hr|Nr|No|pp?)\.$", re.I)


def load(request):
    import ctranslate2

    directory, gpu = request["directory"], request["device"]["kind"] == "gpu"
    try:
        family = open_family(directory, request["parameters"])
        reads, writes = _pieces(directory)
        translator = ctranslate2.Translator(
            directory,
            device="cuda" if gpu else "cpu",
            compute_type=request["precision"] or "default",
            inter_threads=1,
            intra_threads=request["threads"],
        )
    except (OSError, RuntimeError, ValueError) as error:
        if re.search(r"out of memory|ALLOC_FAILED|libcu|CUDA", str(error), re.I):
            raise
        raise Failed("modelBroken", {"model": request["model"]}, str(error)) from error
    return Interpreter(reads, writes, translator, family)


def _pieces(directory):
    """What cuts the text, and what joins the answer."""
    import sentencepiece

    names = [name for name in BOTH if os.path.exists(os.path.join(directory, name))][:1] or ["source.spm", "target.spm"]
    opened = [sentencepiece.SentencePieceProcessor(model_file=os.path.join(directory, name)) for name in names]
    return opened[0], opened[-1]


class Interpreter:
    def __init__(self, reads, writes, translator, family):
        self.reads, self.writes, self.translator, self.family = reads, writes, translator, family
        self.detail = {"precision": translator.compute_type, "languages": len(family.known)}

    def run(self, request, emit):
        steps = []
        for step in request["steps"]:
            given = step["input"]
            steps.append((step["index"], given, sentences(with_terms(given["text"], given["glossary"]))))
        sources, prefixes = [], []
        for _, given, parts in steps:
            # A language that the model does not know is refused even where nothing is said.
            self.family.framed([], given)
            for part in parts:
                pieces = self.reads.encode(part, out_type=str)[:MAX_SOURCE_TOKENS]
                source, prefix = self.family.framed(pieces, given)
                sources.append(source)
                prefixes.append(prefix)
        answers = self._translate(sources, prefixes)
        emit.check()
        # A sentence that goes round in circles is tried once more with no way to repeat itself.
        again = [n for n, (source, answer) in enumerate(zip(sources, answers)) if circles(source, answer)]
        if again:
            others = self._translate(
                [sources[n] for n in again], [prefixes[n] for n in again], no_repeat_ngram_size=3
            )
            for n, answer in zip(again, others):
                answers[n] = answer
        at = 0
        for index, given, parts in steps:
            texts = [self._text(answer, self.writes) for answer in answers[at : at + len(parts)]]
            at += len(parts)
            joint = "" if base_of(given["to"]) in UNSPACED else " "
            # A term that the model left as it was, in whatever case, is put right.
            text = with_terms(joint.join(text for text in texts if text), given["glossary"], only_missing=True)
            emit.result(index, {"text": text, "language": given["to"]})

    def _translate(self, sources, prefixes, **options):
        answers, alike = [None] * len(sources), {}
        # How long an answer may get hangs on its own sentence, not on its company.
        for n, source in enumerate(sources):
            alike.setdefault(-(-len(source) // 16) * 16, []).append(n)
        for length, rows in alike.items():
            results = self.translator.translate_batch(
                [sources[n] for n in rows],
                target_prefix=None if prefixes[rows[0]] is None else [prefixes[n] for n in rows],
                beam_size=BEAMS,
                num_hypotheses=BEAMS,
                max_batch_size=16,
                batch_type="examples",
                max_decoding_length=length * LONGER + LONGER_BY,
                **options,
            )
            for n, result in zip(rows, results):
                answers[n] = self._keeping_numbers(sources[n], result.hypotheses)
        return answers

    def _keeping_numbers(self, source, hypotheses):
        """The likeliest answer with the numbers of its sentence; where none has them, the likeliest of all."""
        wanted = figures(self._text(source, self.reads))
        kept = (answer for answer in hypotheses if figures(self._text(answer, self.writes)) == wanted)
        return next(kept, hypotheses[0])

    def _text(self, tokens, pieces):
        mark = self.family.MARK
        words = [token for token in tokens if not mark.fullmatch(token) and token not in SPECIAL]
        return " ".join(pieces.decode(words).split())


def with_terms(text, glossary, only_missing=False):
    """
    The model knows of no glossary: the translations that it demands stand in the text already, and words of the other
    language are mostly left alone.
    """
    names = {}
    for entry in glossary:
        wanted = entry.get("translation")
        if wanted and not (only_missing and wanted.lower() in text.lower()):
            for name in [entry["term"], *entry.get("aliases", [])]:
                names[" ".join(name.lower().split())] = wanted
    if not names:
        return text
    # In one pass: what was put in is not looked at again.
    ways = "|".join(_pattern(name) for name in sorted(names, key=len, reverse=True))
    return re.sub(ways, lambda found: names.get(" ".join(found[0].lower().split()), found[0]), text, flags=re.I)


def _pattern(name):
    """Matches a name as whole words, whatever the spaces in it."""

    def edge(character, look):
        return look if character.isascii() and character.isalnum() else ""

    return edge(name[0], r"(?<!\w)") + re.escape(name).replace(r"\ ", r"\s+") + edge(name[-1], r"(?!\w)")


def sentences(text):
    """Splits at sentence ends, not at common abbreviations and initials; text without letters or digits has none."""
    found = []
    text = text.strip()
    ends = [end.end() for end in SENTENCE_END.finditer(text)]
    for part in (text[start:end].strip() for start, end in zip([0, *ends], [*ends, len(text)])):
        if found and SHORTENED.search(found[-1]):
            found[-1] = f"{found[-1]} {part}"
        elif part:
            found.append(part)
    return [part for part in found if any(character.isalnum() for character in part)]


def figures(text):
    """The digits of each number, however it is grouped, in no order."""
    return sorted(re.sub(r"\D", "", number) for number in re.findall(r"\d+(?:[.,\s]\d+)*", text))


def circles(source, answer):
    """A translation that is far longer than its sentence and made of few pieces."""
    return len(answer) > len(source) * LONGER and len(set(answer)) < len(answer) / 2
