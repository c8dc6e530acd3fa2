/** A soak of the wire engine. */
import { soakSuite } from '../storm-soak.ts'

await soakSuite('wire')
