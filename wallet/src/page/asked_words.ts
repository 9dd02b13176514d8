// What a request says in the one text that every wallet shows, its name: the asker's reference, and that the answer is kept
// (`plugins/trust/verifying/asking.py` and `kept_words.py` of our agents).
//
// It proves nothing. Where it came with a link, nobody signed it: what leads people elsewhere is then left out.

import { told } from '../didcomm/message.js'
import { isDay } from '../governance/days.js'
import type { Received } from '../received.js'
import type { Kept } from './protocol.js'

const REFERENCE = /\[([\p{L}\p{N}][\p{L}\p{M}\p{N} ._/#-]{0,63})\](?:\.\s|$)/gu
// By language; the last day, the law, what for.
const KEPT = [
  /Your answer is kept until ([0-9]{4}-[0-9]{2}-[0-9]{2}), as a law asks: (.+)\. It is kept for: (.+)\. Whoever has a kept/u,
  /Votre réponse est conservée jusqu'au ([0-9]{4}-[0-9]{2}-[0-9]{2}), comme une loi le demande : (.+)\. Elle est conservée pour : (.+)\. Qui a une/u,
  /Su respuesta se conserva hasta el ([0-9]{4}-[0-9]{2}-[0-9]{2}), como exige una ley: (.+)\. Se conserva para: (.+)\. Quien tenga/u,
  /تُحفظ إجابتك حتى ([0-9]{4}-[0-9]{2}-[0-9]{2})، كما يطلب قانون: (.+)\. تُحفظ من أجل: (.+)\. ومن لديه/u,
  /නීතියක් ඉල්ලන පරිදි ඔබේ පිළිතුර ([0-9]{4}-[0-9]{2}-[0-9]{2}) දක්වා තබා ගැනේ: (.+)\. එය තබා ගන්නේ මේ සඳහා: (.+)\. තබා ගත්/u,
  /ஒரு சட்டம் கேட்பதால் உங்கள் பதில் ([0-9]{4}-[0-9]{2}-[0-9]{2}) வரை வைத்திருக்கப்படுகிறது: (.+)\. அது வைத்திருக்கப்படுவது: (.+)\. வைத்திருக்கப்படும்/u,
]
// How each of these begins. Whoever asks writes all of the name: where it says a day twice, the latest counts, and no text beside it.
const DAYS = new RegExp(KEPT.map(({ source }) => source.slice(0, source.indexOf('(.+)'))).join('|'), 'gu')
const LEADS_ELSEWHERE = /:\/\/|www\.|@|(?:[0-9][\s().+-]*){7,}/iu

/** @param isSigned whether it came over a connection */
export function askedWords(request: Received, isSigned: boolean): { readonly reference: string | null; readonly kept: Kept | null } {
  const name = told(request.optional('name')) ?? ''
  const shown = (text: string | undefined): string | null => (text !== undefined && (isSigned || !LEADS_ELSEWHERE.test(text)) ? text : null)
  const saying = [...name.matchAll(DAYS)]
  const days = saying.flatMap((match) => match.slice(1).filter((day) => day !== undefined && isDay(day)))
  const until = days.sort().at(-1)
  const [, , law, purpose] = saying.length === 1 ? (KEPT.map((words) => words.exec(name)).find((match) => match !== null) ?? []) : []
  return {
    reference: shown([...name.slice(0, saying.at(-1)?.index).matchAll(REFERENCE)].at(-1)?.[1]),
    kept: until === undefined ? null : { until: until.replaceAll('-', ''), law: shown(law), purpose: shown(purpose) },
  }
}
