/**
 * What a failing disk means to the rest of the program: the one translation of system errors.
 *
 * No room (ENOSPC, EDQUOT) is `STORE_FULL`; bytes that should be there and are not (ENOENT, EIO on
 * a read) are `STORE_SHORT_READ`, which heals by fetching again; anything else is `STORE_FAILED`.
 */
import { AppError } from '../../core/errors.ts'

/** The system's error code, `ENOENT` and the like; undefined for other errors. */
export function systemCode(err: unknown): string | undefined {
  if (!(err instanceof Error) || !('code' in err)) return undefined
  return typeof err.code === 'string' ? err.code : undefined
}

/** The error of a read of content bytes; an `AppError` stays what it is. */
export function readError(what: string, err: unknown): AppError {
  if (err instanceof AppError) return err
  const code = systemCode(err)
  if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EIO') {
    return new AppError('STORE_SHORT_READ', `${what} cannot be read`, { cause: err })
  }
  return new AppError('STORE_FAILED', `${what} cannot be read`, { cause: err })
}

/** The error of a write; an `AppError` stays what it is. */
export function writeError(what: string, err: unknown): AppError {
  if (err instanceof AppError) return err
  const code = systemCode(err)
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new AppError('STORE_FULL', 'the disk is full', { cause: err })
  }
  return new AppError('STORE_FAILED', `${what} cannot be written`, { cause: err })
}
