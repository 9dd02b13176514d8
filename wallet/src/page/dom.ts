// Elements by name. Text is text: nothing that came from elsewhere is ever read as HTML (Trusted Types refuse it, too).

export type Child = Node | string | null | undefined | false

interface Attributes {
  readonly [name: string]: string | number | boolean | ((event: Event) => void) | undefined
}

/** An element: `on…` are listeners, `true` is an attribute without a value, `false` and undefined are none. */
export function h(tag: string, attributes: Attributes = {}, ...children: readonly Child[]): HTMLElement {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') element.addEventListener(name.slice(2), value)
    else if (value === true) element.setAttribute(name, '')
    else if (value !== undefined && value !== false) element.setAttribute(name, String(value))
  }
  element.append(...children.filter((child): child is Node | string => child !== null && child !== undefined && child !== false))
  return element
}

/** A text from outside, set apart, so that right-to-left and left-to-right do not mix. */
export function outside(...text: readonly Child[]): HTMLElement {
  return h('bdi', {}, ...text)
}
