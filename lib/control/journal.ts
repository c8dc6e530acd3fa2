/**
 * The replica's memory on disk: one JSON document per line, appended, compacted now and then.
 *
 * Guarantees: what `readJournal` hands out is a prefix of what was appended, whatever was torn by a
 * crash; a compaction replaces the file by rename; appending never blocks and never throws. A disk
 * that refuses is logged, and the next compaction writes what it missed. Appends are not synced:
 * losing the last ones costs a few pages of the feed. The file is for its owner only: it holds the
 * keys that sign links.
 */
import { appendFile, type FileHandle, open, rename } from 'node:fs/promises'
import type { Log, Service } from '../process/service.ts'
import type { Change, Position } from './control.ts'

/** A step of the replica: changes, and where in the feed it stands after them if that moved. */
export interface JournalRecord {
  readonly position?: Position
  readonly changes: readonly Change[]
}

const OWNER_ONLY = 0o600
const HEADER = JSON.stringify({ format: 'swarmgate-replica', version: 1 })
/** Changes per line of a compacted file. */
const BATCH = 256
/** A file shorter than this is never worth compacting. */
const MIN_COMPACT_LINES = 1000
/** Lines that wait for the disk; more are dropped and caught up by a compaction. */
const MAX_PENDING = 1000

/**
 * Hands out what a journal holds up to its first unreadable line: nothing when it is absent or
 * foreign. True when the file ends as it should, so that appending to it is safe.
 */
export async function readJournal(
  file: string,
  onRecord: (record: JournalRecord) => void
): Promise<boolean> {
  const handle = await openIfThere(file)
  if (handle === undefined) return false
  try {
    // An older version left it open to others.
    await handle.chmod(OWNER_ONLY).catch(() => {})
    const whole = await endsWithNewline(handle)
    let expectHeader = true
    for await (const line of handle.readLines({ start: 0, autoClose: false })) {
      const record = expectHeader ? undefined : parseRecord(line)
      if (expectHeader ? line !== HEADER : record === undefined) return false
      if (record !== undefined && !takes(onRecord, record)) return false
      expectHeader = false
    }
    return whole && !expectHeader
  } finally {
    await handle.close()
  }
}

async function openIfThere(file: string): Promise<FileHandle | undefined> {
  try {
    return await open(file, 'r')
  } catch (err) {
    if (err instanceof Error && 'code' in err && err.code === 'ENOENT') return undefined
    throw err
  }
}

async function endsWithNewline(handle: FileHandle): Promise<boolean> {
  const { size } = await handle.stat()
  if (size === 0) return false
  const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, size - 1)
  return buffer[0] === 0x0a
}

/** A JSON object cut anywhere is not JSON, so a torn line never passes for a shorter one. */
function parseRecord(line: string): JournalRecord | undefined {
  try {
    const value: unknown = JSON.parse(line)
    return isRecord(value) ? value : undefined
  } catch {
    return undefined
  }
}

function isRecord(value: unknown): value is JournalRecord {
  if (typeof value !== 'object' || value === null) return false
  if (!('changes' in value) || !Array.isArray(value.changes)) return false
  return !('position' in value) || isPosition(value.position)
}

function isPosition(value: unknown): value is Position {
  if (typeof value !== 'object' || value === null) return false
  if (!('epoch' in value) || typeof value.epoch !== 'string') return false
  return 'revision' in value && Number.isSafeInteger(value.revision)
}

/** A line may be JSON and yet not a change of ours. */
function takes(onRecord: (record: JournalRecord) => void, record: JournalRecord): boolean {
  try {
    onRecord(record)
    return true
  } catch {
    return false
  }
}

export interface JournalDeps {
  /** The state to write when the journal is compacted; may change while it is being read. */
  readonly dump: () => Iterable<JournalRecord>
  readonly log: Log
}

export interface Journal extends Service {
  append(record: JournalRecord): void
  /** Writes the whole state anew, as soon as the disk allows. */
  compact(): void
}

/** @param intact whether the file may be appended to; otherwise it is written anew first. */
export function createJournal(file: string, intact: boolean, deps: JournalDeps): Journal {
  let pending: string[] = []
  let stale = !intact
  let lines = 0
  let limit = MIN_COMPACT_LINES
  let running: Promise<void> | undefined

  function append(record: JournalRecord): void {
    if (pending.length < MAX_PENDING) pending.push(JSON.stringify(record))
    else compact()
    wake()
  }

  function compact(): void {
    stale = true
    pending = []
    wake()
  }

  function wake(): void {
    running ??= drain().finally(() => {
      running = undefined
    })
  }

  async function drain(): Promise<void> {
    try {
      while (stale || pending.length > 0) await (stale ? rewrite() : flush())
    } catch (err) {
      stale = true
      pending = []
      deps.log.error({ err, file }, 'the replica could not be written to disk')
    }
  }

  async function flush(): Promise<void> {
    const batch = pending
    pending = []
    await appendFile(file, `${batch.join('\n')}\n`, { mode: OWNER_ONLY })
    lines += batch.length
    if (lines > limit) stale = true
  }

  async function rewrite(): Promise<void> {
    stale = false
    pending = []
    lines = await writeAnew(file, deps.dump())
    limit = MIN_COMPACT_LINES + 2 * lines
  }

  async function close(): Promise<void> {
    while (running !== undefined) await running
  }

  if (stale) wake()
  return { name: 'journal', append, compact, close }
}

/** Puts a whole journal in the place of the file, durable before it is renamed. */
async function writeAnew(file: string, records: Iterable<JournalRecord>): Promise<number> {
  const temporary = `${file}.new`
  let lines = 0
  await using handle = await open(temporary, 'w', OWNER_ONLY)
  await handle.write(`${HEADER}\n`)
  for (const record of records) {
    await handle.write(`${JSON.stringify(record)}\n`)
    lines += 1
  }
  await handle.sync()
  await rename(temporary, file)
  return lines
}

/** Cuts changes into records of a bounded size; the position stands in the last. */
export function* toRecords(
  changes: Iterable<Change>,
  position: Position | undefined
): Generator<JournalRecord, void, undefined> {
  let batch: Change[] = []
  for (const change of changes) {
    batch.push(change)
    if (batch.length < BATCH) continue
    yield { changes: batch }
    batch = []
  }
  yield { changes: batch, ...(position === undefined ? {} : { position }) }
}
