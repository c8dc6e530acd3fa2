import t, { type Test } from 'tap'
import { reserveOf, type VolumeStats, watchDiskSpace } from '../../../lib/store/disk-space.ts'
import { silentLog } from '../../fakes/silent-log.ts'

const MiB = 2 ** 20
const BLOCK = 4096

/** A volume of 1000 MiB, so that 50 MiB are its reserve, with as much free as the test says. */
async function watch(t: Test, freeMiB: number, everyMs = 1) {
  const volume = { freeMiB, fails: false, looks: 0 }
  const space = await watchDiskSpace(
    { folder: '/volume', everyMs },
    {
      log: silentLog,
      async measure(): Promise<VolumeStats> {
        volume.looks++
        if (volume.fails) throw new Error('the test says so')
        const blocksPerMiB = MiB / BLOCK
        return {
          bsize: BLOCK,
          blocks: 1000 * blocksPerMiB,
          bavail: volume.freeMiB * blocksPerMiB
        }
      }
    }
  )
  t.teardown(() => space.close())
  return { space, volume }
}

t.test('the reserve is a twentieth of a small volume and a gigabyte of a big one', async (t) => {
  t.equal(reserveOf(1000 * MiB), 50 * MiB)
  t.equal(reserveOf(2 ** 42), 2 ** 30)
})

t.test('the room is known from the first moment and without the reserve', async (t) => {
  const { space } = await watch(t, 80)
  t.equal(space.roomBytes, 30 * MiB)
  t.notOk(space.short)
})

t.test('what touches the reserve is short until a good part is free again', async (t) => {
  const { space, volume } = await watch(t, 51)
  volume.freeMiB = 49
  t.equal(await space.look(), -1 * MiB)
  t.ok(space.short)
  volume.freeMiB = 60
  await space.look()
  t.ok(space.short, 'a little relief would be used up at once')
  volume.freeMiB = 63
  await space.look()
  t.notOk(space.short)
})

t.test('it looks by itself, and says so', async (t) => {
  const { space, volume } = await watch(t, 80)
  const seen = Promise.withResolvers<void>()
  const stop = space.onLook(() => {
    if (space.short) seen.resolve()
  })
  volume.freeMiB = 10
  await seen.promise
  stop()
  await space.close()
  const { looks } = volume
  await new Promise(setImmediate)
  t.equal(volume.looks, looks, 'nobody looks after it is closed')
})

t.test('a system that cannot say leaves the last word standing', async (t) => {
  const { space, volume } = await watch(t, 49)
  volume.fails = true
  await space.look()
  t.ok(space.short)
})

t.test('where the system never says, the disk itself decides', async (t) => {
  const space = await watchDiskSpace({ folder: '/nowhere/at/all' }, { log: silentLog })
  t.equal(space.roomBytes, Infinity)
  t.notOk(space.short)
  await space.close()
})
