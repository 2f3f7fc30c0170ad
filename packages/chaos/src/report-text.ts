import type { Percentiles, Report } from './report.ts'

const MOST_LINES = 20

/** The report for the terminal. */
export function reportText(report: Report): string {
  const { counts, flaws, unknown, faults, failures, stops, standstills, crashes } = report
  const kinds = Object.entries(flaws) as [string, readonly string[]][]
  const found = kinds.flatMap(([kind, lines]) => [
    ...lines.slice(0, MOST_LINES).map((line) => `  ${kind}: ${line}`),
    ...(lines.length > MOST_LINES
      ? [`  ${kind}: ... and ${lines.length - MOST_LINES} more, see report.json`]
      : []),
  ])
  const lines = [
    `Seed ${report.seed}, ${report.minutes} minutes of load, ${report.tookSeconds} s in all`,
    `Again: ${report.command}`,
    '',
    `Creations asked for    ${counts.asked}, ${counts.acknowledged} acknowledged, ${counts.unacknowledged} not (${list(failures)})`,
    `                       of those ${counts.unacknowledgedSeen} existed and fired`,
    `Requests received      ${counts.requests}`,
    `Timers                 ${list(counts.status)}`,
    `Redrives               ${list(counts.redrives)}; ${counts.toldUnknown} times a client was told "unknown"`,
    ...Object.entries(counts.changes).map(([kind, answers]) => `${kind.padEnd(23)}${list(answers)}`),
    `Put by key             ${list(counts.puts)}`,
    `Idempotent creates     ${counts.sameCreates.asked} sent, ${counts.sameCreates.replayed} of them known already`,
    `By label               ${counts.sweeps.asked} asked for, ${counts.sweeps.complete} answered to the end, ${counts.sweeps.done} timers`,
    `Callbacks              ${list(counts.callbacks)}; to EVENTS_URL: ${list(counts.events)}`,
    `Silent receivers       ${counts.silent} timers; ${counts.nameless} for names without an answer (asked ${counts.namesUnanswered} times)`,
    `Unknown, and why       ${list(unknown)}`,
    `Faults                 ${list(Object.fromEntries(Object.entries(faults).map(([kind, { times }]) => [kind, times])))}${report.leftOut === 0 ? '' : `; left out ${report.leftOut}`}`,
    ...(report.unservedSeconds.length === 0
      ? []
      : [`Shards not served      ${report.unservedSeconds.join(', ')} s, by the nodes themselves`]),
    `Stops in order         ${stops.count}, ${stops.notZero} of them cut short (exit code not 0)`,
    `Machine                stood still ${standstills.times} times, ${standstills.seconds} s in all`,
    `Lateness               ${milliseconds(report.latenessMs)} (faults included)`,
    `  healthy ones beside  ${milliseconds(report.besideSilentMs)} (nothing else broken)`,
    `Answers of the API     ${milliseconds(report.answerMs)}`,
    '',
    ...found,
    ...crashes.map((line) => `  crashed: ${line}`),
    `${kinds.map(([kind, of]) => `${kind} ${of.length}`).join(', ')}, crashed ${crashes.length}`,
    report.passed ? 'PASSED' : 'FAILED',
  ]
  return `${lines.join('\n')}\n`
}

function list(counts: Readonly<Record<string, number>>): string {
  const entries = Object.entries(counts).sort(([, a], [, b]) => b - a)
  return entries.map(([what, count]) => `${what} ${count}`).join(', ') || 'none'
}

function milliseconds({ p50, p90, p99, max }: Percentiles): string {
  return `p50 ${p50} ms, p90 ${p90} ms, p99 ${p99} ms, longest ${max} ms`
}
