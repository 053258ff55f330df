# What residents and operators read on steles, in pushes and in SMS. de.ftl has the same messages and variables, and
# says what rules all texts.

exercise = EXERCISE

## Levels

level-1 = Weather warning
level-2 = Significant weather warning
level-3 = Severe weather warning
level-4 = Extreme weather warning
# The same for other than weather.
level-other-1 = Hazard notice
level-other-2 = Danger
level-other-3 = Severe danger
level-other-4 = Extreme danger
label-other-1 = { level-other-1 }, level 1 of 4
label-other-2 = { level-other-2 }, level 2 of 4
label-other-3 = { level-other-3 }, level 3 of 4
label-other-4 = { level-other-4 }, level 4 of 4
label-other-1-advance = Advance notice: hazard possible, level 1 of 4
label-other-2-advance = Advance notice: danger possible, level 2 of 4
label-other-3-advance = Advance notice: severe danger possible, level 3 of 4
label-other-4-advance = Advance notice: extreme danger possible, level 4 of 4
label-1 = { level-1 }, level 1 of 4
label-2 = { level-2 }, level 2 of 4
label-3 = { level-3 }, level 3 of 4
label-4 = { level-4 }, level 4 of 4
label-1-advance = Advance notice: weather warning possible, level 1 of 4
label-2-advance = Advance notice: significant weather warning possible, level 2 of 4
label-3-advance = Advance notice: severe weather warning possible, level 3 of 4
label-4-advance = Advance notice: extreme weather warning possible, level 4 of 4

## Times

weekday-0 = Mon
weekday-1 = Tue
weekday-2 = Wed
weekday-3 = Thu
weekday-4 = Fri
weekday-5 = Sat
weekday-6 = Sun
month-1 = Jan
month-2 = Feb
month-3 = Mar
month-4 = Apr
month-5 = May
month-6 = Jun
month-7 = Jul
month-8 = Aug
month-9 = Sep
month-10 = Oct
month-11 = Nov
month-12 = Dec
moment = { $weekday } { $day } { $month } { $time }
moment-year = { $weekday } { $day } { $month } { $year } { $time }
# In the hour that the end of summer time repeats.
time-twice = { $time } ({ $zone })
zone-summer = summer time
zone-winter = winter time
period = { $begin } to { $end }
period-in-a-day = { $begin } to { $end }
period-open = from { $begin }, open-ended
hours = { $hours } h
minutes = { $minutes } min
hours-and-minutes = { $hours } h { $minutes } min

## Places and heights

whole-city = all of { $city }
districts-of-city = { $city }, { $count } of { $all } districts
districts = { $count } of { $all } districts
height-between = between { $floor } and { $ceiling } m
height-above = above { $floor } m
height-below = below { $ceiling } m

## Sources and how fresh they are

source = Source: { $source }
source-shortened = Data: { $source }, text shortened
as-of = as of { $stand }
freshness-incomplete = incomplete: a warning cannot be read
freshness-stale = no data since
freshness-none = not yet complete

## What stands on a stele beside the warnings

no-warning = No weather warning
no-data = No reliable data
unconfirmed = Warning expired, not yet confirmed

## What changed since the channel was last told

change-raised = raised from level { $was } to level { $now }
change-lowered = lowered from level { $was } to level { $now }
change-now-a-warning = the advance notice has become a warning
change-now-a-warning-of = the advance notice (level { $was }) has become a warning of level { $now }
change-announced = besides the warning, which still holds
change-beside-advance = besides the advance notice, which still holds
change-partly = in part { $news }
change-now-advance = until now a warning of level { $was }, now an advance notice of level { $now }
change-begins-earlier = begins { $by } earlier
change-begins-later = begins { $by } later
change-extended = extended by { $by } until { $end }
change-extended-open = extended, open-ended
change-shortened = shortened by { $by } until { $end }

# The same where there is little room.

brief-entered = new here
brief-new = new
brief-revived = holds again
brief-raised = raised
brief-lowered = lowered
brief-now-a-warning = now a warning
brief-announced = besides the warning
brief-beside-advance = besides the advance notice
brief-now-advance = now an advance notice
brief-begins-earlier = begins earlier
brief-begins-later = begins later
brief-extended = extended until { $end }
brief-shortened = shortened until { $end }

## Ends

# By the level that was told: the name is that of the warning.
ended-1 = The weather warning has ended
ended-2 = The significant weather warning has ended
ended-3 = The severe weather warning has ended
ended-4 = The extreme weather warning has ended
ended-other = The warning has ended
ended-advance = The advance notice has ended
ended-cancelled = cancelled
ended-superseded = by a newer message
ended-withdrawn = withdrawn by its source
ended-withdrawn-dwd = withdrawn by the DWD
ended-expired = expired
# Beside an end or a lowering: what goes on there.
still-holds = Still in force: { $what }.
still-holds-brief = In force: { $what }.
# Of what has not begun.
still-later = Later: { $what }.
still-later-brief = Later: { $what }.
still-some = Others still hold.
still-unknown = Whether others hold is not known at present.
still-unknown-brief = Others: not known.
still-until = { $event } until { $end }
still-until-brief = { $event } until { $end }
still-from = { $event }, { $begin } to { $end }
still-from-brief = { $event } { $begin }-{ $end }
still-level = { $event } level { $level }
still-open = { $event }, open-ended
still-open-from = { $event }, from { $begin }, open-ended
still-in = { $event } ({ $where })
still-advance = advance notice of { $event }
still-advance-brief = advance info { $event }
still-more = { $what }; and more
still-more-brief = { $what }; more
aftermath = Dangers may remain.
aftermath-water = Dangers may remain, water may still be rising.

