import t from 'tap'
import { AppError } from '../../../core/errors.ts'
import { readError, systemCode, writeError } from '../../../lib/store/store-error.ts'
import { systemError } from '../../fakes/recording-disk.ts'

t.test('bytes that are gone are a short read, anything else a failure', (t) => {
  for (const [code, meaning] of [
    ['ENOENT', 'STORE_SHORT_READ'],
    ['EIO', 'STORE_SHORT_READ'],
    ['EMFILE', 'STORE_FAILED']
  ] as const) {
    t.equal(readError('a file', systemError(code)).code, meaning)
  }
  const known = new AppError('STORE_SHORT_READ', 'known')
  t.equal(readError('a file', known), known)
  t.end()
})

t.test('errors of the system keep their cause and get one meaning', (t) => {
  for (const [code, meaning] of [
    ['ENOSPC', 'STORE_FULL'],
    ['EDQUOT', 'STORE_FULL'],
    ['EIO', 'STORE_FAILED']
  ] as const) {
    const cause = systemError(code)
    const error = writeError('a file', cause)
    t.equal(error.code, meaning)
    t.equal(error.cause, cause)
    t.equal(writeError('again', error), error)
  }
  t.equal(systemCode('text'), undefined)
  t.equal(systemCode(new Error('plain')), undefined)
  t.end()
})
