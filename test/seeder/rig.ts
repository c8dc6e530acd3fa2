/** An ingest over real HTTP and a real library, with a catalogue in memory. */
import { createHash } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { type IncomingMessage, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { Test } from 'tap'
import type { Admission } from '../../lib/api/admission.ts'
import { toTorrentObject } from '../../lib/api/torrent.ts'
import { closeHttpApp, createHttpApp } from '../../lib/http/app.ts'
import { createMetrics } from '../../lib/metrics/metrics.ts'
import { createDescriptors } from '../../lib/store/descriptors.ts'
import { createDiskJobs } from '../../lib/store/disk-jobs.ts'
import { type Library, openLibrary } from '../../lib/store/library.ts'
import { createIngest, type Ingest, type PublishOutcome } from '../../seeder/ingest/ingest.ts'
import { ingestRoutes } from '../../seeder/ingest/routes.ts'
import { createIngestMetrics } from '../../seeder/metrics.ts'
import { createPublisher } from '../../seeder/publisher.ts'
import { silentLog } from '../fakes/silent-log.ts'
import { testFolder } from '../fakes/test-folder.ts'
import { memoryCatalogue, recordingNode } from './catalogue.ts'

export const log = silentLog

export interface RigOptions {
  readonly maxUploadBytes?: number
  readonly maxUploads?: number
  readonly maxIdleMs?: number
  readonly admitted?: Partial<Admission>
  readonly freeBytes?: () => Promise<number>
  readonly folder?: string
}

type Closing = Pick<Test, 'teardown' | 'testdir'>

export async function openTestLibrary(t: Closing, folder = testFolder(t)): Promise<Library> {
  const descriptors = createDescriptors({ max: 32 })
  const library = await openLibrary({ folder }, { descriptors, log })
  t.teardown(async () => {
    await library.close()
    await descriptors.close()
  })
  return library
}

export async function openRig(t: Closing, options: RigOptions = {}) {
  const folder = options.folder ?? testFolder(t)
  const opened = await openTestLibrary(t, folder)
  const library = { ...opened, freeBytes: options.freeBytes ?? opened.freeBytes }
  const catalogue = memoryCatalogue()
  const node = recordingNode((infoHash) => library.remove(infoHash))
  const metrics = createMetrics()
  const deps = { library, node, replica: catalogue, control: catalogue, log }
  const publisher = createPublisher({ ...deps, onUnanswered: () => {} })
  const ingest = createIngest(
    {
      maxUploadBytes: options.maxUploadBytes ?? 2 ** 40,
      maxUploads: options.maxUploads ?? 16,
      maxIdleMs: options.maxIdleMs ?? 60_000
    },
    { library, disk: createDiskJobs(), publisher, metrics: createIngestMetrics(metrics), log }
  )
  const uploads: Promise<PublishOutcome>[] = []
  const noted: Pick<Ingest, 'put'> = {
    put: (upload) => {
      const outcome = ingest.put(upload)
      uploads.push(outcome)
      return outcome
    }
  }
  const app = createHttpApp({ log })
  const routes = ingestRoutes({
    ingest: noted,
    present: (entry, { baseUrl }) =>
      toTorrentObject(entry, { baseUrl, announceUrls: [], holders: [], liveSeeders: 1 })
  })
  const admission = {
    principal: 'tester',
    maxBytes: 2 ** 40,
    baseUrl: 'http://gateway.test',
    ...options.admitted
  }
  app.register(async (scope) => routes(scope, async () => admission))
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as AddressInfo
  t.teardown(async () => {
    await closeHttpApp(app, 0)
    await ingest.close()
    await publisher.close()
  })
  const url = `http://127.0.0.1:${port}`
  return { ...deps, uploads, folder, catalogue, metrics, publisher, ingest, url, port }
}

/** Resolves with the answer's head: for requests whose body the test sends bit by bit. */
export function openUpload(url: string, headers: Record<string, string | number>) {
  const upload = request(url, { method: 'PUT', headers, agent: false })
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    upload.once('response', resolve).on('error', reject)
  })
  answered.catch(() => {})
  return { upload, answered }
}

/** Names of what lies in the seeder's folders. */
export async function leftovers(folder: string): Promise<{ staged: string[]; stored: string[] }> {
  const list = (name: string) => readdir(join(folder, name)).catch(() => [])
  return { staged: await list('staging'), stored: await list('library') }
}

/** The infohash of a file by BEP 3, spelled out: independent of the code under test. */
export function expectedInfoHash(name: string, bytes: Buffer, pieceLength = 262_144): string {
  const sha1 = (data: Buffer) => createHash('sha1').update(data)
  const pieces: Buffer[] = []
  for (let at = 0; at < bytes.byteLength; at += pieceLength) {
    pieces.push(sha1(bytes.subarray(at, at + pieceLength)).digest())
  }
  const head = `d6:lengthi${bytes.byteLength}e4:name${Buffer.byteLength(name)}:${name}`
  const middle = `12:piece lengthi${pieceLength}e6:pieces${pieces.length * 20}:`
  const info = Buffer.concat([Buffer.from(head + middle), ...pieces, Buffer.from('e')])
  return sha1(info).digest('hex')
}

/** Reproducible bytes that no two pieces share. */
export function someBytes(length: number, seed = 1): Buffer {
  const bytes = Buffer.alloc(length)
  let state = seed
  for (let at = 0; at + 4 <= length; at += 4) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    bytes.writeUInt32LE(state, at)
  }
  return bytes
}

export function sha256(bytes: Buffer, encoding: 'hex' | 'base64' = 'hex'): string {
  return createHash('sha256').update(bytes).digest(encoding)
}