## Titles and pushes

title = { $label }: { $event }
title-ended = { $ended }: { $event }
# Where one notice stands for more than are told one by one.
title-more = { $title } and { $count } more
sms-event-more = { $event } and { $count } more
title-exercise = { exercise } – { $title }
where-high = { $where }, { $height }
push-new = { $where }. { $when }. { $source }
push-changed = { $where }: { $news }. { $when }. { $source }
push-moved = { $where }: { $news }. { $source }
push-ended = { $where }: { $ended } ({ $reason }). { $source }

## SMS

sms-exercise = { exercise }: { $text }
sms-head = { $level }: { $event }
sms-head-advance = Advance notice, { $level }: { $event }
sms-head-ended = { $ended }: { $event }
sms-head-ended-why = { $ended } ({ $reason }): { $event }
sms-period = { $begin }-{ $end }
sms-period-open = from { $begin }, open-ended
sms-until = until { $end }
sms-until-open = open-ended
sms-do = What to do at level { $level }, { $event }: { $instruction }
sms-districts = { $count } districts
sms-source = Data: { $source }, shortened

## Tiles on a city's screens: titles in 26 characters, texts in 45, of which 30 are seen for sure

screen-1 = Weather level 1
screen-2 = Weather level 2
screen-3 = Weather level 3
screen-4 = Weather level 4
# The same for other than weather.
screen-other = Hazard level { $level }
screen-advance = Advance: level { $level }
screen-exercise = { exercise }: { $title }
screen-more = and { $count } more
screen-no-data = No knowledge
screen-no-data-why = No recent data
screen-no-data-since = No data since { $stand }
screen-no-data-where = No data: { $where }
screen-unconfirmed = Warning expired
screen-unconfirmed-why = Not yet confirmed
screen-ended = Warning ended

## Quantities

amount = { $low } { $unit }
amount-about = about { $low } { $unit }
amount-range = { $low } to { $high } { $unit }
amount-up-to = up to { $high } { $unit }
amount-above = over { $low } { $unit }
amount-in = { $amount } in { $hours } h
quantity = { $name } { $amount }
quantity-gusts = gusts
quantity-exposed_gusts = gusts in exposed places
quantity-wind = wind
quantity-precipitation = precipitation
quantity-snow = fresh snow
quantity-snow_windward = fresh snow on windward slopes
quantity-hail = hail
quantity-temperature = temperature
quantity-felt_temperature = felt temperature
quantity-visibility = visibility

## Events by the DWD's numbers, in at most 42 characters

event-11 = gusts on the coast
event-12 = strong wind on the coast
event-13 = gale on the coast
event-14 = near gale at sea
event-15 = gale at sea
event-16 = severe gale at sea
event-22 = frost
event-24 = slippery roads
event-31 = thunderstorms
event-33 = strong thunderstorms
event-34 = strong thunderstorms
event-36 = strong thunderstorms, heavy rain
event-38 = strong thunderstorms, heavy rain, hail
event-40 = severe thunderstorms, hurricane gusts
event-41 = severe thunderstorm, extreme hurricane
event-42 = severe thunderstorms, very heavy rain
event-44 = severe thunderstorm, hurricane, heavy rain
event-45 = extreme hurricane, severe thunder, rain
event-46 = severe thunderstorms, heavy rain, hail
event-48 = severe thunderstorm, hurricane, rain, hail
event-49 = extreme hurricane, severe thunder, hail
event-51 = gusts of wind
event-52 = gale-force gusts
event-53 = severe gale-force gusts
event-54 = violent storm gusts
event-55 = hurricane-force gusts
event-56 = extreme hurricane-force gusts
event-57 = near gale
event-58 = gale
event-59 = fog
event-61 = heavy rain
event-62 = very heavy rain
event-63 = persistent rain
event-64 = heavy persistent rain
event-65 = extreme persistent rain
event-66 = extremely heavy rain
event-70 = light snowfall
event-71 = snowfall
event-72 = heavy snowfall
event-73 = extremely heavy snowfall
event-74 = snow drifts
event-75 = heavy snow drifts
event-76 = extreme snow drifts
event-77 = snowfall and snow drifts
event-78 = extreme snowfall and drifts
event-79 = power line vibration
event-81 = frost
event-82 = severe frost
event-84 = slightly slippery roads
event-85 = black ice
event-86 = extreme black ice
event-87 = slippery roads
event-88 = thaw
event-89 = heavy thaw
event-90 = thunderstorms
event-91 = strong thunderstorms
event-92 = severe thunderstorms
event-93 = extreme thunderstorms
event-95 = severe thunderstorms, extreme rain, hail
event-96 = extreme thunder, hurricane, rain, hail
event-98 = test warning
event-99 = severe weather test warning
event-246 = high UV radiation
event-247 = strong heat
event-248 = extreme heat

# Numbers that mean another thing in an advance notice.

event-40-advance = severe thunderstorms
event-55-advance = hurricane-force gusts
event-65-advance = heavy rain
event-75-advance = heavy snow or drifts
event-85-advance = black ice
event-89-advance = heavy thaw
event-99-advance = test

# Groups, for numbers that are new to us.

group-BLACK_ICE = black ice
group-FOG = fog
group-FROST = frost
group-GLAZE = slippery roads
group-HAIL = hail
group-HEAT = heat
group-POWERLINEVIBRATION = power line vibration
group-RAIN = rain
group-SLIPPERINESS = slippery roads
group-SNOWDRIFT = snow drifts
group-SNOWFALL = snowfall
group-THAW = thaw
group-THUNDERSTORM = thunderstorms
group-TORNADO = tornado
group-UV = UV radiation
group-WIND = wind
event-unknown = hazard
