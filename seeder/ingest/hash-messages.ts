/**
 * What the main thread and a hash worker say to each other: structured-clonable, no callbacks.
 *
 * A worker serves several uploads, each a *job* with a number. Each command but `begin` and
 * `forget` is answered once, and the answers of a job come in the order of its commands.
 */
import type { ContentSums, HashPlan } from './content-hash.ts'

export type HashCommand =
  | {
      readonly type: 'begin'
      readonly job: number
      readonly memory: SharedArrayBuffer
      readonly plan: HashPlan
    }
  /** The bytes `[start, end)` of the job's memory come next. */
  | { readonly type: 'update'; readonly job: number; readonly start: number; readonly end: number }
  | { readonly type: 'finish'; readonly job: number }
  /** Hash the pieces of a file on the disk. */
  | {
      readonly type: 'pieces'
      readonly job: number
      readonly path: string
      readonly pieceLength: number
    }
  | { readonly type: 'forget'; readonly job: number }

export type HashAnswer =
  | { readonly type: 'updated'; readonly job: number }
  | { readonly type: 'sums'; readonly job: number; readonly sums: ContentSums }
  | { readonly type: 'pieces'; readonly job: number; readonly pieces: Uint8Array }
  | { readonly type: 'failed'; readonly job: number; readonly message: string }
