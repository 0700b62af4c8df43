"""
How each family of translation models is told its languages: by words of its vocabulary, before the text or before the
answer, or not at all.
"""
import json
import os
import re

from earshot_worker import Failed

# Flores-200's names of languages that have a code of two letters; others begin with their own code.
FLORES = dict(
    pair.split(":")
    for pair in (
        "af:afr_Latn ak:aka_Latn am:amh_Ethi ar:arb_Arab as:asm_Beng ay:ayr_Latn az:azj_Latn ba:bak_Cyrl be:bel_Cyrl "
        "bg:bul_Cyrl bm:bam_Latn bn:ben_Beng bo:bod_Tibt bs:bos_Latn ca:cat_Latn cs:ces_Latn cy:cym_Latn da:dan_Latn "
        "de:deu_Latn dz:dzo_Tibt ee:ewe_Latn el:ell_Grek en:eng_Latn eo:epo_Latn es:spa_Latn et:est_Latn eu:eus_Latn "
        "fa:pes_Arab ff:fuv_Latn fi:fin_Latn fj:fij_Latn fo:fao_Latn fr:fra_Latn ga:gle_Latn gd:gla_Latn gl:glg_Latn "
        "gn:grn_Latn gu:guj_Gujr ha:hau_Latn he:heb_Hebr hi:hin_Deva hr:hrv_Latn ht:hat_Latn hu:hun_Latn hy:hye_Armn "
        "id:ind_Latn ig:ibo_Latn is:isl_Latn it:ita_Latn ja:jpn_Jpan jv:jav_Latn ka:kat_Geor kg:kon_Latn ki:kik_Latn "
        "kk:kaz_Cyrl km:khm_Khmr kn:kan_Knda ko:kor_Hang ku:kmr_Latn ky:kir_Cyrl lb:ltz_Latn lg:lug_Latn li:lim_Latn "
        "ln:lin_Latn lo:lao_Laoo lt:lit_Latn lv:lvs_Latn mg:plt_Latn mi:mri_Latn mk:mkd_Cyrl ml:mal_Mlym mn:khk_Cyrl "
        "mr:mar_Deva ms:zsm_Latn mt:mlt_Latn my:mya_Mymr ne:npi_Deva nl:nld_Latn nn:nno_Latn no:nob_Latn ny:nya_Latn "
        "oc:oci_Latn om:gaz_Latn or:ory_Orya pa:pan_Guru pl:pol_Latn ps:pbt_Arab pt:por_Latn qu:quy_Latn rn:run_Latn "
        "ro:ron_Latn ru:rus_Cyrl rw:kin_Latn sa:san_Deva sc:srd_Latn sd:snd_Arab sg:sag_Latn si:sin_Sinh sk:slk_Latn "
        "sl:slv_Latn sm:smo_Latn sn:sna_Latn so:som_Latn sq:als_Latn sr:srp_Cyrl ss:ssw_Latn st:sot_Latn su:sun_Latn "
        "sv:swe_Latn sw:swh_Latn ta:tam_Taml te:tel_Telu tg:tgk_Cyrl th:tha_Thai ti:tir_Ethi tk:tuk_Latn tl:tgl_Latn "
        "tn:tsn_Latn tr:tur_Latn ts:tso_Latn tt:tat_Cyrl tw:twi_Latn ug:uig_Arab uk:ukr_Cyrl ur:urd_Arab uz:uzn_Latn "
        "vi:vie_Latn wo:wol_Latn xh:xho_Latn yi:ydd_Hebr yo:yor_Latn zh:zho_Hans zu:zul_Latn yue:yue_Hant"
    ).split()
)
TRADITIONAL = re.compile(r"^zh\b.*\b(hant|tw|hk|mo)\b", re.I)
# Codes that other lists write otherwise.
ALSO = {"nb": "no", "fil": "tl", "iw": "he", "in": "id", "cmn": "zh", "jw": "jv"}
# What OPUS-MT calls languages that have several names.
OPUS = {"zh": ("cmn_Hans", "cmn", "zho"), "ar": ("ara",), "fa": ("fas",), "lv": ("lav",), "no": ("nor",)}


def base_of(language):
    base = language.split("-")[0].lower()
    return ALSO.get(base, base)


def refuse(language):
    raise Failed("languageNotSupported", {"language": language}, f"the model does not know {language}")


class M2m100:
    """"__en__" before the text, "__es__" before the answer."""

    MARK = re.compile(r"__[a-z]{2,3}__")
    # Languages that have a code of their own elsewhere.
    CLOSE = {"nn": "no", "yue": "zh"}

    def __init__(self, vocabulary, parameters):
        self.known = {token for token in vocabulary if self.MARK.fullmatch(token)}

    def token(self, language):
        base = base_of(language)
        token = f"__{self.CLOSE.get(base, base)}__"
        if token not in self.known:
            refuse(language)
        return token

    def framed(self, pieces, given):
        """What the model reads of a sentence's pieces, and what its answer begins with."""
        return [self.token(given["from"]), *pieces, "</s>"], [self.token(given["to"])]


class Nllb(M2m100):
    """"eng_Latn" before the text, "spa_Latn" before the answer."""

    MARK = re.compile(r"[a-z]{3}_[A-Z][a-z]{3}")

    def token(self, language):
        base = base_of(language)
        token = "zho_Hant" if TRADITIONAL.search(language) else FLORES.get(base)
        if token not in self.known:
            token = min((each for each in self.known if each.startswith(f"{base}_")), default=None)
        if token is None:
            refuse(language)
        return token


class OpusMt:
    """One pair of languages; where it writes several, ">>fra<<" before the text says which."""

    MARK = re.compile(r">>[A-Za-z_]+<<")

    def __init__(self, vocabulary, parameters):
        self.known = {token for token in vocabulary if self.MARK.fullmatch(token)}
        self.to, self.ends_itself = parameters.get("to"), False

    def mark(self, language):
        base = base_of(language)
        names = (base, *OPUS.get(base, ()), FLORES.get(base, "")[:3])
        found = next((f">>{name}<<" for name in names if f">>{name}<<" in self.known), None)
        if found is None:
            refuse(language)
        return [found]

    def framed(self, pieces, given):
        if not self.known and base_of(given["to"]) != base_of(self.to or ""):
            refuse(given["to"])
        mark = self.mark(given["to"]) if self.known else []
        return [*mark, *pieces, *([] if self.ends_itself else ["</s>"])], None


FAMILIES = {"m2m100": M2m100, "nllb": Nllb, "opus-mt": OpusMt}


def open_family(directory, parameters):
    """The family of a model that `daemon/models/translators.ts` found; cards of before name none."""
    family = FAMILIES[parameters.get("family", "m2m100")](_vocabulary(directory), parameters)
    if isinstance(family, OpusMt):
        # A model that Marian trained gets its last token from CTranslate2, one that came by Transformers does not.
        family.ends_itself = bool(_json(directory, "config.json", {}).get("add_source_eos"))
    return family


def _json(directory, name, otherwise):
    path = os.path.join(directory, name)
    if not os.path.exists(path):
        return otherwise
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def _vocabulary(directory):
    """Words that the model reads."""
    for name in ("shared_vocabulary", "source_vocabulary"):
        tokens = _json(directory, f"{name}.json", None)
        if tokens is not None:
            return tokens
        path = os.path.join(directory, f"{name}.txt")
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                return file.read().split("\n")
    raise OSError("the model's vocabulary is missing")
