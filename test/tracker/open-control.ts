/** A control interface over a real catalogue in a folder of the test's, and a clock by hand. */

import type { Control } from '../../lib/control/control.ts'
import { type Catalogue, createCatalogue } from '../../tracker/catalogue/catalogue.ts'
import { openSqlite } from '../../tracker/catalogue/open-sqlite.ts'
import { createControl } from '../../tracker/control.ts'
import { silentLog } from '../fakes/silent-log.ts'
import { testFolder } from '../fakes/test-folder.ts'

export interface Owner {
  testdir(): string
  teardown(close: () => unknown): void
}

export interface ControlFixture {
  readonly control: Control
  /** Keys that were shown to the operator. */
  readonly shownKeys: readonly string[]
  /** Lets time pass and leases run out. */
  pass(ms: number): Promise<void>
}

export interface OpenControl extends ControlFixture {
  readonly catalogue: Catalogue
}

export const LEASE_MS = 10_000
export const PAGE_SIZE = 4

export async function openControl(t: Owner, folder = testFolder(t)): Promise<OpenControl> {
  let time = 1_700_000_000_000
  const shownKeys: string[] = []
  const db = await openSqlite(folder, silentLog)
  const catalogue = createCatalogue({ replicas: 2 }, { db, log: silentLog })
  const control = createControl(
    { leaseMs: LEASE_MS, pageSize: PAGE_SIZE },
    { catalogue, now: () => time, announceKey: (key) => shownKeys.push(key) }
  )
  t.teardown(async () => {
    await control.close()
    await catalogue.close()
  })
  return {
    control,
    catalogue,
    shownKeys,
    async pass(ms) {
      time += ms
      await catalogue.expire(time)
    }
  }
}
