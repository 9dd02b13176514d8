// The addresses that the page makes scripts of (Trusted Types): its worker, and what keeps its files. No other one is run.

const OURS = ['/worker.js', '/keeper.js']

interface TrustedTypes {
  createPolicy(name: string, rules: { createScriptURL(url: string): string }): { createScriptURL(url: string): string }
}

const { trustedTypes } = globalThis as unknown as { trustedTypes?: TrustedTypes }
const rules = {
  createScriptURL: (url: string): string => {
    if (!OURS.includes(url)) throw new TypeError('no other script is run')
    return url
  },
}
const policy = trustedTypes?.createPolicy('wallet', rules) ?? rules

export function scriptUrl(url: string): string {
  return policy.createScriptURL(url)
}
