import type { JudgedTimer } from './judged-timer.ts'

/** All that is known of a timer, for who has to find out what went wrong. */
export function history({
  creation,
  asked,
  seen,
  view,
  redrives,
  changes,
  sweeps,
  tellings,
  callbacks,
}: JudgedTimer): string {
  const due = creation.acknowledged?.dueAt ?? (view && Date.parse(view.due_at))
  const parts: [string, readonly string[]][] = [
    [
      'asked',
      asked.map(({ askedAt, onConflict, acknowledged, failure }) =>
        words(clock(askedAt), onConflict, acknowledged?.id ?? failure, acknowledged?.met && 'met'),
      ),
    ],
    ['due', [due === undefined ? '?' : clock(due), ...(view ? [clock(Date.parse(view.due_at))] : [])]],
    [
      'changes',
      changes.map(({ kind, askedAt, answeredAt, answer, code, version, told }) =>
        words(
          kind,
          clock(askedAt),
          clock(answeredAt),
          answer,
          code,
          version && `v${version}`,
          told?.dueAt && `due ${clock(told.dueAt)}`,
        ),
      ),
    ],
    [
      'sweeps',
      sweeps.map(({ kind, askedAt, answeredAt, answer, complete }) =>
        words(kind, clock(askedAt), clock(answeredAt), answer, complete && 'complete'),
      ),
    ],
    [
      'seen',
      seen.map((one) =>
        words(
          clock(one.receivedAt),
          one.answer ?? 'unread',
          one.versions && `v${one.versions}`,
          !one.answeredAt && 'unanswered',
        ),
      ),
    ],
    ['status', [String(view?.status)]],
    ['attempts', view?.attempt_log.map((one) => words(clock(Date.parse(one.at)), one.outcome)) ?? []],
    [
      'redrives',
      redrives.map(({ askedAt, answer, idempotencyKey }) => words(clock(askedAt), answer, idempotencyKey)),
    ],
    ['told', tellings.map(({ answeredAt, status }) => words(clock(answeredAt), status))],
    [
      'callbacks',
      callbacks.map(({ receivedAt, event, webhookId }) => words(clock(receivedAt), event, webhookId)),
    ],
  ]
  const told = parts.filter(([name, list]) => list.length > 0 || name === 'seen')
  return `[${told.map(([name, list]) => `${name} ${list.join(', ') || 'never'}`).join('; ')}]`
}

function words(...parts: (string | number | false | undefined)[]): string {
  return parts.filter((part) => part !== undefined && part !== false).join(' ')
}

function clock(at: number): string {
  return Number.isFinite(at) ? new Date(at).toISOString().slice(11, 23) : '?'
}
