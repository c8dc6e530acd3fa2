/**
 * What the tree promises (DESIGN "Folders", STYLE "Budgets"), as functions over source texts.
 *
 * Imports are found with regular expressions over code without comments; that is enough, because
 * the formatter leaves one way to write an import. Each check returns its violations as lines.
 */
import { basename } from 'node:path'

export interface Source {
  /** From the top of the repository, with `/`. */
  readonly path: string
  readonly text: string
}

export interface Import {
  readonly specifier: string
  /** `import type`: gone when the program runs. */
  readonly typeOnly: boolean
}

export const MAX_LINES = 300
export const PRODUCT = ['core', 'lib', 'tracker', 'seeder', 'gateway'] as const

/** What a layer may import besides itself. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  core: [],
  lib: ['core'],
  tracker: ['core', 'lib'],
  seeder: ['core', 'lib'],
  gateway: ['core', 'lib'],
  'main.ts': ['core', 'lib', 'tracker', 'seeder', 'gateway']
}

/** Built-ins that neither read nor write anything outside the process. */
const PURE_BUILTINS = ['node:buffer', 'node:crypto', 'node:util', 'node:zlib']

/** Where a library is at home. Types may be imported everywhere unless `strict`. */
const HOMES: readonly { library: RegExp; homes: readonly string[]; strict?: boolean }[] = [
  {
    library: /^(webtorrent|bittorrent-protocol|ut_\w+)(\/|$)/,
    homes: ['lib/swarm/webtorrent/'],
    strict: true
  },
  { library: /^bittorrent-tracker(\/|$)/, homes: ['tracker/announce/'], strict: true },
  { library: /^kysely$/, homes: ['tracker/catalogue/'], strict: true },
  {
    library: /^node:sqlite$/,
    homes: ['tracker/catalogue/', 'lib/process/lock-file.ts'],
    strict: true
  },
  { library: /^bittorrent-dht$/, homes: ['lib/swarm/dht.ts'], strict: true },
  { library: /^node-datachannel$/, homes: ['lib/swarm/webrtc/'], strict: true },
  { library: /^@prometheus-io\/client$/, homes: ['lib/metrics/'] },
  { library: /^(pino|pino-pretty|close-with-grace)$/, homes: ['lib/process/'] },
  { library: /^fastify$/, homes: ['lib/http/'] }
]

/** Packages that must be the very copy another one uses, so that other one declares them. */
const PARTS: Readonly<Record<string, string>> = {
  'bittorrent-protocol': 'webtorrent',
  ws: 'bittorrent-tracker'
}

/** The one reader of the environment, and the one that must set a variable before anything runs. */
const ENVIRONMENT_HOMES = ['lib/config/', 'lib/process/thread-pool.ts']

