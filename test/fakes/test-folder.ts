import type { Test } from 'tap'

/**
 * A folder for one test, removed after its teardowns. tap removes what `t.testdir` made before them
 * unless a teardown was registered first, and then a service that flushes on close finds no folder.
 */
export function testFolder(t: Test): string {
  t.teardown(() => {})
  return t.testdir()
}
