/**
 * The outcome of judging bytes from outside. Other people's mistakes are values of this type, never exceptions;
 * `code` is the field's own reject reason (Core's spelling, such as `bad-txns-vin-empty`).
 *
 * @example
 * const parsed = parseTransaction(bytes)
 * if (!parsed.ok) return parsed
 * use(parsed.value)
 */
export type Verdict<T = void> = Accepted<T> | Rejected

export interface Accepted<T> {
  readonly ok: true
  readonly value: T
}

export interface Rejected {
  readonly ok: false
  readonly code: string
  /** Free text for logs and people; never needed to tell two rejections apart. */
  readonly detail?: string
}

const ACCEPTED_VOID: Accepted<void> = { ok: true, value: undefined }

/** Accepts, with the value that was established (nothing, for a plain check). */
export function accept(): Accepted<void>
export function accept<T>(value: T): Accepted<T>
export function accept<T>(value?: T): Accepted<T> | Accepted<void> {
  return value === undefined ? ACCEPTED_VOID : { ok: true, value }
}

/** Rejects with a reason code and, where it helps a person, a detail. */
export function reject(code: string, detail?: string): Rejected {
  return detail === undefined ? { ok: false, code } : { ok: false, code, detail }
}
