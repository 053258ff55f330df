# What residents and operators read on steles, in pushes and in SMS. en.ftl has the same messages and variables.
#
# A text may be read after midnight: times are absolute. Nothing says that all is well: the DWD ending a warning says
# that the warning has ended. Only the DWD's own unaltered texts are official. An SMS has the characters of GSM-7.

exercise = ÜBUNG

## Levels

level-1 = Wetterwarnung
level-2 = Markante Wetterwarnung
level-3 = Unwetterwarnung
level-4 = Extreme Unwetterwarnung
# The same for other than weather.
level-other-1 = Gefahrenhinweis
level-other-2 = Gefahr
level-other-3 = Große Gefahr
level-other-4 = Extreme Gefahr
label-other-1 = { level-other-1 }, Stufe 1 von 4
label-other-2 = { level-other-2 }, Stufe 2 von 4
label-other-3 = { level-other-3 }, Stufe 3 von 4
label-other-4 = { level-other-4 }, Stufe 4 von 4
label-other-1-advance = Vorabinformation: { level-other-1 } möglich, Stufe 1 von 4
label-other-2-advance = Vorabinformation: { level-other-2 } möglich, Stufe 2 von 4
label-other-3-advance = Vorabinformation: { level-other-3 } möglich, Stufe 3 von 4
label-other-4-advance = Vorabinformation: { level-other-4 } möglich, Stufe 4 von 4
label-1 = { level-1 }, Stufe 1 von 4
label-2 = { level-2 }, Stufe 2 von 4
label-3 = { level-3 }, Stufe 3 von 4
label-4 = { level-4 }, Stufe 4 von 4
label-1-advance = Vorabinformation: { level-1 } möglich, Stufe 1 von 4
label-2-advance = Vorabinformation: { level-2 } möglich, Stufe 2 von 4
label-3-advance = Vorabinformation: { level-3 } möglich, Stufe 3 von 4
label-4-advance = Vorabinformation: { level-4 } möglich, Stufe 4 von 4

## Times

weekday-0 = Mo
weekday-1 = Di
weekday-2 = Mi
weekday-3 = Do
weekday-4 = Fr
weekday-5 = Sa
weekday-6 = So
month-1 = 01
month-2 = 02
month-3 = 03
month-4 = 04
month-5 = 05
month-6 = 06
month-7 = 07
month-8 = 08
month-9 = 09
month-10 = 10
month-11 = 11
month-12 = 12
moment = { $weekday } { NUMBER($day, minimumIntegerDigits: 2) }.{ $month }. { $time }
moment-year = { $weekday } { NUMBER($day, minimumIntegerDigits: 2) }.{ $month }.{ $year } { $time }
# In the hour that the end of summer time repeats.
time-twice = { $time } ({ $zone })
zone-summer = MESZ
zone-winter = MEZ
period = { $begin } Uhr bis { $end } Uhr
period-in-a-day = { $begin } bis { $end } Uhr
period-open = ab { $begin } Uhr, Ende offen
hours = { $hours } Std.
minutes = { $minutes } Min.
hours-and-minutes = { $hours } Std. { $minutes } Min.

## Places and heights

whole-city = ganz { $city }
districts-of-city = { $city }, { $count } von { $all } Bezirken
districts = { $count } von { $all } Bezirken
height-between = zwischen { $floor } und { $ceiling } m
height-above = oberhalb { $floor } m
height-below = unterhalb { $ceiling } m

## Sources and how fresh they are

source = Quelle: { $source }
source-shortened = Datenbasis: { $source }, Text gekürzt
as-of = Stand { $stand } Uhr
freshness-incomplete = unvollständig: eine Warnung ist nicht lesbar
freshness-stale = seither keine Daten
freshness-none = noch ohne vollständigen Stand

## What stands on a stele beside the warnings

no-warning = Keine Wetterwarnung
no-data = Keine verlässlichen Daten
unconfirmed = Warnung abgelaufen, Bestätigung steht aus

## What changed since the channel was last told

change-raised = hochgestuft von Stufe { $was } auf Stufe { $now }
change-lowered = herabgestuft von Stufe { $was } auf Stufe { $now }
change-now-a-warning = aus der Vorabinformation ist eine Warnung geworden
change-now-a-warning-of = aus der Vorabinformation (Stufe { $was }) ist eine Warnung der Stufe { $now } geworden
change-announced = zusätzlich zur Warnung, die weiter gilt
change-beside-advance = zusätzlich zur Vorabinformation, die weiter gilt
change-partly = teils { $news }
change-now-advance = bisher Warnung der Stufe { $was }, jetzt Vorabinformation für Stufe { $now }
change-begins-earlier = beginnt { $by } früher
change-begins-later = beginnt { $by } später
change-extended = verlängert um { $by } bis { $end } Uhr
change-extended-open = verlängert, Ende offen
change-shortened = verkürzt um { $by } bis { $end } Uhr

