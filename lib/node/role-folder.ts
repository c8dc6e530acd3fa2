/** Where a process keeps what belongs to a role: the same folders in one process or three. */
import { join } from 'node:path'
import type { Role } from '../control/control.ts'

export function roleFolder(dataDir: string, role: Role | 'tracker'): string {
  return join(dataDir, role)
}
