/**
 * Uploads: from the bytes of a request to a published torrent.
 *
 * Guarantees: what is answered as published is durable on this disk and in the catalogue; an
 * upload that is refused, cut or given up leaves nothing; the bytes of each are hashed off the
 * main thread while they are written, within a fixed amount of memory.
 * Not its job: who may upload and how the answer looks (`plugin.ts`), what becomes of content
 * that is there (`hosting/`).
 */
import { randomUUID } from 'node:crypto'
import { availableParallelism } from 'node:os'
import type { Readable } from 'node:stream'
import { AppError } from '../../core/errors.ts'
import { pieceLengthFor } from '../../core/geometry.ts'
import type { Metainfo } from '../../core/metainfo.ts'
import { buildInfo } from '../../core/metainfo-build.ts'
import { checkPublishedName } from '../../core/published-name.ts'
import type { Entry } from '../../lib/control/control.ts'
import type { Log, Service } from '../../lib/process/service.ts'
import type { DiskJobs } from '../../lib/store/disk-jobs.ts'
import type { Library } from '../../lib/store/library.ts'
import type { Staging } from '../../lib/store/staging.ts'
import type { SeederConfig } from '../config.ts'
import type { IngestMetrics } from '../metrics.ts'
import type { Publisher } from '../publisher.ts'
import { createBlockRing } from './block-ring.ts'
import type { ContentSums } from './content-hash.ts'
import { checkDigests, type ExpectedDigest } from './expected-digest.ts'
import { createHashPool, type HashJob } from './hash-pool.ts'
import { receive, tooLarge } from './receive.ts'
import { createRoom, type Reservation } from './room.ts'
import { createStagedFile } from './staged-file.ts'

export interface Upload {
  readonly name: string
  /** Bytes of the body, if the sender says so. */
  readonly length: number | undefined
  readonly body: Readable
  readonly digests: readonly ExpectedDigest[]
  /** What the sender may still publish, in bytes. */
  readonly maxBytes: number
  /** Runs once the upload is admitted, before its body is read: `100 Continue`. */
  readonly accept: () => void
}

export interface PublishOutcome {
  readonly status: 'created' | 'already-published'
  readonly entry: Entry
}

export interface Ingest extends Service {
  /**
   * Publishes one file.
   * @throws AppError NAME_NOT_ALLOWED, UPLOAD_TOO_LARGE, QUOTA_EXCEEDED, STORE_FULL before the
   *   body is read; whatever `receive` throws; DIGEST_MISMATCH; TRACKER_UNAVAILABLE.
   */
  put(upload: Upload): Promise<PublishOutcome>
}

export interface IngestDeps {
  readonly library: Pick<Library, 'stage' | 'freeBytes'>
  readonly disk: Pick<DiskJobs, 'run'>
  readonly publisher: Pick<Publisher, 'publish'>
  readonly metrics: IngestMetrics
  readonly log: Log
}

type Config = Pick<SeederConfig, 'maxUploadBytes' | 'maxUploads' | 'maxIdleMs'>

