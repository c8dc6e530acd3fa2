/**
 * Our answer as strangers get to see it: with the addresses they are meant to know and no others.
 *
 * Pure. The library writes every address of the machine into an answer, three times over: as host
 * candidates, as the base of what STUN and TURN found, and in the lines `m=` and `c=`. A host
 * candidate stays only if the operator named it, or, where nothing was named, if it is public or
 * the reader is in our own network. What STUN and TURN servers found stays: they were configured.
 */
import { isIP } from 'node:net'
import { isPrivateAddress } from '../address.ts'

export interface TellableAddresses {
  /** Literals named by the operator; empty when none was. */
  readonly named: readonly string[]
  /** The reader is in our own network. */
  readonly near: boolean
}

/** @param sdp written by our own library */
export function answerText(sdp: string, tellable: TellableAddresses): string {
  const lines = sdp
    .split(/\r?\n/)
    .filter((line) => line !== '' && (!line.startsWith('a=candidate:') || mayTell(line, tellable)))
    .map(withoutBase)
  return `${lines.join('\r\n')}\r\n`
}

function mayTell(line: string, { named, near }: TellableAddresses): boolean {
  const [, host = '', , , type] = line.split(' ').slice(3)
  if (type !== 'host') return true
  if (isIP(host) === 0) return false
  if (named.length > 0) return named.includes(host)
  return near || !isPrivateAddress(host)
}

function withoutBase(line: string): string {
  return line
    .replace(/^m=application \d+/, 'm=application 9')
    .replace(/^c=IN .*/, 'c=IN IP4 0.0.0.0')
    .replace(/ raddr \S+ rport \d+/, ' raddr 0.0.0.0 rport 0')
}
