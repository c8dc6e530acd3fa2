/** A disk that writes down what is asked of it, in order, and fails or waits where it is told to. */
import { basename, dirname } from 'node:path'
import type { DurableDisk } from '../../lib/store/durable-disk.ts'

export type DiskStep = 'syncData' | 'writeSynced' | 'rename' | 'syncFolder'

export interface RecordingDisk extends DurableDisk {
  /** `step name`, names relative to the folder of the torrent. */
  readonly steps: string[]
  /** Runs before each step; what it throws is what the step fails with. */
  before: (step: DiskStep, path: string) => void | Promise<void>
}

export function recordingDisk(disk: DurableDisk): RecordingDisk {
  const steps: string[] = []
  const recorder: RecordingDisk = {
    steps,
    before: () => {},
    async syncData(path) {
      await note('syncData', path)
      await disk.syncData(path)
    },
    async writeSynced(path, bytes) {
      await note('writeSynced', path)
      await disk.writeSynced(path, bytes)
    },
    async rename(from, to) {
      await note('rename', from)
      await disk.rename(from, to)
    },
    async syncFolder(path) {
      await note('syncFolder', path)
      await disk.syncFolder(path)
    }
  }

  async function note(step: DiskStep, path: string): Promise<void> {
    const parent = basename(dirname(path))
    steps.push(`${step} ${step === 'syncData' ? `${parent}/` : ''}${basename(path)}`)
    await recorder.before(step, path)
  }

  return recorder
}

/** The error the system gives for `code`. */
export function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: as the test wants it`), { code })
}