# The same where there is little room.

brief-entered = neu hier
brief-new = neu
brief-revived = gilt wieder
brief-raised = hochgestuft
brief-lowered = herabgestuft
brief-now-a-warning = jetzt Warnung
brief-announced = zusätzlich zur Warnung
brief-beside-advance = zusätzlich zur Vorabinformation
brief-now-advance = jetzt Vorabinformation
brief-begins-earlier = beginnt früher
brief-begins-later = beginnt später
brief-extended = verlängert bis { $end } Uhr
brief-shortened = verkürzt bis { $end } Uhr

## Ends

# By the level that was told: the name is that of the warning.
ended-1 = Die Wetterwarnung ist beendet
ended-2 = Die markante Wetterwarnung ist beendet
ended-3 = Die Unwetterwarnung ist beendet
ended-4 = Die extreme Unwetterwarnung ist beendet
ended-other = Die Warnung ist beendet
ended-advance = Die Vorabinformation ist beendet
ended-cancelled = aufgehoben
ended-superseded = durch eine neuere Meldung
ended-withdrawn = von der Quelle zurückgenommen
ended-withdrawn-dwd = vom DWD zurückgenommen
ended-expired = abgelaufen
# Beside an end or a lowering: what goes on there.
still-holds = Es gilt weiter: { $what }.
still-holds-brief = Weiter: { $what }.
# Of what has not begun.
still-later = Später gilt: { $what }.
still-later-brief = Später: { $what }.
still-some = Anderes gilt weiter.
still-unknown = Ob anderes gilt, ist zurzeit nicht bekannt.
still-unknown-brief = Anderes: nicht bekannt.
still-until = { $event } bis { $end } Uhr
still-until-brief = { $event } bis { $end }
still-from = { $event }, { $begin } bis { $end } Uhr
still-from-brief = { $event } { $begin }-{ $end }
still-level = { $event } Stufe { $level }
still-open = { $event }, Ende offen
still-open-from = { $event }, ab { $begin } Uhr, Ende offen
still-in = { $event } ({ $where })
still-advance = Vorabinformation { $event }
still-advance-brief = Vorabinfo { $event }
still-more = { $what }; und weitere
still-more-brief = { $what }; mehr
aftermath = Folgegefahren sind möglich.
aftermath-water = Folgegefahren sind möglich, Wasser kann weiter steigen.

## Titles and pushes

title = { $label }: { $event }
title-ended = { $ended }: { $event }
# Where one notice stands for more than are told one by one.
title-more = { $title } und { $count } weitere
sms-event-more = { $event } und { $count } weitere
title-exercise = { exercise } – { $title }
where-high = { $where }, { $height }
push-new = { $where }. { $when }. { $source }
push-changed = { $where }: { $news }. { $when }. { $source }
push-moved = { $where }: { $news }. { $source }
push-ended = { $where }: { $ended } ({ $reason }). { $source }

## SMS

sms-exercise = { exercise }: { $text }
sms-head = { $level }: { $event }
sms-head-advance = Vorabinfo { $level }: { $event }
sms-head-ended = { $ended }: { $event }
sms-head-ended-why = { $ended } ({ $reason }): { $event }
sms-period = { $begin }-{ $end }
sms-period-open = ab { $begin }, Ende offen
sms-until = bis { $end }
sms-until-open = Ende offen
sms-do = Was tun bei Stufe { $level }, { $event }: { $instruction }
sms-districts = { $count } Bezirke
sms-source = Daten: { $source }, gekürzt

## Tiles on a city's screens: titles in 26 characters, texts in 45, of which 30 are seen for sure

screen-1 = Wetter Stufe 1
screen-2 = Wetter Stufe 2
screen-3 = Unwetter Stufe 3
screen-4 = Unwetter Stufe 4
# The same for other than weather.
screen-other = Gefahr Stufe { $level }
screen-advance = Vorab: Stufe { $level }
screen-exercise = { exercise }: { $title }
screen-more = und { $count } weitere
screen-no-data = Warnlage unbekannt
screen-no-data-why = Keine aktuellen Daten
screen-no-data-since = Keine Daten seit { $stand }
screen-no-data-where = Ohne Daten: { $where }
screen-unconfirmed = Warnung abgelaufen
screen-unconfirmed-why = Bestätigung steht aus
screen-ended = Warnung beendet

