/**
 * What goes over the wire of `/control/v1`, as schemas: the tracker validates requests with them,
 * the client validates answers. The values are those of `lib/control/control.ts`.
 */
import Type from 'typebox'
import type { InfoHash } from '../../core/info-hash.ts'

/** Infohashes in one report; a node that holds more than this is beyond what one call carries. */
export const MAX_REPORTED = 500_000
/** Longest info dictionary that is taken, in bytes. */
export const MAX_INFO_BYTES = 32 * 2 ** 20

const Size = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })
const Revision = Size
const nullable = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Null()])

export const InfoHashText = Type.Unsafe<InfoHash>(Type.String({ pattern: '^[0-9a-f]{40}$' }))
export const NodeIdText = Type.String({ pattern: '^[0-9a-f]{32}$' })

export const EntryFileSchema = Type.Object({
  index: Type.Integer({ minimum: 0 }),
  path: Type.String(),
  size: Size,
  sha256: nullable(Type.String({ pattern: '^[0-9a-f]{64}$' })),
  crc32: nullable(Type.Integer({ minimum: 0, maximum: 0xffffffff }))
})

const described = {
  infoHash: InfoHashText,
  name: Type.String({ minLength: 1 }),
  single: Type.Boolean(),
  size: Size,
  files: Type.Array(EntryFileSchema)
}
const Copies = Type.Integer({ minimum: 1, maximum: 1000 })

export const EntryDraftSchema = Type.Object({ ...described, replicas: nullable(Copies) })

export const EntrySchema = Type.Object({
  ...described,
  replicas: Copies,
  revision: Revision,
  state: Type.Union([Type.Literal('published'), Type.Literal('unpublished')]),
  createdAt: Size
})

const registration = {
  roles: Type.Array(Type.Union([Type.Literal('seeder'), Type.Literal('gateway')]), {
    maxItems: 2
  }),
  wire: Type.Array(Type.String({ maxLength: 300 }), { maxItems: 256 }),
  ingestUrl: nullable(Type.String({ maxLength: 2000 })),
  zone: Type.String({ maxLength: 200 }),
  capacityBytes: Size,
  freeBytes: Size,
  draining: Type.Boolean(),
  wantsKey: Type.Boolean()
}

export const NodeRegistrationSchema = Type.Object({ id: NodeIdText, ...registration })

export const NodeStateSchema = Type.Object({
  id: NodeIdText,
  ...registration,
  revision: Revision,
  live: Type.Boolean()
})

export const ApiKeySchema = Type.Object({
  id: Type.String(),
  hash: Type.String({ pattern: '^[0-9a-f]{64}$' }),
  scopes: Type.Array(
    Type.Union([Type.Literal('publish'), Type.Literal('read'), Type.Literal('admin')])
  ),
  revoked: Type.Boolean(),
  revision: Revision
})

export const SigningKeySchema = Type.Object({
  id: Type.String({ pattern: '^[A-Za-z0-9_-]{1,32}$' }),
  secret: Type.String({ minLength: 16, maxLength: 200 }),
  revision: Revision
})

export const HoldingSchema = Type.Object({
  infoHash: InfoHashText,
  nodeId: NodeIdText,
  held: Type.Boolean(),
  revision: Revision
})

export const ChangeSchema = Type.Union([
  Type.Object({ type: Type.Literal('entry'), entry: EntrySchema }),
  Type.Object({ type: Type.Literal('node'), node: NodeStateSchema }),
  Type.Object({ type: Type.Literal('holding'), holding: HoldingSchema }),
  Type.Object({ type: Type.Literal('key'), key: ApiKeySchema }),
  Type.Object({ type: Type.Literal('signing-key'), signingKey: SigningKeySchema })
])

export const PositionSchema = Type.Object({ epoch: Type.String(), revision: Revision })

export const ChangesAnswer = Type.Object({
  kind: Type.Literal('changes'),
  position: PositionSchema,
  changes: Type.Array(ChangeSchema)
})

export const SnapshotAnswer = Type.Object({
  position: PositionSchema,
  changes: Type.Array(ChangeSchema),
  next: nullable(Type.String())
})

/** `info`: the info dictionary exactly as hashed, in base64. */
export const CommitRequest = Type.Object({
  draft: EntryDraftSchema,
  info: Type.String({ maxLength: Math.ceil(MAX_INFO_BYTES / 3) * 4 }),
  nodeId: NodeIdText,
  keepTombstone: Type.Boolean()
})

export const CommitAnswer = Type.Object({
  status: Type.Union([Type.Literal('created'), Type.Literal('known')]),
  entry: EntrySchema
})

export const ListAnswer = Type.Object({
  items: Type.Array(EntrySchema),
  nextCursor: nullable(Type.String())
})

export const LeaseAnswer = Type.Object({
  leaseMs: Type.Integer({ minimum: 1 }),
  registerAgain: Type.Boolean()
})

export const NodeReportRequest = Type.Object({ freeBytes: Size, draining: Type.Boolean() })

export const HoldingsRequest = Type.Object({
  replace: Type.Boolean(),
  held: Type.Array(InfoHashText, { maxItems: MAX_REPORTED }),
  dropped: Type.Array(InfoHashText, { maxItems: MAX_REPORTED })
})

export const AssignmentsAnswer = Type.Object({ items: Type.Array(InfoHashText) })

/** `after` is `EPOCH.REVISION`, `wait` milliseconds. */
export const ChangesQuery = Type.Object({
  after: Type.String({ pattern: '^[0-9a-z]{0,64}\\.[0-9]{1,15}$' }),
  wait: Type.Optional(Type.Integer({ minimum: 0, maximum: 30_000 }))
})
