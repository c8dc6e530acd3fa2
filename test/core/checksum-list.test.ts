import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { type ChecksumLine, formatChecksumLine } from '../../core/checksum-list.ts'
import { segmentName } from '../../core/segment-name.ts'
import { testFolder } from '../fakes/test-folder.ts'

const digest = 'ab'.repeat(32)
const raw = (path: string) => listOf([{ digest, path }])

function listOf(lines: readonly ChecksumLine[]): Buffer {
  return Buffer.concat(lines.map(formatChecksumLine))
}

t.test('a line is the digest, two spaces and the name as its bytes', async (t) => {
  t.equal(raw('a folder/ü.bin').toString(), `${digest}  a folder/ü.bin\n`)
  const bytes = Buffer.from([0x66, 0xff, 0x6f])
  t.same(raw(segmentName(bytes)), Buffer.concat([Buffer.from(`${digest}  `), bytes, Buffer.of(10)]))
  t.same(listOf([]), Buffer.alloc(0))
})

t.test('a backslash and line ends are escaped, and the line says so', async (t) => {
  t.equal(raw('a\\b').toString(), `\\${digest}  a\\\\b\n`)
  t.equal(raw('a\nb\rc').toString(), `\\${digest}  a\\nb\\rc\n`)
})

t.test('a file named like standard input is a file', async (t) => {
  t.equal(raw('-').toString(), `${digest}  ./-\n`)
})

const sha256sum = spawnSync('sha256sum', ['--version']).status === 0
const skip = sha256sum ? {} : { skip: 'sha256sum is not installed' }

t.test('sha256sum -c takes it, whatever the names', skip, async (t) => {
  const folder = testFolder(t)
  const names = ['plain', '*star', ' space', '-', 'a\\b', 'a\nb', 'a\\nb', '\\', '#x', 'ü', '%41']
  const lines = [...names.map((name) => Buffer.from(name)), Buffer.from([0x66, 0xff, 0x6f])]
  const list = lines.map((name) => {
    writeFileSync(Buffer.concat([Buffer.from(`${folder}/`), name]), name)
    return { digest: createHash('sha256').update(name).digest('hex'), path: segmentName(name) }
  })
  const { status, stdout, stderr } = spawnSync('sha256sum', ['-c', '--strict'], {
    cwd: folder,
    input: listOf(list)
  })
  t.equal(status, 0, `${stderr}`)
  t.equal(stdout.toString().match(/: OK$/gm)?.length, lines.length)

  writeFileSync(join(folder, 'plain'), 'changed')
  const again = spawnSync('sha256sum', ['-c'], { cwd: folder, input: listOf(list) })
  t.equal(again.status, 1, 'and finds what is not right')
})
