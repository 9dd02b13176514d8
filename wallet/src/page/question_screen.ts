// A request, said whole: who asks, whether and for what the authority lets them, what they will see and what is only proven, whether they
// keep it, which certificate answers and why that one; or why none does. And what became of it.

import { h, outside, type Child } from './dom.js'
import type { Parts, Screen } from './parts.js'
import type { EntryView, QuestionView } from './protocol.js'
import { isNumber } from './words.js'

/** What people fear most to show. */
const PERSONAL = ['family_name', 'given_names', 'birth_date']
const ANSWERED = ['answering', 'answered', 'accepted', 'refused']

export function questionScreen(parts: Parts, question: QuestionView): Screen {
  const { say, both } = parts
  const { answer, state } = question
  const type = answer?.type ?? null
  const shown = [...new Set(question.parts.flatMap((part) => part.shown))]
  const proven = question.parts.flatMap((part) => part.proven)
  const learned = learnedWords(parts, question)
  const isOpen = state === 'asked'
  const isAnswered = ANSWERED.includes(state)
  const isLeft = question.parts.length > 0 // of one that ended without a yes, nothing is
  const mayAnswer = isOpen && answer !== null && question.may.verdict !== 'NOT_TRUSTED'
  const title = say(`question.title.${state}`)
  const whole = [
    ...parts.party('question.asker', question.asker, isLeft ? question.may : null, question.authority),
    ...(isLeft ? purpose(parts, question) : []),
    question.comment !== null && h('p', {}, ...both('question.comment'), ' ', outside(question.comment)),
    isLeft && h('h2', {}, ...both(mayAnswer ? 'question.see' : isOpen ? 'question.wants' : isAnswered ? 'question.saw' : 'question.wanted')),
    ...(answer ? [h('div', {}, ...parts.values(type, answer.values, shown))] : wanted(parts, shown)),
    ...learned.map((words) => h('p', { class: 'note bad' }, ...words)),
    proven.length > 0 && h('h2', {}, ...both('question.proven')),
    proven.length > 0 && h('ul', {}, ...proven.map(({ name, comparison, value }) => h('li', {}, ...both(`proven.${comparison}`, (words) => ({ label: words.label(type, name), value: words.inWords(type, name, String(value)) }))))),
    ...(answer && (isOpen || isAnswered) ? [unseen(parts, answer, [...shown, ...toldNames(question)])] : []),
  ]
  // Which certificate, where there is no choice of one, and what they do not do with it: for who wants to know.
  const further = [...(answer && (isOpen || isAnswered) ? certificate(parts, question, answer) : []), ...(isLeft ? [...keeping(parts, question), ...registered(parts, question)] : [])]
  const became = question.isShown && state === 'answered' ? 'shown' : question.isTold ? 'told' : state
  const codes = became === 'shown' && parts.button('shown.codes', () => parts.actions.show(`codes ${question.id}`), 'main')
  if (!isOpen) return { title, body: [parts.outcome('question', became, question.why), codes, parts.back(), parts.fold([...whole, ...further])] }
  const isPlain = mayAnswer && question.others.length === 0 && !question.kept
  const [yes, ...no] = choice(parts, question, mayAnswer)
  return {
    title,
    body: [parts.machineNote(), question.isShown && h('p', { class: 'note' }, ...both('shown.who')), ...whole, ...(isPlain ? [] : further), misfit(parts, question), yes, ...(isPlain ? [parts.fold([...further, ...no])] : no), parts.back()],
  }
}

/** What they learn without being shown it, in words. */
export function learnedWords({ both }: Parts, { parts, answer }: QuestionView): Child[][] {
  const type = answer?.type ?? null
  return parts.flatMap(({ learned }) => learned).map(({ name, values }) =>
    both('question.learned', (words) => ({ label: words.label(type, name), value: values.flatMap((value, index) => [index ? ' / ' : '', ...words.inWords(type, name, value)]) })),
  )
}

/** Attributes of which they learn something without being shown them. */
export function toldNames({ parts }: QuestionView): string[] {
  return parts.flatMap(({ learned, proven }) => [...learned, ...proven].map(({ name }) => name))
}

// For what they ask, and for what the authority's file lets them; their reference.
function purpose({ both }: Parts, { purpose: stated, purposes, isFromLink, reference }: QuestionView): Child[] {
  const link = isFromLink ? 'link.' : ''
  const isMore = purposes.length > 0 && (stated === null || purposes.length > 1 || purposes[0] !== stated)
  return [
    stated !== null && h('p', {}, ...both(`purpose.${link}${stated}`)),
    isMore && h('p', {}, ...both('question.registered', (words) => ({ purposes: words.list(purposes.map((each) => words.say(`purpose.name.${each}`))) }))),
    reference !== null && h('p', {}, ...both(`question.${link}reference`, () => ({ reference }))),
  ]
}

