"""
Text as the model's own tokens. The tokenizer files of converted Whisper models lack their first merge, that of a space
and "t", so that every word beginning with "t" falls into tokens that the model never makes itself.
"""
import json

FIRST = ("\u0120", "t")


def complete(tokenizer, path):
    """The tokenizer that encodes with all merges: the given one where the file at `path` has them, or there is none."""
    try:
        with open(path, encoding="utf-8") as file:
            description = json.load(file)
        model = description["model"]
        merges, vocabulary = model["merges"], model["vocab"]
    except (OSError, ValueError, KeyError, TypeError):
        return tokenizer
    if "".join(FIRST) not in vocabulary or any(_parts(merge) == FIRST for merge in merges):
        return tokenizer
    import tokenizers

    merges.insert(0, " ".join(FIRST) if isinstance(merges[0], str) else list(FIRST))
    return tokenizers.Tokenizer.from_str(json.dumps(description))


def _parts(merge):
    return tuple(merge.split(" ")) if isinstance(merge, str) else tuple(merge)
