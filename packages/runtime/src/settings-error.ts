/** What is wrong with the settings, in words for who has written them. */
export class SettingsError extends Error {
  /** One line a variable at fault: its name and what to write. Never the value, which may be a secret. */
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(`wrong settings:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`)
    this.name = 'SettingsError'
    this.problems = problems
  }
}
