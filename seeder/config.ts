/** Settings of the seeder. */
import { maxUploadBytes } from '../lib/api/limits.ts'
import {
  parseCount,
  parseDurationSetting,
  parseHost,
  parsePort,
  parseSizeSetting,
  parseText,
  parseUrl
} from '../lib/config/parsers.ts'
import { type ConfigOf, optional, setting } from '../lib/config/setting.ts'

export const seederSettings = {
  host: setting(
    'SEEDER_HOST',
    '127.0.0.1',
    parseHost,
    'Address the ingest of a seeder that runs apart listens on.'
  ),
  port: setting(
    'SEEDER_PORT',
    '8081',
    parsePort,
    'TCP port of the ingest of a seeder that runs apart.'
  ),
  advertiseUrl: optional(
    'SEEDER_ADVERTISE_URL',
    parseUrl,
    'Base URL by which gateways reach this ingest, when it is not the bound address.'
  ),
  capacityBytes: optional(
    'SEEDER_CAPACITY_BYTES',
    parseSizeSetting,
    'Disk that placement may fill with content; free disk less 10 % when unset.'
  ),
  zone: setting(
    'ZONE',
    'default',
    parseText,
    'Failure domain of this node, so that copies are placed in different ones.'
  ),
  maxUploadBytes,
  maxUploads: setting(
    'SEEDER_MAX_UPLOADS',
    '64',
    parseCount(1, 10_000),
    'Uploads that one seeder takes in at the same time; each uses at most 8 MiB of memory.'
  ),
  maxIdleMs: setting(
    'SEEDER_MAX_UPLOAD_IDLE',
    '60s',
    parseDurationSetting,
    'An upload that sends no byte for this long is given up.'
  )
}

export type SeederConfig = ConfigOf<typeof seederSettings>
