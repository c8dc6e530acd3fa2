/** Settings that every process has, whatever its roles. */
import { resolve } from 'node:path'
import { parseChoice, parseHost, parsePort, parseSecret, parseText } from '../config/parsers.ts'
import { type ConfigOf, optional, setting } from '../config/setting.ts'
import { LOG_LEVELS } from './logger.ts'

export const processSettings = {
  dataDir: setting(
    'DATA_DIR',
    './data',
    (text) => resolve(parseText(text)),
    'Folder of all that is kept, with `tracker/`, `seeder/` and `gateway/` in it.'
  ),
  clusterSecret: optional(
    'CLUSTER_SECRET',
    parseSecret,
    'Shared by the roles of one fleet; required when they run apart.',
    { secret: true }
  ),
  adminHost: setting(
    'ADMIN_HOST',
    '127.0.0.1',
    parseHost,
    'Address of `/metrics` and `/health/*`; never public.'
  ),
  adminPort: setting(
    'ADMIN_PORT',
    '9480',
    parsePort,
    'TCP port of the above; by default 9481 for a seeder apart, 9482 for a gateway apart.'
  ),
  logLevel: setting(
    'LOG_LEVEL',
    'info',
    parseChoice(...LOG_LEVELS),
    'Least level that is logged: trace, debug, info, warn, error or silent.'
  )
}

export type ProcessConfig = ConfigOf<typeof processSettings>
