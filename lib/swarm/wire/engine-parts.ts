/** What all torrents of one engine share. */
import type { Descriptors } from '../../store/descriptors.ts'
import type { DiskJobs } from '../../store/disk-jobs.ts'
import type { EngineConfig, EngineEvent } from '../contract.ts'
import type { BufferPool } from './buffer-pool.ts'
import type { Connections } from './connections.ts'
import type { RateLimit } from './rate-limit.ts'
import type { TcpDialler } from './tcp-stream.ts'
import type { Uploads } from './uploads.ts'

export interface EngineParts {
  readonly config: EngineConfig
  readonly tcp: TcpDialler
  readonly connections: Connections
  readonly uploads: Uploads
  readonly pool: BufferPool
  readonly descriptors: Descriptors
  readonly jobs: DiskJobs
  readonly download: RateLimit
  readonly post: (event: EngineEvent) => void
  /** A number no connection of this thread had before, above 0. */
  readonly nextSerial: () => number
  /** The port we listen on. */
  readonly port: () => number
}
