/**
 * The denylist of a gateway: a file (`deny-rules.ts` has its lines), read again when it changes.
 *
 * Guarantees: a list that cannot be read at the start stops the start; later the last good one
 * stays in force, also when the file is gone. A broken line is logged with its number and costs
 * only itself. Looked at every second through its name, so that a replacement by rename and a
 * mounted folder that is exchanged under it are both seen. What runs is told when it gets denied.
 */
import { type FileHandle, open, stat } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { AppError } from '../../core/errors.ts'
import type { InfoHash } from '../../core/info-hash.ts'
import type { Log, Service } from '../../lib/process/service.ts'
import { createDenyRules, type DenyRules, type Verdict } from './deny-rules.ts'

const MAX_BYTES = 64 * 2 ** 20
const LOOK_MS = 1000
/** Broken lines logged each; of the rest only the number. */
const MAX_LOGGED = 20

/** Tells a running response that it has been denied; disposed of when the response ends. */
export interface DenyWatch extends Disposable {
  /** Aborted with the AppError that a new request would be answered with. */
  readonly signal: AbortSignal
}

export interface Denylist extends Service {
  /** @param segments the torrent's name, then the path in it; without: the torrent as a whole */
  verdict(infoHash: InfoHash, segments?: readonly string[]): Verdict | undefined
  /** Some files or folders of the torrent may be denied. */
  hasPaths(infoHash: InfoHash): boolean
  /** What a request for it is refused with. */
  objection(infoHash: InfoHash, segments?: readonly string[]): AppError | undefined
  /** Throws CONTENT_DENIED or CONTENT_DENIED_LEGAL. */
  check(infoHash: InfoHash, segments?: readonly string[]): void
  /** Aborted from the start when it is denied already. */
  watch(infoHash: InfoHash, segments?: readonly string[]): DenyWatch
  /** Told after each reading of the file but the first. */
  onChange(listener: () => void): () => void
}

interface Watched {
  readonly infoHash: InfoHash
  readonly segments: readonly string[] | undefined
  readonly abort: AbortController
}

/** Denies nothing: what a gateway without a list has. */
export const EMPTY_DENYLIST: Denylist = {
  name: 'denylist',
  verdict: () => undefined,
  hasPaths: () => false,
  objection: () => undefined,
  check() {},
  watch: () => ({ signal: new AbortController().signal, [Symbol.dispose]() {} }),
  onChange: () => () => {},
  close: async () => {}
}

/** Rejects when the file cannot be read or is too large. */
export async function openDenylist(
  file: string,
  { log, lookMs = LOOK_MS }: { readonly log: Log; readonly lookMs?: number }
): Promise<Denylist> {
  const stop = new AbortController()
  const watched = new Set<Watched>()
  const listeners = new Set<() => void>()
  let { rules, version } = await readRules(file, log).catch((err) => {
    throw new Error(`the denylist ${file} cannot be read: ${err.message}`, { cause: err })
  })
  let failing = false
  const running = loop()

  async function loop(): Promise<void> {
    while (!stop.signal.aborted) {
      await delay(lookMs, undefined, { signal: stop.signal }).catch(() => {})
      if (!stop.signal.aborted) await look()
    }
  }

  async function look(): Promise<void> {
    try {
      const now = await versionOf(file)
      failing &&= now !== version
      if (now === version) return
      const read = await readRules(file, log)
      rules = read.rules
      version = read.version
      failing = false
    } catch (err) {
      if (!failing) log.error({ err, file }, 'the denylist cannot be read: the last one stays')
      failing = true
      return
    }
    tell()
  }

  function tell(): void {
    for (const { infoHash, segments, abort } of watched) {
      const reason = objection(infoHash, segments)
      if (reason !== undefined) abort.abort(reason)
    }
    for (const listener of listeners) {
      try {
        listener()
      } catch (err) {
        log.error({ err }, 'a listener of the denylist failed')
      }
    }
  }

  function objection(infoHash: InfoHash, segments?: readonly string[]): AppError | undefined {
    const verdict = rules.verdict(infoHash, segments)
    return verdict && denial(infoHash, verdict)
  }

  function check(infoHash: InfoHash, segments?: readonly string[]): void {
    const reason = objection(infoHash, segments)
    if (reason !== undefined) throw reason
  }

  function watch(infoHash: InfoHash, segments?: readonly string[]): DenyWatch {
    const abort = new AbortController()
    const entry: Watched = { infoHash, segments, abort }
    const reason = objection(infoHash, segments)
    if (reason !== undefined) abort.abort(reason)
    else watched.add(entry)
    return { signal: abort.signal, [Symbol.dispose]: () => void watched.delete(entry) }
  }

  return {
    name: 'denylist',
    verdict: (infoHash, segments) => rules.verdict(infoHash, segments),
    hasPaths: (infoHash) => rules.hasPaths(infoHash),
    objection,
    check,
    watch,
    onChange(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    async close() {
      stop.abort()
      await running
    }
  }
}

function denial(infoHash: InfoHash, verdict: Verdict): AppError {
  return verdict === 451
    ? new AppError('CONTENT_DENIED_LEGAL', `${infoHash} may not be served here.`)
    : new AppError('CONTENT_DENIED', `${infoHash} is not served here.`)
}

/** The version is taken before the content, so that what changes meanwhile is read once more. */
async function readRules(
  file: string,
  log: Log
): Promise<{ readonly rules: DenyRules; readonly version: string }> {
  const version = await versionOf(file)
  await using handle = await open(file, 'r')
  const { size } = await handle.stat()
  if (size > MAX_BYTES) throw new Error(`it is larger than ${MAX_BYTES} bytes`)
  const { rules, broken } = await readLines(handle, file, log)
  log.info({ file, rules: rules.size, broken }, 'read the denylist')
  return { rules, version }
}

async function readLines(handle: FileHandle, file: string, log: Log) {
  const rules = createDenyRules()
  let number = 0
  let broken = 0
  const lines = handle.readLines({ start: 0, end: MAX_BYTES, autoClose: false })
  for await (const line of lines) {
    number++
    const refusal = rules.add(line)
    if (refusal === undefined) continue
    broken++
    if (broken <= MAX_LOGGED) log.warn({ file, line: number, refusal }, 'broken line of a denylist')
  }
  return { rules, broken }
}

async function versionOf(file: string): Promise<string> {
  const { dev, ino, size, mtimeNs, ctimeNs } = await stat(file, { bigint: true })
  return [dev, ino, size, mtimeNs, ctimeNs].join(' ')
}
