/**
 * A setting as data: name, default, parser, one sentence.
 *
 * Each role declares its own in `<role>/config.ts`. What the process reads at start, what `config`
 * prints and what docs/configuration.md says all come from these declarations. A parser says what
 * it expects ("must be …") and never repeats the text it was given, which may be a secret.
 */

export interface Setting<T> {
  /** Without the prefix `SWARMGATE_`. */
  readonly name: string
  /** The text that is parsed when the variable is unset; null for none. */
  readonly default: string | null
  /** The value of a text, or an `Error` whose message says what was expected. */
  readonly parse: (text: string) => T
  /** One sentence for people. */
  readonly about: string
  /** The value is never printed. */
  readonly secret: boolean
}

/** The settings of one part of the program, by the name the code uses. */
export type SettingGroup = Readonly<Record<string, Setting<unknown>>>

/** The values of a group. */
export type ConfigOf<G extends SettingGroup> = {
  readonly [K in keyof G]: G[K] extends Setting<infer T> ? T : never
}

/** A setting that always has a value. The default is text too and goes through the same parser. */
export function setting<T>(
  name: string,
  default_: string,
  parse: (text: string) => T,
  about: string
): Setting<T> {
  return { name, default: default_, parse, about, secret: false }
}

/** A setting that is `undefined` unless given. */
export function optional<T>(
  name: string,
  parse: (text: string) => T,
  about: string,
  { secret = false }: { readonly secret?: boolean } = {}
): Setting<T | undefined> {
  return { name, default: null, parse, about, secret }
}

/** The same setting with another default, for a role that runs apart. */
export function withDefault<T>(base: Setting<T>, text: string): Setting<T> {
  return { ...base, default: text }
}
