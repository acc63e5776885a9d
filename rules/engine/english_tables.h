#pragma once
// The word tables of LANGUAGE section 2.1, in its own notation: words by blanks, entries by commas.

namespace newswatch::engine::english {

inline constexpr char never_inflected[] =
    "the and for with from this that these those his her its our their your was were has had have will would can "
    "could may might shall should must not but who whom whose which what when where why how all any each every some "
    "more most other such than then there here very also just only into onto over under about after before between "
    "through during against news media data series species means goods arms customs politics economics physics "
    "mathematics ethics athletics headquarters hamas isis evening morning ceiling sterling mars wales texas kansas "
    "laos davos canvas lens atlas gas bias christmas ";

/// Singular, then its plurals.
inline constexpr char irregular_plurals[] =
    "man men, woman women, child children, person people, foot feet, tooth teeth, goose geese, mouse mice, leaf "
    "leaves, life lives, wife wives, knife knives, wolf wolves, half halves, shelf shelves, thief thieves, loaf "
    "loaves, calf calves, self selves, crisis crises, analysis analyses, basis bases, thesis theses, hypothesis "
    "hypotheses, diagnosis diagnoses, emphasis emphases, oasis oases, axis axes, axe axes, base bases, criterion "
    "criteria, phenomenon phenomena, referendum referendums referenda, memorandum memorandums memoranda, stadium "
    "stadiums, index indexes indices, appendix appendices appendixes, matrix matrices, nucleus nuclei, stimulus "
    "stimuli, sheep sheep, fish fish, aircraft aircraft, spacecraft spacecraft ";

/// Base, then its past forms.
inline constexpr char irregular_verbs[] =
    "bear bore borne born, beat beat beaten, become became become, begin began begun, bend bent, bid bid, bind "
    "bound, bite bit bitten, bleed bled, blow blew blown, break broke broken, bring brought, build built, burn "
    "burned burnt, burst burst, buy bought, cast cast, catch caught, choose chose chosen, come came come, cost cost, "
    "cut cut, deal dealt, dig dug, draw drew drawn, drink drank drunk, drive drove driven, eat ate eaten, fall fell "
    "fallen, feed fed, feel felt, fight fought, find found, flee fled, fly flew flown, forbid forbade forbidden, "
    "forecast forecast forecasted, forget forgot forgotten, forgive forgave forgiven, freeze froze frozen, get got "
    "gotten, give gave given, grow grew grown, hang hung hanged, hear heard, hide hid hidden, hit hit, hold held, "
    "hurt hurt, keep kept, know knew known, lay laid, lead led, leave left, lend lent, let let, lose lost, make "
    "made, mean meant, meet met, overcome overcame overcome, oversee oversaw overseen, overthrow overthrew "
    "overthrown, overtake overtook overtaken, pay paid, prove proved proven, put put, quit quit, read read, rebuild "
    "rebuilt, resell resold, ride rode ridden, ring rang rung, rise rose risen, run ran run, say said, see saw seen, "
    "seek sought, sell sold, send sent, set set, shake shook shaken, shed shed, shoot shot, show showed shown, "
    "shrink shrank shrunk, shut shut, sing sang sung, sink sank sunk, sit sat, sleep slept, slide slid, speak spoke "
    "spoken, spend spent, spill spilled spilt, split split, spread spread, stand stood, steal stole stolen, stick "
    "stuck, strike struck stricken, swear swore sworn, sweep swept, swim swam swum, swing swung, take took taken, "
    "teach taught, tear tore torn, tell told, think thought, throw threw thrown, undergo underwent undergone, "
    "understand understood, undertake undertook undertaken, uphold upheld, wear wore worn, win won, withdraw "
    "withdrew withdrawn, withhold withheld, withstand withstood, write wrote written ";

inline constexpr char spellings[] =
    "defence defense, offence offense, licence license, practise practice, labour labor, harbour harbor, colour "
    "color, favour favor, neighbour neighbor, behaviour behavior, honour honor, rumour rumor, armour armor, vapour "
    "vapor, centre center, theatre theater, metre meter, litre liter, fibre fiber, programme program, grey gray, "
    "sulphur sulfur, aluminium aluminum, plough plow, organise organize, recognise recognize, authorise authorize, "
    "nationalise nationalize, privatise privatize, legalise legalize, criminalise criminalize, mobilise mobilize, "
    "stabilise stabilize, destabilise destabilize, finalise finalize, minimise minimize, normalise normalize, "
    "penalise penalize, modernise modernize, subsidise subsidize, apologise apologize, criticise criticize, "
    "terrorise terrorize, radicalise radicalize, militarise militarize, analyse analyze, paralyse paralyze ";

/// Ends in `man`, and its plural does not end in `men`.
inline constexpr char regular_man[] = "human german roman ottoman talisman shaman caiman";

/// Ends in `men`, and is no plural.
inline constexpr char singular_men[] = "specimen regimen abdomen acumen stamen bremen turkmen";

/// What an initialism in a paragraph of capitals does not match without dots.
inline constexpr char common_words[] =
    "am an as at be by do go he if in is it me my no of on or so to un up us we all and any are but can did for get "
    "had has her him his how its let may new not now off old one our out own put say see she the too two use was way "
    "who why yes yet you ";

}  // namespace newswatch::engine::english
