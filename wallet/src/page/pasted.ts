// The link in what was pasted or scanned: a message is copied whole more easily than the link in it.
//
// 1. A host may be of any script. Behind it a link is ASCII, and ends where text of another script touches it; marks of a sentence behind
//    it are none of it.
// 2. A link to a wallet has what it leads to behind '#': that is the link.
// 3. What has an invitation in itself, or led to a wallet, is meant before any other. Of several it is for the worker to say which.

const LINK = /https:\/\/[^\s"<>/?#]+[!#-;=?-~]*/gi
const MARKS = ".,;:!?)]'"
const BEFORE_INVITATION = /^[^#]*#(?=https:\/\/)/i

/** The link, or what was pasted where none is in it; empty: there are several, and none of them is the one that is meant. */
export function pastedLink(pasted: string): string {
  const links = [...pasted.matchAll(LINK)].map(([link]) => withoutMarks(link))
  const invitations = links.filter((link) => /[?&]oob=/.test(link) || BEFORE_INVITATION.test(link))
  const [link = pasted.trim(), ...others] = new Set((invitations.length ? invitations : links).map((one) => one.replace(BEFORE_INVITATION, '')))
  return others.length ? '' : link
}

// Step by step: an expression that looks for the end begins anew at each mark, and a message of a hundred thousand of them stops the page.
function withoutMarks(link: string): string {
  let end = link.length
  while (end > 0 && MARKS.includes(link.charAt(end - 1))) end -= 1
  return link.slice(0, end)
}
