import type { Test } from 'tap'

/**
 * A folder for one test, removed after its teardowns. tap removes what `t.testdir` made before them
 * unless a teardown was registered first, and then a service that flushes on close finds no folder,
 * or tap finds one that is not empty.
 */
export function testFolder(
  t: Pick<Test, 'teardown' | 'testdir'>,
  ...content: Parameters<Test['testdir']>
): string {
  t.teardown(() => {})
  return t.testdir(...content)
}