const STRING_OR_COMMENT =
  /('(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`)|\/\/[^\n]*|\/\*[\s\S]*?\*\//g

/** The code without comments; strings stay. */
export function withoutComments(text: string): string {
  return text.replace(STRING_OR_COMMENT, (_, string) => string ?? ' ')
}

/** The code without comments and with empty strings. */
export function withoutStrings(text: string): string {
  return text.replace(STRING_OR_COMMENT, (_, string) => (string === undefined ? ' ' : "''"))
}

/** Every module that a source names, in order: static, for effect, dynamic, required, or a worker's URL. */
export function importsOf(text: string): Import[] {
  const code = withoutComments(text)
  const from = /^\s*(?:import|export)\s+(type\s+)?[\w*{][^'"`;]*?\sfrom\s+['"]([^'"]+)['"]/gm
  const others = /(?:^\s*import\s+|\bimport\(\s*|\brequire\(\s*|\bnew URL\(\s*)['"]([^'"]+)['"]/gm
  const named = [...code.matchAll(from)].map((match) => ({
    at: match.index,
    specifier: match[2] as string,
    typeOnly: match[1] !== undefined
  }))
  const bare = [...code.matchAll(others)].map((match) => ({
    at: match.index,
    specifier: match[1] as string,
    typeOnly: false
  }))
  return [...named, ...bare.filter(({ specifier }) => !/^https?:/.test(specifier))].toSorted(
    (a, b) => a.at - b.at
  )
}

function layerOf(path: string): string {
  return path.split('/', 1)[0] as string
}

/** The path that a relative specifier means; undefined for a package or built-in. */
function targetOf(from: string, specifier: string): string | undefined {
  if (!specifier.startsWith('.')) return undefined
  return new URL(specifier, `file:///${from}`).pathname.slice(1)
}

/** core <- lib <- roles <- main.ts; nothing upwards or sideways, nothing out of the product. */
export function wrongDirections({ path, text }: Source): string[] {
  const layer = layerOf(path)
  const allowed = [layer, ...(MAY_IMPORT[layer] ?? [])]
  return importsOf(text).flatMap(({ specifier }) => {
    const target = targetOf(path, specifier)
    if (target === undefined || allowed.includes(layerOf(target))) return []
    return [`${path} imports ${target}`]
  })
}

/** core has no I/O, no clock, no chance and no packages. */
export function impurities({ path, text }: Source): string[] {
  if (layerOf(path) !== 'core') return []
  const foreign = importsOf(text)
    .filter(({ specifier }) => !specifier.startsWith('.') && !PURE_BUILTINS.includes(specifier))
    .map(({ specifier }) => `${path} imports ${specifier}`)
  const effects =
    /\b(process\.\w+|Date\.now|new Date\(\)|performance\.now|setTimeout|setInterval|setImmediate|fetch\(|Math\.random|random(Bytes|UUID|Int))/g
  const used = [...withoutStrings(text).matchAll(effects)].map(
    (match) => `${path} uses ${match[0]}`
  )
  return [...foreign, ...used]
}

/** Libraries are imported in their homes only, and each is declared in package.json. */
export function strayLibraries({ path, text }: Source, declared: readonly string[]): string[] {
  return importsOf(text).flatMap(({ specifier, typeOnly }) => {
    if (specifier.startsWith('.')) return []
    const rule = HOMES.find(({ library }) => library.test(specifier))
    const atHome = rule?.homes.some((home) => path.startsWith(home)) ?? true
    const stray = !atHome && (rule?.strict === true || !typeOnly)
    const name = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')
    const undeclared = !specifier.startsWith('node:') && !declared.includes(PARTS[name] ?? name)
    return [
      ...(stray ? [`${path} imports ${specifier}, at home in ${rule?.homes.join(', ')}`] : []),
      ...(undeclared ? [`${path} imports ${specifier}, which package.json does not declare`] : [])
    ]
  })
}

export function strayEnvironment({ path, text }: Source): string[] {
  const allowed = ENVIRONMENT_HOMES.some((home) => path.startsWith(home))
  return !allowed && /\bprocess\s*(\?\.|\.)\s*env\b/.test(withoutStrings(text))
    ? [`${path} reads process.env`]
    : []
}

export function tooLong({ path, text }: Source): string[] {
  const lines = text.replace(/\n$/, '').split('\n').length
  return lines > MAX_LINES ? [`${path} has ${lines} lines`] : []
}

/** Types that lie, and work put off. Hand-written declarations of packages are exempt. */
export function forbiddenWords({ path, text }: Source): string[] {
  if (path.endsWith('.d.ts')) return []
  const inText = /@ts-(ignore|nocheck|expect-error)|\bTODO\b|\bFIXME\b/g
  const inCode = /\bas\s+unknown\s+as\b|(?::|<|\||&|,|=>|=|\bas|\bextends)\s*any\b(?!\s*[\w(:.])/g
  const found = [...text.matchAll(inText), ...withoutStrings(text).matchAll(inCode)]
  return found.map((match) => `${path} says ${match[0].replace(/\s+/g, ' ')}`)
}

export function namelessFiles({ path }: Source): string[] {
  const names = path.split('/').map((part) => basename(part).replace(/\.\w+$/, ''))
  const nameless = names.find((name) => /^(utils?|helpers?|common|types?|misc|shared)$/i.test(name))
  return nameless === undefined ? [] : [`${path}: ${nameless} names no thing`]
}

/** Left-overs in tests. */
export function testLeftovers({ path, text }: Source): string[] {
  const found = withoutStrings(text).matchAll(/\.only\(|\.todo\(|\bskip:\s*true\b/g)
  return [...found].map((match) => `${path} says ${match[0]}`)
}
