// A copy of the book as a file: for another phone or browser, and for another host when this one is gone for good.
//
// 1. It is sealed under the key of the vault, so the recovery code opens it anywhere and nothing else does. The line before says how long
//    it is, and by a mark of that key, which no host knows, whose.
// 2. What is cheap is looked at first: nobody waits for scrypt to learn that a file is a picture.
// 3. It has the rows of the book, how far the book had come (`course.ts`), and its mediator: at another one the wallet is met anew.

import { concat } from '../bytes.js'
import { WalletError } from '../errors.js'
import type { Progress } from './course.js'
import type { Written } from './sealed_store.js'
import { deflated, inflated, padded, unpadded } from './vault.js'
import type { VaultKey } from './vault_key.js'

const HEAD = /^wanderbuch book 1 ([A-Za-z0-9_-]{43}) ([1-9][0-9]{0,8})$/
const LONGEST_HEAD = 128
const LINE_END = 10
const MOST_BYTES = 32 << 20
const PLACE = 'wanderbuch book file 1'

/** Why a file is not opened: it is none of a book ('file'), or too large, cut, for another code, changed, or of another course. */
export class BookFileError extends WalletError {
  constructor(why: 'file' | 'file_large' | 'file_cut' | 'file_code' | 'file_changed' | 'file_apart') {
    super(why, 'the file does not open the book')
  }
}

export interface BookFile extends Progress {
  readonly rows: readonly Written[]
  readonly mediator: string
}

/** A file that looks like one of a book; nothing of it is believed yet. */
export interface SealedFile {
  readonly mark: string
  readonly sealed: Uint8Array
}

export async function sealBookFile(key: VaultKey, file: BookFile): Promise<Uint8Array> {
  const content = padded(await deflated(new TextEncoder().encode(JSON.stringify(file))))
  const sealed = key.sealRevision(content, PLACE)
  return concat(new TextEncoder().encode(`wanderbuch book 1 ${markOf(key)} ${sealed.length}\n`), sealed)
}

/**
 * Read what a worker chose (2).
 *
 * @throws BookFileError it is none, or not whole
 */
export async function readBookFile(file: Blob): Promise<SealedFile> {
  if (file.size > MOST_BYTES) throw new BookFileError('file_large')
  const bytes = await file.arrayBuffer().then((buffer) => new Uint8Array(buffer), () => new Uint8Array())
  const end = bytes.subarray(0, LONGEST_HEAD).indexOf(LINE_END)
  const [, mark, length] = HEAD.exec(new TextDecoder().decode(bytes.subarray(0, Math.max(0, end)))) ?? []
  if (mark === undefined) throw new BookFileError('file')
  const sealed = bytes.subarray(end + 1)
  if (sealed.length !== Number(length)) throw new BookFileError('file_cut')
  return { mark, sealed }
}

/** @throws BookFileError it is for another code, or somebody changed it */
export async function openBookFile(key: VaultKey, { mark, sealed }: SealedFile): Promise<BookFile> {
  if (mark !== markOf(key)) throw new BookFileError('file_code')
  try {
    // Whoever can seal it has the key: it is read as it was written.
    return JSON.parse(new TextDecoder().decode(await inflated(unpadded(key.openRevision(sealed, PLACE))))) as BookFile
  } catch {
    throw new BookFileError('file_changed')
  }
}

function markOf(key: VaultKey): string {
  return key.nameOf(PLACE, '')
}
