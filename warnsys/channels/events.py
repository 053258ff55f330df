"""Short names of events, German and English, by (II, advance notice or not): an SMS has no room for an alert's text.

Numbers and meanings are DWD's (profile 2.1.13); the words are ours, at most 42 characters. Some numbers mean another
thing in an advance notice. What is new to us is called by its group, and a new group by the alert's own event.
"""

from warnsys.records import Localised, Meaning
from warnsys.warning.text import shorten

MAX_CHARS = 42

WARNINGS: dict[str, tuple[str, str]] = {
    "11": ("Böen an der Küste", "gusts on the coast"),
    "12": ("Wind an der Küste", "strong wind on the coast"),
    "13": ("Sturm an der Küste", "gale on the coast"),
    "14": ("Starkwind auf See", "near gale at sea"),
    "15": ("Sturm auf See", "gale at sea"),
    "16": ("schwerer Sturm auf See", "severe gale at sea"),
    "22": ("Frost", "frost"),
    "24": ("Glätte", "slippery roads"),
    "31": ("Gewitter", "thunderstorms"),
    "33": ("starkes Gewitter", "strong thunderstorms"),
    "34": ("starkes Gewitter", "strong thunderstorms"),
    "36": ("starkes Gewitter, Starkregen", "strong thunderstorms, heavy rain"),
    "38": ("starkes Gewitter, Starkregen, Hagel", "strong thunderstorms, heavy rain, hail"),
    "40": ("schweres Gewitter, Orkanböen", "severe thunderstorms, hurricane gusts"),
    "41": ("schweres Gewitter, extreme Orkanböen", "severe thunderstorms, extreme gusts"),
    "42": ("schweres Gewitter, heftiger Starkregen", "severe thunderstorms, very heavy rain"),
    "44": ("schweres Gewitter, Orkan, Starkregen", "severe thunderstorms, hurricane, rain"),
    "45": ("schweres Gewitter, extr. Orkan, Regen", "severe thunderstorms, extreme gusts, rain"),
    "46": ("schweres Gewitter, Starkregen, Hagel", "severe thunderstorms, heavy rain, hail"),
    "48": ("schweres Gewitter, Orkan, Regen, Hagel", "severe thunderstorms, gusts, rain, hail"),
    "49": ("schweres Gewitter, extr. Orkan, Hagel", "severe thunderstorms, extreme gusts, hail"),
    "51": ("Windböen", "gusts of wind"),
    "52": ("Sturmböen", "gale-force gusts"),
    "53": ("schwere Sturmböen", "severe gale-force gusts"),
    "54": ("orkanartige Böen", "violent storm gusts"),
    "55": ("Orkanböen", "hurricane-force gusts"),
    "56": ("extreme Orkanböen", "extreme hurricane-force gusts"),
    "57": ("Starkwind", "near gale"),
    "58": ("Sturm", "gale"),
    "59": ("Nebel", "fog"),
    "61": ("Starkregen", "heavy rain"),
    "62": ("heftiger Starkregen", "very heavy rain"),
    "63": ("Dauerregen", "persistent rain"),
    "64": ("ergiebiger Dauerregen", "heavy persistent rain"),
    "65": ("extrem ergiebiger Dauerregen", "extreme persistent rain"),
    "66": ("extrem heftiger Starkregen", "extremely heavy rain"),
    "70": ("leichter Schneefall", "light snowfall"),
    "71": ("Schneefall", "snowfall"),
    "72": ("starker Schneefall", "heavy snowfall"),
    "73": ("extrem starker Schneefall", "extremely heavy snowfall"),
    "74": ("Schneeverwehung", "snow drifts"),
    "75": ("starke Schneeverwehung", "heavy snow drifts"),
    "76": ("extrem starke Schneeverwehung", "extreme snow drifts"),
    "77": ("Schneefall und Schneeverwehung", "snowfall and snow drifts"),
    "78": ("extremer Schneefall und Verwehung", "extreme snowfall and drifts"),
    "79": ("Leiterseilschwingungen", "power line vibration"),
    "81": ("Frost", "frost"),
    "82": ("strenger Frost", "severe frost"),
    "84": ("geringe Glätte", "slightly slippery roads"),
    "85": ("Glatteis", "black ice"),
    "86": ("extremes Glatteis", "extreme black ice"),
    "87": ("Glätte", "slippery roads"),
    "88": ("Tauwetter", "thaw"),
    "89": ("starkes Tauwetter", "heavy thaw"),
    "90": ("Gewitter", "thunderstorms"),
    "91": ("starkes Gewitter", "strong thunderstorms"),
    "92": ("schweres Gewitter", "severe thunderstorms"),
    "93": ("extremes Gewitter", "extreme thunderstorms"),
    "95": ("schweres Gewitter, extr. Regen, Hagel", "severe thunderstorms, extreme rain, hail"),
    "96": ("extremes Gewitter, Orkan, Regen, Hagel", "extreme thunderstorms, gusts, rain, hail"),
    "98": ("Test-Warnung", "test warning"),
    "99": ("Test-Unwetterwarnung", "severe weather test warning"),
    "246": ("hohe UV-Strahlung", "high UV radiation"),
    "247": ("starke Hitze", "strong heat"),
    "248": ("extreme Hitze", "extreme heat"),
}

ADVANCE: dict[str, tuple[str, str]] = {
    "40": ("schwere Gewitter", "severe thunderstorms"),
    "55": ("Orkanböen", "hurricane-force gusts"),
    "65": ("ergiebiger Regen", "heavy rain"),
    "75": ("starker Schnee oder Verwehungen", "heavy snow or drifts"),
    "85": ("Glatteis", "black ice"),
    "89": ("starkes Tauwetter", "heavy thaw"),
    "99": ("Test", "test"),
}

GROUPS: dict[str, tuple[str, str]] = {
    "BLACK_ICE": ("Glatteis", "black ice"),
    "FOG": ("Nebel", "fog"),
    "FROST": ("Frost", "frost"),
    "GLAZE": ("Glätte", "slippery roads"),
    "HAIL": ("Hagel", "hail"),
    "HEAT": ("Hitze", "heat"),
    "POWERLINEVIBRATION": ("Leiterseilschwingungen", "power line vibration"),
    "RAIN": ("Regen", "rain"),
    "SLIPPERINESS": ("Glätte", "slippery roads"),
    "SNOWDRIFT": ("Schneeverwehung", "snow drifts"),
    "SNOWFALL": ("Schneefall", "snowfall"),
    "THAW": ("Tauwetter", "thaw"),
    "THUNDERSTORM": ("Gewitter", "thunderstorms"),
    "TORNADO": ("Tornado", "tornado"),
    "UV": ("UV-Strahlung", "UV radiation"),
    "WIND": ("Wind", "wind"),
}


def event_name(meaning: Meaning) -> Localised:
    """What a meaning warns of, in at most `MAX_CHARS` characters a language."""
    known = (ADVANCE.get(meaning.ii) if meaning.advance else None) or WARNINGS.get(meaning.ii)
    known = known or GROUPS.get(meaning.group)
    if known:
        return {"de": known[0], "en": known[1]}
    own = {language: shorten(text.event, MAX_CHARS) for language, text in meaning.texts.items() if text.event}
    any_of_them = own.get("de") or own.get("en") or next(iter(own.values()), "")
    return {"de": own.get("de") or any_of_them or "Gefahr", "en": own.get("en") or any_of_them or "hazard"}
