/** The proof that a caller of the control interface belongs to the fleet. */
import { createHash, timingSafeEqual } from 'node:crypto'
import { AppError } from '../core/errors.ts'

/**
 * A check of `Authorization: Bearer …` that takes the same time whatever is wrong with it.
 * @throws AppError KEY_REQUIRED when the secret is missing or another.
 */
export function createSecretCheck(secret: string): (authorization: string | undefined) => void {
  const expected = digest(secret)
  return (authorization) => {
    const given = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1]
    const equal = timingSafeEqual(digest(given ?? ''), expected)
    if (given === undefined || !equal) {
      throw new AppError('KEY_REQUIRED', 'The control interface needs the cluster secret.')
    }
  }
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