export function createIngest(config: Config, deps: IngestDeps): Ingest {
  const { library, disk, publisher, metrics, log } = deps
  const hashes = createHashPool({ workers: Math.min(4, availableParallelism()) }, { log })
  const room = createRoom(() => library.freeBytes())
  const stop = new AbortController()
  const running = new Set<Promise<unknown>>()

  async function admit(upload: Upload): Promise<PublishOutcome> {
    const name = publishedName(upload.name)
    const maxBytes = Math.min(upload.maxBytes, config.maxUploadBytes)
    if (upload.length !== undefined && upload.length > maxBytes) throw tooLarge(maxBytes)
    using reservation = await room.reserve(upload.length)
    const staging = await library.stage(randomUUID())
    try {
      const begun = performance.now()
      upload.accept()
      const sums = await take(upload, maxBytes, staging, reservation)
      checkDigests(upload.digests, sums)
      const outcome = await publish(name, sums, staging)
      metrics.seconds.observe((performance.now() - begun) / 1000)
      return outcome
    } finally {
      await staging.discard().catch((err) => log.warn({ err }, 'a staged upload was not removed'))
    }
  }

  async function take(
    upload: Upload,
    maxBytes: number,
    staging: Staging,
    reservation: Reservation
  ): Promise<Hashed> {
    const { body, length, digests } = upload
    const ring = createBlockRing(length)
    const sha512 = digests.some(({ algorithm }) => algorithm === 'sha-512')
    using hash = hashes.begin(ring.memory, { ...piecePlan(length), sha512 })
    const path = staging.filePath(0)
    const file = await createStagedFile(path, disk, stop.signal)
    try {
      const limits = { length, maxBytes, idleMs: config.maxIdleMs }
      const onBytes = (bytes: number) => metrics.bytes.inc(bytes)
      await receive(body, limits, { ring, file, hash, reservation, onBytes }, stop.signal)
      await file.settled()
    } finally {
      await file.close()
    }
    return await finishHashing(hash, path)
  }

  async function publish(name: string, sums: Hashed, staging: Staging): Promise<PublishOutcome> {
    const metainfo = metainfoOf(name, sums)
    const sha256 = Buffer.from(sums.sha256).toString('hex')
    const sidecar = { files: [{ sha256, crc32: sums.crc32 }], createdAt: Date.now() }
    const outcome = await publisher.publish(metainfo, sidecar, async () => {
      await staging.publish(metainfo, sidecar)
    })
    const { entry } = outcome
    log.info({ infoHash: entry.infoHash, size: sums.size, status: outcome.status }, 'upload done')
    return { status: outcome.status === 'created' ? 'created' : 'already-published', entry }
  }

  async function put(upload: Upload): Promise<PublishOutcome> {
    stop.signal.throwIfAborted()
    if (running.size >= config.maxUploads) {
      const detail = `this seeder takes in ${config.maxUploads} uploads at a time`
      throw new AppError('QUOTA_EXCEEDED', detail, { retryAfter: 5 })
    }
    const admitted = admit(upload)
    running.add(admitted)
    try {
      return await admitted
    } finally {
      running.delete(admitted)
    }
  }

  async function close(): Promise<void> {
    stop.abort(new AppError('SHUTTING_DOWN', 'the seeder is shutting down', { retryAfter: 5 }))
    await Promise.allSettled(running)
    await hashes.close()
  }

  return { name: 'ingest', put, close }
}

interface Hashed extends ContentSums {
  readonly pieces: Uint8Array
  readonly pieceLength: number
}

/** Of a body of unknown length the pieces are hashed on the chance that it stays small. */
function piecePlan(length: number | undefined): { pieceLength: number; piecesUpTo: number } {
  const pieceLength = pieceLengthFor(length ?? 0)
  return { pieceLength, piecesUpTo: length ?? LARGEST_SMALL_BYTES }
}

/** Up to here files have the piece length that a body of unknown length is hashed with. */
const LARGEST_SMALL_BYTES = 64 * 2 ** 20

async function finishHashing(hash: HashJob, path: string): Promise<Hashed> {
  const sums = await hash.finish()
  const pieceLength = pieceLengthFor(sums.size)
  return { ...sums, pieceLength, pieces: sums.pieces ?? (await hash.pieces(path, pieceLength)) }
}

function metainfoOf(name: string, { size, pieceLength, pieces }: Hashed): Metainfo {
  return buildInfo({ name, size, pieceLength, pieces }).metainfo
}

function publishedName(text: string): string {
  const checked = checkPublishedName(text)
  if (checked.ok) return checked.name
  const detail = `the name ${JSON.stringify(checked.segment)} is not allowed: ${checked.reason}`
  throw new AppError('NAME_NOT_ALLOWED', detail, { errors: [{ detail }] })
}
