// An offer: who issues, whether the authority lets them, every value in words; and what became of it.

import { h } from './dom.js'
import type { Parts, Screen, Typed } from './parts.js'
import { WRONG, type OfferView, type Wrong } from './protocol.js'

export function offerScreen(parts: Parts, offer: OfferView): Screen {
  const { say, both, actions } = parts
  const title = say(`offer.title.${offer.state}`)
  const issuer = parts.party('offer.issuer', offer.issuer, offer.values.length ? offer.may : null, offer.authority)
  const values = [offer.values.length > 0 && h('h2', {}, ...both('offer.values')), ...parts.values(offer.type, offer.values)]
  if (offer.state !== 'offered') return { title, body: [parts.outcome('offer', offer.isTold ? 'wrong' : offer.state, offer.why), parts.back(), parts.fold([...issuer, ...values])] }
  return {
    title,
    body: [
      parts.machineNote(),
      h('p', {}, ...both('offer.what', (each) => ({ type: each.type(offer.type) }))),
      ...issuer,
      ...values,
      offer.may.verdict !== 'TRUSTED' && h('p', { class: 'note bad' }, ...both('offer.caution')),
      h('div', { class: 'choice' }, parts.choice('offer.yes', () => actions.accept(offer.id, offer.at), 'main'), parts.choice('offer.no', () => actions.declineOffer(offer.id, []))),
      parts.choice('offer.wrong', () => actions.show(`wrong ${offer.id}`)),
      parts.back(),
    ],
  }
}

/** What is wrong in an offer: who offers it is told, and can make a new one. */
export function wrongScreen(parts: Parts, offer: OfferView): Screen {
  const send = (typed: Readonly<Record<string, Typed>>): Promise<void> => {
    const wrong = WRONG.filter((each) => typed[each] === true)
    return parts.actions.declineOffer(offer.id, wrong.length ? wrong : ['other' satisfies Wrong])
  }
  return parts.screen('wrong.title', [
    parts.machineNote(),
    h('p', {}, ...parts.both('wrong.what')),
    parts.form('wrong.send', send, parts.ticks(WRONG, (name) => parts.both(`wrong.${name}`)), 'main', parts.both('wrong.send')),
    parts.pressed(parts.both('back'), () => parts.actions.show('book')),
  ])
}
