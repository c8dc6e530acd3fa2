/**
 * Settings that both ends of an upload keep to: the gateway refuses early, the seeder while the
 * bytes arrive. One declaration, so that they have one name, one default and one sentence.
 */
import { parseSizeSetting } from '../config/parsers.ts'
import { setting } from '../config/setting.ts'

export const maxUploadBytes = setting(
  'MAX_UPLOAD_BYTES',
  '1TiB',
  parseSizeSetting,
  'Size of the largest upload that is taken.'
)
