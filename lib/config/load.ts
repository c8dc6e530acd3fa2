/**
 * From the environment to values; the only reader of `process.env`.
 *
 * An unknown `SWARMGATE_…` variable or a bad value is a `ConfigError` of one line that names the
 * variable and, for an unknown one, the nearest known name. A variable that is set to the empty
 * text counts as unset, as `${NAME:-}` in a compose file leaves it. Values of secrets are never
 * part of a message.
 */
import { nearest } from './nearest.ts'
import type { ConfigOf, Setting, SettingGroup } from './setting.ts'

export const PREFIX = 'SWARMGATE_'

export type Environment = Readonly<Record<string, string | undefined>>
export type SettingGroups = Readonly<Record<string, SettingGroup>>
export type Configs<G extends SettingGroups> = { readonly [K in keyof G]: ConfigOf<G[K]> }

/** The start must end: `message` is the one line to print. */
export class ConfigError extends Error {
  /** The variable, with its prefix. */
  readonly variable: string

  constructor(variable: string, message: string, cause?: unknown) {
    super(`${variable} ${message}`, cause === undefined ? undefined : { cause })
    this.name = 'ConfigError'
    this.variable = variable
  }
}

/** The values of all groups. Throws `ConfigError`. */
export function loadConfig<const G extends SettingGroups>(
  groups: G,
  env: Environment = process.env
): Configs<G> {
  const settings = Object.values(groups).flatMap((group) => Object.values(group))
  refuseUnknown(new Set(settings.map(({ name }) => PREFIX + name)), env)
  const configs = Object.entries(groups).map(([key, group]) => [key, loadGroup(group, env)])
  return Object.fromEntries(configs)
}

function loadGroup(group: SettingGroup, env: Environment): Record<string, unknown> {
  const values = Object.entries(group).map(([key, item]) => [key, settingValue(item, env)])
  return Object.fromEntries(values)
}

/** The value of one setting. Throws `ConfigError`. */
export function settingValue<T>(item: Setting<T>, env: Environment = process.env): T | undefined {
  const variable = PREFIX + item.name
  const given = env[variable]
  const text = given === undefined || given === '' ? item.default : given
  if (text === null) return undefined
  try {
    return item.parse(text)
  } catch (err) {
    throw badValue(variable, text, item.secret, err)
  }
}

function badValue(variable: string, text: string, secret: boolean, cause: unknown): ConfigError {
  const expected = cause instanceof Error ? cause.message : String(cause)
  const shown = secret ? '' : `, not ${JSON.stringify(text.slice(0, 200))}`
  const hint = !secret && isServiceLink(variable, text) ? `; ${SERVICE_LINKS}` : ''
  return new ConfigError(variable, oneLine(`${expected}${shown}${hint}`), cause)
}

const SERVICE_LINKS =
  'Kubernetes sets variables of this kind for each service: ' +
  'set enableServiceLinks: false in the pod'

/** `NAME_PORT=tcp://10.0.0.1:80`, `NAME_SERVICE_HOST`, `NAME_PORT_80_TCP_ADDR` and the like. */
function isServiceLink(variable: string, text: string): boolean {
  const names = /_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_\w+)?)$/
  return /^(tcp|udp|sctp):\/\//.test(text) || names.test(variable)
}

function refuseUnknown(known: ReadonlySet<string>, env: Environment): void {
  const unknown = Object.keys(env).filter((name) => name.startsWith(PREFIX) && !known.has(name))
  const variable = unknown.toSorted()[0]
  if (variable === undefined) return
  const hint = isServiceLink(variable, env[variable] ?? '')
    ? SERVICE_LINKS
    : `the nearest known name is ${nearest(variable, known)}`
  throw new ConfigError(variable, oneLine(`is not a setting; ${hint}`))
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ')
}