// What they want to see, by name; what is for programs behind a fold.
function wanted({ words, both }: Parts, names: readonly string[]): Child[] {
  const list = (some: readonly string[]): HTMLElement => h('ul', {}, ...some.map((name) => h('li', {}, words.label(null, name))))
  const numbers = names.filter(isNumber)
  return [list(names.filter((name) => !isNumber(name))), numbers.length > 0 && h('details', {}, h('summary', {}, ...both('values.follow')), list(numbers))]
}

function unseen({ both }: Parts, { type, values }: EntryView, shown: readonly string[]): Child {
  const names = PERSONAL.filter((name) => values.some((value) => value.name === name) && !shown.includes(name))
  return names.length > 0 && h('p', { class: 'unseen' }, ...both('question.unseen', (words) => ({ names: words.row(names.map((name) => words.label(type, name))) })))
}

function certificate(parts: Parts, { id, chosen, others }: QuestionView, answer: EntryView): Child[] {
  const { both, actions } = parts
  return [
    h('p', {}, ...both('question.by'), ' ', h('strong', {}, parts.titled(answer)), ' ', chosen !== null && h('span', { class: 'hint' }, ...both(`question.chosen.${chosen}`))),
    others.length > 0 &&
      h('details', {}, h('summary', {}, ...both('question.others')), ...others.map((entry) => parts.pressed([parts.titled(entry), ', ', parts.validity(entry)], () => actions.choose(id, entry.id)))),
  ]
}

function keeping({ both }: Parts, { kept, isFromLink }: QuestionView): Child[] {
  if (!kept) return [h('p', {}, ...both('question.notkept'))]
  const link = isFromLink ? 'link.' : ''
  return [
    h('p', { class: 'note' }, ...both(`question.${link}kept`, (each) => ({ until: each.day(kept.until) }))),
    kept.law !== null && h('p', {}, ...both('question.kept.law'), ' ', outside(kept.law)),
    kept.purpose !== null && h('p', {}, ...both('question.kept.for'), ' ', outside(kept.purpose)),
  ]
}

// What they told the authority's list of their asking, so that it can be compared with what they ask.
function registered({ both }: Parts, { registered: listed }: QuestionView): Child[] {
  const lines = listed.flatMap(({ aim, policy, keepsDays }) => [
    aim !== null && h('p', {}, ...both('listed.aim'), ' ', outside(aim)),
    keepsDays !== null && h('p', {}, ...(keepsDays ? both('listed.days', () => ({ days: keepsDays })) : both('listed.keepsnot'))),
    policy !== null && h('p', {}, ...both('listed.policy'), ' ', outside(policy)),
  ])
  return lines.length ? [h('h2', {}, ...both('listed.title')), ...lines] : []
}

// Why nothing fits, and what to do.
function misfit(parts: Parts, { misfit: found }: QuestionView): Child {
  if (!found) return false
  const { entry } = found
  const ends = entry?.values.find(({ name }) => name === 'expires_on')?.raw ?? ''
  const named = (words: Parts['words']) => ({
    title: entry ? parts.titleOf(entry) : '',
    date: words.day(ends),
    names: words.row(found.names.map((name) => words.label(entry?.type ?? null, name))),
  })
  return h('p', { class: 'note bad' }, ...parts.both(`misfit.${found.code}`, named))
}

// The buttons; then what there is to say of a no.
function choice(parts: Parts, { id, at, answer, may, beyond, isShown, left, mayLeave }: QuestionView, mayAnswer: boolean): Child[] {
  const { both, actions } = parts
  const isRefused = may.verdict === 'NOT_TRUSTED' && !mayLeave
  const named = (names: readonly string[]) => (words: Parts['words']) => ({ names: words.row(names.map((name) => words.label(answer?.type ?? null, name))) })
  return [
    h('div', {}, beyond.length > 0 && h('p', { class: 'note bad' }, ...both('question.beyond', named(beyond))),
      isRefused && h('p', { class: 'note bad' }, ...both('question.refused')),
      h(
        'div',
        { class: 'choice' },
        answer && mayAnswer && parts.choice('question.yes', () => actions.answer(id, answer.id, at), 'main'),
        answer && mayLeave && parts.pressed(both('question.without', named(left)), () => actions.answer(id, answer.id, at, true), mayAnswer ? '' : 'main'),
        parts.choice('question.no', () => actions.decline(id, false)),
      ),
    ),
    !isShown && h('p', { class: 'hint' }, ...both('question.no.hint')),
    !isShown && parts.choice('question.tell', () => actions.decline(id, true)),
  ]
}
