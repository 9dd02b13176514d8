// What was shown to whom; having it erased; reporting who asked. It opens by the PIN.

import { h, outside, type Child } from './dom.js'
import type { Parts, Screen } from './parts.js'
import { learnedWords, toldNames } from './question_screen.js'
import type { GivenView, HistoryView, QuestionView } from './protocol.js'
import { isNumber, type Words } from './words.js'

/** @param history null: the PIN has not opened it */
export function historyScreen(parts: Parts, history: HistoryView | null): Screen {
  const { say, actions } = parts
  if (!history) {
    const pin = parts.field('pin', say('history.pin'), { type: 'password', inputmode: 'numeric', autocomplete: 'current-password', required: true })
    const form = parts.form('history.open', (typed) => actions.openHistory({ pin: typed['pin'] as string }), [pin])
    return parts.screen('book.history', [h('p', {}, say('history.what')), form, parts.back()])
  }
  return parts.screen('book.history', [
    history.given.length
      ? h('ul', { class: 'entries' }, ...history.given.map((each) => h('li', {}, ...given(parts, each))))
      : h('p', {}, say('history.empty')),
    parts.back(),
  ])
}

/** A text about who asked, for the authority or the centre: nothing of a certificate is in it. */
export function reportScreen(parts: Parts, question: QuestionView): Screen {
  const { say, actions } = parts
  const lines = reportLines(parts, question)
  return parts.screen('report.title', [
    h('p', {}, say('report.what', { authority: question.authority ?? say('party.authority') })),
    h('div', { class: 'note', id: 'report' }, ...lines.map((line) => h('p', {}, outside(line)))),
    parts.button('report.copy', () => actions.copy(lines.join('\n')), 'main'),
    parts.back(),
  ])
}

export function reportLines(parts: Pick<Parts, 'words'>, question: QuestionView): string[] {
  const { words } = parts
  const say: Words['say'] = (key, named) => words.say(key, named)
  const names = (all: readonly string[]): string => words.row([...new Set(all)].filter((name) => !isNumber(name)).map((name) => words.label(question.answer?.type ?? null, name)))
  // What was left out of the answer was asked for, too.
  const shown = [...question.left, ...question.parts.flatMap((part) => part.shown)]
  const proven = toldNames(question)
  const { asker, isFromLink } = question
  // Who asked proved it over a connection; a link names whom its maker likes.
  const link = isFromLink ? 'link.' : ''
  return [
    say(`report.${link}who`, { name: [asker.name ?? say('party.unknown'), asker.did ? `(${words.direction === 'rtl' ? `\u2068${asker.did}\u2069` : asker.did})` : ''].join(' ').trim() }),
    isFromLink && say('report.link'),
    say(`report.${link}at`, { date: words.date(question.at) }),
    shown.length > 0 && say(`report.${link}seen`, { names: names(shown) }),
    proven.length > 0 && say(`report.${link}proven`, { names: names(proven) }),
    question.purpose !== null && say(`report.${link}purpose`, { purpose: say(`purpose.name.${question.purpose}`) }),
    question.reference !== null && say(isFromLink ? 'question.link.reference' : 'report.reference', { reference: question.reference }),
  ].filter((line) => line !== false)
}

function given(parts: Parts, { question, erasure }: GivenView): Child[] {
  const { say, words, actions } = parts
  const { answer, asker, id } = question
  const shown = [...new Set(question.parts.flatMap((part) => part.shown))]
  const proven = question.parts.flatMap((part) => part.proven)
  const mayErase = question.state !== 'answering' && !question.isShown && erasure?.answeredAt == null
  const labels = proven.map(({ name, comparison, value }) => parts.said(`proven.${comparison}`, { label: words.label(answer?.type ?? null, name), value: words.inWords(answer?.type ?? null, name, String(value)) }))
  return [
    h('p', {}, h('strong', {}, asker.name === null ? say('party.unknown') : outside(asker.name)), h('span', { class: 'hint' }, words.date(question.at))),
    answer && h('p', {}, say('question.by'), ' ', parts.titled(answer)),
    h('details', {}, h('summary', {}, say('question.saw')), ...(answer ? parts.values(answer.type, answer.values, shown) : []), ...learnedWords(parts, question).map((each) => h('p', {}, ...each)), labels.length > 0 && h('ul', {}, ...labels.map((label) => h('li', {}, ...label)))),
    question.left.length > 0 && h('p', {}, say('history.left', { names: words.row(question.left.map((name) => words.label(answer?.type ?? null, name))) })),
    h('p', {}, say(`question.state.${question.isShown ? 'shown' : question.state}`)),
    erasure && h('p', { class: 'note' }, erasure.answeredAt === null ? say('history.erasing', { date: words.date(erasure.at) }) : say('history.erased', { date: words.date(erasure.answeredAt) })),
    ...(erasure?.kept ?? []).map(({ until, law }) => h('p', { class: 'note' }, outside(say('history.kept', { until: words.day(until), law })))),
    mayErase && parts.button('history.erase', () => actions.erase(id)),
    mayErase && h('p', { class: 'hint' }, say('history.erase.what')),
    parts.button('history.report', () => actions.show(`report ${id}`)),
  ]
}
