/**
 * STUN and TURN servers as an operator writes them.
 *
 *     stun:host[:port]
 *     turn:user:password@host[:port][?transport=udp|tcp]      turns: over TLS
 */
const PATTERN =
  /^(stun|turns?):(?:[^\s:@]+:[^\s@]+@)?(?:[\w.-]+|\[[\da-f:.]+\])(?::(\d{1,5}))?(\?transport=(?:udp|tcp))?$/i

/** The text as the library takes it. Throws an `Error` that says what it must be. */
export function parseIceServer(text: string): string {
  const match = PATTERN.exec(text)
  const port = match?.[2] === undefined ? 3478 : Number(match[2])
  if (match === null || port < 1 || port > 65_535) {
    throw new Error('must be stun:host:port or turn:user:password@host:port')
  }
  return text
}
