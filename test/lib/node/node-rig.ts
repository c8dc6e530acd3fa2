/** A node with a real library and a real cache; swarm, fleet and announcer are the test's. */

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Test } from 'tap'
import type { Control } from '../../../lib/control/control.ts'
import { createNode } from '../../../lib/node/node.ts'
import { openCache } from '../../../lib/store/cache.ts'
import { createDescriptors } from '../../../lib/store/descriptors.ts'
import type { DiskSpace } from '../../../lib/store/disk-space.ts'
import { type Library, openLibrary } from '../../../lib/store/library.ts'
import { memoryFleet, SELF } from '../../fakes/memory-fleet.ts'
import { recordingAnnouncer } from '../../fakes/recording-announcer.ts'
import { recordingSwarm } from '../../fakes/recording-swarm.ts'
import type { SampleTorrent } from '../../fakes/sample-torrent.ts'
import { silentLog as log } from '../../fakes/silent-log.ts'
import { testFolder } from '../../fakes/test-folder.ts'

export interface RigOptions {
  readonly folder?: string
  readonly limitBytes?: number
  /** Without one the node is a gateway's, without a cache a seeder's. */
  readonly library?: false
  readonly cache?: false
  /** Of the library's volume; endless by default. */
  readonly space?: DiskSpace
}

export async function openRig(t: Test, options: RigOptions = {}) {
  const folder = options.folder ?? testFolder(t)
  const descriptors = createDescriptors({ max: 64 })
  const swarm = recordingSwarm()
  const fleet = memoryFleet()
  const announcer = recordingAnnouncer()
  const library =
    options.library === false
      ? undefined
      : await openLibrary({ folder: join(folder, 'seeder') }, { descriptors, log })
  const limitBytes = options.limitBytes ?? 2 ** 30
  const cache =
    options.cache === false
      ? undefined
      : await openCache(
          { folder: join(folder, 'gateway'), limitBytes },
          { descriptors, log, evict: async () => {} }
        )
  const control: Pick<Control, 'metainfo' | 'report' | 'register' | 'heartbeat'> = fleet
  const node = createNode({
    id: SELF,
    roles: ['seeder', 'gateway'],
    library,
    cache,
    space: options.space,
    swarm,
    announcer,
    replica: fleet,
    control: control as Control,
    log
  })

  async function close(): Promise<void> {
    await node.close()
    await cache?.close()
    await library?.close()
    await descriptors.close()
  }
  t.teardown(close)
  return { folder, descriptors, swarm, fleet, announcer, library, cache, node, close }
}

export type Rig = Awaited<ReturnType<typeof openRig>>

/** Puts a torrent into the library in full, as an upload does. */
export async function store(library: Library | undefined, sample: SampleTorrent): Promise<void> {
  if (library === undefined) throw new Error('the rig has no library')
  const staging = await library.stage(sample.metainfo.infoHash)
  for (const { index, offset, size } of sample.metainfo.files) {
    await writeFile(staging.filePath(index), sample.bytes.subarray(offset, offset + size))
  }
  const files = sample.metainfo.files.map(() => ({ sha256: null, crc32: null }))
  await staging.publish(sample.metainfo, { files, createdAt: 1 })
}

/** Resolves as soon as `condition` holds; looked at after every turn of the loop. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(setImmediate)
}

/** A few turns of the loop: enough for everything that needs no disk. */
export async function turns(count = 5): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise(setImmediate)
}
