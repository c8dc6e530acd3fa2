/**
 * HTML that cannot be injected into: a tagged template that escapes whatever it is given, except
 * what itself came from such a template.
 */

declare const brand: unique symbol

/** Text that is markup. The only way to get one is `html`. */
export interface Html {
  readonly [brand]: 'Html'
  readonly markup: string
}

type Value = string | number | Html | readonly Html[]

/** Builds markup; every value that is not markup already is escaped. */
export function html(strings: TemplateStringsArray, ...values: readonly Value[]): Html {
  const markup = strings.reduce((text, part, index) => text + render(values[index - 1]) + part)
  return { markup } as Html
}

function render(value: Value | undefined): string {
  if (value === undefined) return ''
  if (typeof value === 'string' || typeof value === 'number') return escapeHtml(String(value))
  return 'markup' in value ? value.markup : value.map((item) => item.markup).join('')
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;'
}

/** Text as it must stand between tags or in a quoted attribute. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] as string)
}
