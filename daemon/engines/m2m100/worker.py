"""
Translation with M2M100 on CTranslate2. The model knows single sentences, so an utterance is translated sentence by
sentence, all of a run in one batch.
"""
import json
import os
import re

from earshot_worker import Failed

BEAMS = 4
# What a translation may be longer than its sentence, in tokens.
LONGER, LONGER_BY = 2, 20
MAX_SOURCE_TOKENS = 400
# Codes of the model that differ from BCP 47.
TO_MODEL = {"nb": "no", "nn": "no", "fil": "tl", "iw": "he", "in": "id", "cmn": "zh", "jw": "jv", "yue": "zh"}
# Written without spaces between sentences.
UNSPACED = {"zh", "ja", "th", "lo", "my", "km"}
SENTENCE_END = re.compile(r"[.!?…]+[\"'”’»)\]]*\s+|[。！？]+[”’）」』]*\s*")
SHORTENED = re.compile(r"(?:^|\s)(?:\w|Mr|Mrs|Ms|Dr|Prof|St|Sr|Sra|Jr|vs|etc|Fr|Hr|Nr|No|pp?)\.$", re.I)


def load(request):
    import ctranslate2
    import sentencepiece

    directory, gpu = request["directory"], request["device"]["kind"] == "gpu"
    try:
        pieces = sentencepiece.SentencePieceProcessor(model_file=os.path.join(directory, "sentencepiece.bpe.model"))
        languages = _languages(directory)
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
    return Interpreter(pieces, translator, languages)


def _languages(directory):
    """The language tokens ("__en__") of the model's vocabulary."""
    path = os.path.join(directory, "shared_vocabulary.json")
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            tokens = json.load(file)
    else:
        with open(os.path.join(directory, "shared_vocabulary.txt"), encoding="utf-8") as file:
            tokens = file.read().split("\n")
    return {token[2:-2] for token in tokens if re.fullmatch(r"__[a-z]{2,3}__", token)}


class Interpreter:
    def __init__(self, pieces, translator, languages):
        self.pieces, self.translator, self.languages = pieces, translator, languages
        self.detail = {"precision": translator.compute_type, "languages": len(languages)}

    def run(self, request, emit):
        steps = []
        for step in request["steps"]:
            given = step["input"]
            steps.append((step["index"], given, sentences(with_terms(given["text"], given["glossary"]))))
        sources, prefixes = [], []
        for _, given, parts in steps:
            source, target = self._code(given["from"]), self._code(given["to"])
            for part in parts:
                sources.append([f"__{source}__", *self.pieces.encode(part, out_type=str)[:MAX_SOURCE_TOKENS], "</s>"])
                prefixes.append([f"__{target}__"])
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
            texts = [self._text(answer) for answer in answers[at : at + len(parts)]]
            at += len(parts)
            joint = "" if self._code(given["to"]) in UNSPACED else " "
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
                target_prefix=[prefixes[n] for n in rows],
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
        wanted = figures(self._text(source))
        kept = (answer for answer in hypotheses if figures(self._text(answer)) == wanted)
        return next(kept, hypotheses[0])

    def _text(self, tokens):
        words = [token for token in tokens if not re.fullmatch(r"__[a-z]{2,3}__|</?s>|<pad>|<unk>", token)]
        return " ".join(self.pieces.decode(words).split())

    def _code(self, language):
        code = language.split("-")[0].lower()
        code = TO_MODEL.get(code, code)
        if code not in self.languages:
            raise Failed("languageNotSupported", {"language": language}, f"the model does not know {language}")
        return code


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
