/**
 * The hot path of a publish: `curl -T` of one large file, verified and durable, beside a plain
 * write of the same bytes with one `fdatasync` at its end.
 */
import { randomBytes } from 'node:crypto'
import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Figure } from './figure.ts'
import { withOwner } from './owner.ts'
import { largeBytes, ROUNDS, sizeText } from './scale.ts'
import { startFleet, startOneProcess, timedPublish } from './swarmgate.ts'

const SIZE = largeBytes(2 ** 29)
const BLOCK = 2 ** 20

export async function benchPublish(): Promise<Figure[]> {
  return withOwner(async (owner) => {
    const one = await startOneProcess(owner)
    const apart = await (await startFleet(owner)).gateway(owner)
    const folder = await owner.folder()
    const plain: number[] = []
    const inOne: number[] = []
    const forwarded: number[] = []
    for (let round = 0; round < ROUNDS; round++) {
      const file = await freshFile(folder, round)
      plain.push(file.rate)
      inOne.push(await timedPublish(one, file.path, `file-${round}.bin`))
      forwarded.push(await timedPublish(apart, file.path, `file-${round}.bin`))
      await rm(file.path)
    }
    return [
      { name: NAME, subject: 'plain write and fdatasync', unit: 'MB/s', samples: plain },
      { name: NAME, subject: 'Swarmgate, one process', unit: 'MB/s', samples: inOne },
      {
        name: NAME,
        subject: 'Swarmgate, through a gateway apart',
        unit: 'MB/s',
        samples: forwarded
      }
    ]
  })
}

const NAME = `Publish ${sizeText(SIZE)} by curl -T, durable`

/** Writes new bytes, so that nothing is known already; the time of that is the plain figure. */
async function freshFile(folder: string, round: number): Promise<{ path: string; rate: number }> {
  const path = join(folder, `plain-${round}.bin`)
  const block = randomBytes(BLOCK)
  const began = performance.now()
  const file = await open(path, 'w')
  for (let written = 0; written < SIZE; written += BLOCK) {
    block.writeDoubleLE(round * SIZE + written, 0)
    await file.write(block)
  }
  await file.datasync()
  await file.close()
  return { path, rate: SIZE / 1e3 / (performance.now() - began) }
}
