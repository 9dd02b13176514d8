"""Words for the status of an accreditation, as registers write them, and what each means to a governance file.

A word that is not here is never guessed. Some words say that something is wrong but not which decision was taken:
"expired" may be a mandate that ended, or one that was withdrawn. Those are asked about.
"""

import re
import unicodedata
from collections.abc import Mapping
from typing import Final

ACTIVE: Final = "active"
SUSPENDED: Final = "suspended"
WITHDRAWN: Final = "withdrawn"

_WORDS: Final[Mapping[str, str]] = {
    # English, French, Spanish, Arabic, Sinhala, Tamil; a semicolon divides.
    ACTIVE: "active; accredited; valid; in force; current; approved; granted; reinstated; renewed;"
    "currently accredited;"
    "actif; active; accrédité; accréditée; agréé; agréée; habilité; habilitée; valide; en vigueur;"
    "activo; activa; acreditado; acreditada; vigente; válido; válida; habilitado; habilitada; en vigor;"
    "نشط; نشطة; معتمد; معتمدة; ساري; سارية; ساري المفعول; سارية المفعول; فعال;"
    "වලංගු; වලංගුයි; සක්‍රීය; සක්රීය; ප්‍රතීතනය කර ඇත; නැවත වලංගුයි;"
    "செயலில்; செயலில் உள்ளது; செல்லும்; மீண்டும் செல்லும்; செல்லுபடியாகும்; அங்கீகரிக்கப்பட்டது",
    SUSPENDED: "suspended; under suspension; in suspension; on suspension; temporarily suspended; suspension;"
    "accreditation suspended; registration suspended;"
    "suspendu; suspendue; en suspension; suspendu temporairement; suspendue temporairement;"
    "suspendido; suspendida; en suspensión; suspendido temporalmente; suspendida temporalmente;"
    "موقوف; موقوفة; معلق; معلقة; أُوقف; موقوف مؤقتا; موقوف مؤقتًا;"
    "අත්හිටුවා ඇත; අත්හිටුවන ලදී; අත්හිටුවන ලද; අත්හිටුවූ; තාවකාලිකව අත්හිටුවා ඇත;"
    "இடைநிறுத்தம்; இடைநிறுத்தப்பட்டது; இடைநிறுத்தப்பட்டுள்ளது; தற்காலிகமாக இடைநிறுத்தப்பட்டது",
    WITHDRAWN: "withdrawn; revoked; cancelled; canceled; rescinded; annulled; deregistered; de-registered; delisted;"
    "struck off; terminated; accreditation withdrawn; accreditation revoked; accreditation cancelled;"
    "registration cancelled; registration revoked;"
    "retiré; retirée; révoqué; révoquée; annulé; annulée; radié; radiée;"
    "retirado; retirada; revocado; revocada; cancelado; cancelada; anulado; anulada;"
    "مسحوب; مسحوبة; ملغى; ملغاة; ملغي; سُحب; مشطوب; مشطوبة;"
    "ඉවත් කර ඇත; ඉවත් කරන ලදී; අවලංගු; අවලංගුයි; අවලංගු කර ඇත; අවලංගු කරන ලදී;"
    "திரும்பப் பெறப்பட்டது; இரத்து செய்யப்பட்டது; ரத்து செய்யப்பட்டது; நீக்கப்பட்டது",
}
# Words that registers use for something that is no decision of these three, or for more than one.
_ASKED: Final = (
    "registered; licensed; licenced; recognised; recognized; enrolled; listed; provisional; provisionally accredited;"
    "provisional accreditation; conditional; conditionally accredited; on probation; probation; candidate; applied;"
    "pending; in process; under review; under investigation; under appeal; deferred; on hold; inactive; dormant;"
    "expired; lapsed; not renewed; non-renewed; due for renewal; renewal pending; closed; ceased;"
    " ceased operations; merged;"
    "not accredited; unaccredited; not registered; not active; not valid; invalid; rejected; refused; denied;"
    " blacklisted; defunct;"
    "discontinued; surrendered; relinquished; voluntarily withdrawn; partially suspended; partly suspended;"
    " removed; moved;"
    "enregistré; enregistrée; provisoire; conditionnel; conditionnelle; en attente; en cours; inactif; inactive;"
    " expiré;"
    "expirée; échu; échue; non renouvelé; non renouvelée; fermé; fermée; non accrédité; non accréditée; refusé;"
    " refusée;"
    "registrado; registrada; provisional; condicional; pendiente; en trámite; inactivo; inactiva; vencido; vencida;"
    "caducado; caducada; expirado; expirada; no renovado; no renovada; cerrado; cerrada; no acreditado; no acreditada;"
    "مسجل; مسجلة; مؤقت; مؤقتة; مشروط; قيد المراجعة; قيد الانتظار; غير نشط; منتهي; منتهية; منتهي الصلاحية; غير مجدد;"
    " مغلق; مغلقة; غير معتمد;"
    "ලියාපදිංචි; ලියාපදිංචි කර ඇත; තාවකාලික; අක්‍රීය; කල් ඉකුත් වූ; කල් ඉකුත් වී ඇත; වසා ඇත; අළුත් කර නැත;"
    "பதிவு செய்யப்பட்டது; தற்காலிக; செயலற்றது; காலாவதியானது; மூடப்பட்டது; புதுப்பிக்கப்படவில்லை; நிலுவையில்"
)
# What stands in titles and remarks when something is wrong: the beginnings of words.
_TROUBLE: Final = re.compile(
    r"\b(?:suspen\w*|revo[ck]\w*|révo\w*|cancel\w*|withdr[ae]w\w*|de-?regist\w*|de-?list\w*|terminat\w*|expir\w*"
    r"|lapsed|blacklist\w*|not (?:renewed|accredited|valid|approved|registered)|un-?accredited|closed|ceased|struck off"
    r"|rescind\w*|annul\w*|anulad\w*|provisional\w*|retir[ée]e?s?|retirad\w*|radi[ée]e?s?|caducad\w*|vencid\w*"
    r"|cerrad\w*|fermée?s?|under review|under investigation|probation\w*|pending|rejected|refused|inactive"
    r"|de-?barr\w*|barred|banned|derecogni[sz]\w*|dis-?accredit\w*|de-?accredit\w*|disqualif\w*|disallow\w*"
    r"|invalid(?:ated)?|void(?:ed)?|no longer|discontinued|surrendered|relinquish\w*|dormant|defunct|forfeited"
    r"|not (?:recogni[sz]ed|active|listed|authori[sz]ed)|un(?:recogni[sz]ed|authori[sz]ed|registered|licen[cs]ed)"
    r"|non-?complian\w*|stay(?:ed)? order|on hold|de-?affiliat\w*|de-?certif\w*|decertif\w*|inhabilitad\w*|interdit\w*"
    r"|déch[ue]\w*|périm[ée]\w*|échue?s?|clausurad\w*|non (?:accrédit\w*|renouvel\w*)|no (?:acreditad\w*|renovad\w*))"
    r"|موقوف|معلق|مسحوب|ملغى|ملغي|ملغاة|مشطوب|منته|غير معتمد|අත්හිටු|අවලංගු|ඉවත් ක|කල් ඉකුත්|අක්‍රීය"
    r"|இடைநிறுத்|இடைநீக்|திரும்பப் பெற|இரத்து|ரத்து|காலாவதி|நீக்கப்",
    re.IGNORECASE,
)


def folded(text: str) -> str:
    """Return a text in the form in which names are compared: letters, marks and digits of all scripts, small.

    Marks stay: without them `ආයතනය` and many other words of Sinhala, Tamil or Hindi would be one. Of a text that is
    made of signs alone, the signs stay.

    >>> folded("NVQ-Level:") == folded("nvq level"), folded("දිනය") == folded("දනය"), folded("#")
    (True, False, '#')
    """
    whole = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    kept = "".join(letter for letter in whole if unicodedata.category(letter)[0] in "LMN" or letter in "\u200c\u200d")
    return kept or "".join(whole.split())


def _listed(words: str) -> set[str]:
    return {folded(word) for word in words.split(";") if word.strip()}


KNOWN: Final[Mapping[str, str]] = {word: status for status, words in _WORDS.items() for word in _listed(words)}
ASKED: Final = frozenset(_listed(_ASKED)) - KNOWN.keys()


def trouble_in(text: str) -> str | None:
    """Return a word of a text that says that an accreditation does not stand as it did, None if there is none."""
    match = _TROUBLE.search(text)
    return match[0] if match else None