## Quantities

amount = { $low } { $unit }
amount-about = um { $low } { $unit }
amount-range = { $low } bis { $high } { $unit }
amount-up-to = bis { $high } { $unit }
amount-above = über { $low } { $unit }
amount-in = { $amount } in { $hours } Std.
quantity = { $name } { $amount }
quantity-gusts = Böen
quantity-exposed_gusts = Böen in freien Lagen
quantity-wind = Wind
quantity-precipitation = Niederschlag
quantity-snow = Neuschnee
quantity-snow_windward = Neuschnee in Staulagen
quantity-hail = Hagel
quantity-temperature = Temperatur
quantity-felt_temperature = gefühlte Temperatur
quantity-visibility = Sichtweite

## Events by the DWD's numbers, in at most 42 characters

event-11 = Böen an der Küste
event-12 = Wind an der Küste
event-13 = Sturm an der Küste
event-14 = Starkwind auf See
event-15 = Sturm auf See
event-16 = schwerer Sturm auf See
event-22 = Frost
event-24 = Glätte
event-31 = Gewitter
event-33 = starkes Gewitter
event-34 = starkes Gewitter
event-36 = starkes Gewitter, Starkregen
event-38 = starkes Gewitter, Starkregen, Hagel
event-40 = schweres Gewitter, Orkanböen
event-41 = schweres Gewitter, extreme Orkanböen
event-42 = schweres Gewitter, heftiger Starkregen
event-44 = schweres Gewitter, Orkan, Starkregen
event-45 = schweres Gewitter, extremer Orkan, Regen
event-46 = schweres Gewitter, Starkregen, Hagel
event-48 = schweres Gewitter, Orkan, Regen, Hagel
event-49 = schweres Gewitter, extremer Orkan, Hagel
event-51 = Windböen
event-52 = Sturmböen
event-53 = schwere Sturmböen
event-54 = orkanartige Böen
event-55 = Orkanböen
event-56 = extreme Orkanböen
event-57 = Starkwind
event-58 = Sturm
event-59 = Nebel
event-61 = Starkregen
event-62 = heftiger Starkregen
event-63 = Dauerregen
event-64 = ergiebiger Dauerregen
event-65 = extrem ergiebiger Dauerregen
event-66 = extrem heftiger Starkregen
event-70 = leichter Schneefall
event-71 = Schneefall
event-72 = starker Schneefall
event-73 = extrem starker Schneefall
event-74 = Schneeverwehung
event-75 = starke Schneeverwehung
event-76 = extrem starke Schneeverwehung
event-77 = Schneefall und Schneeverwehung
event-78 = extremer Schneefall und Verwehung
event-79 = Leiterseilschwingungen
event-81 = Frost
event-82 = strenger Frost
event-84 = geringe Glätte
event-85 = Glatteis
event-86 = extremes Glatteis
event-87 = Glätte
event-88 = Tauwetter
event-89 = starkes Tauwetter
event-90 = Gewitter
event-91 = starkes Gewitter
event-92 = schweres Gewitter
event-93 = extremes Gewitter
event-95 = schweres Gewitter, extremer Regen, Hagel
event-96 = extremes Gewitter, Orkan, Regen, Hagel
event-98 = Test-Warnung
event-99 = Test-Unwetterwarnung
event-246 = hohe UV-Strahlung
event-247 = starke Hitze
event-248 = extreme Hitze

# Numbers that mean another thing in an advance notice.

event-40-advance = schwere Gewitter
event-55-advance = Orkanböen
event-65-advance = ergiebiger Regen
event-75-advance = starker Schnee oder Verwehungen
event-85-advance = Glatteis
event-89-advance = starkes Tauwetter
event-99-advance = Test

# Groups, for numbers that are new to us.

group-BLACK_ICE = Glatteis
group-FOG = Nebel
group-FROST = Frost
group-GLAZE = Glätte
group-HAIL = Hagel
group-HEAT = Hitze
group-POWERLINEVIBRATION = Leiterseilschwingungen
group-RAIN = Regen
group-SLIPPERINESS = Glätte
group-SNOWDRIFT = Schneeverwehung
group-SNOWFALL = Schneefall
group-THAW = Tauwetter
group-THUNDERSTORM = Gewitter
group-TORNADO = Tornado
group-UV = UV-Strahlung
group-WIND = Wind
event-unknown = Gefahr
