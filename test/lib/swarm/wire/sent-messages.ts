/** Reads messages of the peer wire by their names. */
const NAMES = new Map([
  [0, 'choke'],
  [1, 'unchoke'],
  [2, 'interested'],
  [3, 'notInterested'],
  [4, 'have'],
  [5, 'bitfield'],
  [6, 'request'],
  [7, 'piece'],
  [8, 'cancel'],
  [13, 'suggest'],
  [14, 'haveAll'],
  [15, 'haveNone'],
  [16, 'reject'],
  [17, 'allowedFast'],
  [20, 'extended']
])

export interface SentMessage {
  readonly name: string
  readonly body: Buffer
}

/** Whole messages only; keep-alives are left out. */
export function messagesIn(bytes: Buffer): SentMessage[] {
  const messages: SentMessage[] = []
  for (let at = 0; at + 4 <= bytes.length; ) {
    const length = bytes.readUInt32BE(at)
    const body = bytes.subarray(at + 5, at + 4 + length)
    if (length > 0) messages.push({ name: NAMES.get(bytes[at + 4] ?? -1) ?? 'unknown', body })
    at += 4 + length
  }
  return messages
}
