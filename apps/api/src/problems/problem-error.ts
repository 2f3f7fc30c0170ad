import type { Problem } from './problem.ts'

/** A problem that is found where only an error can be handed on, such as in a body parser. */
export class ProblemError extends Error {
  readonly problem: Problem

  constructor(problem: Problem) {
    super(problem.detail)
    this.name = 'ProblemError'
    this.problem = problem
  }
}
