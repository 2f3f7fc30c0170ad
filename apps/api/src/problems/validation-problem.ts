import type { TObject, TSchema } from '@sinclair/typebox'
import type { FastifySchemaValidationError } from 'fastify'
import { type FieldError, type Problem, problem } from './problem.ts'

/** More than this many errors help nobody. */
const MAX_ERRORS = 20
const MAX_NAME_LENGTH = 64

/**
 * Turns what the schema validator found into one problem: which fields, and what would be right.
 *
 * Names of unknown fields are the client's own words and are cut short; values are never quoted, because a URL may hold
 * secrets. Every property of `schema` must tell by its `wording` what it may be.
 */
export function validationProblem(
  validation: readonly FastifySchemaValidationError[],
  schema: TObject,
): Problem {
  const errors = validation.map((error) => fieldError(error, schema)).filter((error) => error !== undefined)
  const unique = [...new Map(errors.map((error) => [`${error.field}\n${error.message}`, error])).values()]
  const shown = unique.slice(0, MAX_ERRORS)
  return problem('INVALID_BODY', shown.map((error) => error.message).join('; '), shown)
}

/** Undefined for what is said by another error already. */
function fieldError(error: FastifySchemaValidationError, schema: TObject): FieldError | undefined {
  const names = Object.keys(schema.properties)
  switch (error.keyword) {
    case 'additionalProperties': {
      const name = shortName(String(error.params.additionalProperty))
      return { field: name, message: `${name} is not a field of a timer; allowed are ${listed(names)}` }
    }
    case 'required': {
      // Of the alternatives in `anyOf` the error of `anyOf` itself speaks.
      if (error.schemaPath.includes('/anyOf/')) return undefined
      const name = String(error.params.missingProperty)
      return { field: name, message: `${name} is required and must be ${wordingOf(schema.properties[name])}` }
    }
    case 'anyOf':
      return { field: 'seconds', message: 'give at least one of hours, minutes and seconds' }
    default: {
      const name = error.instancePath.split('/')[1]
      if (name === undefined) return { field: 'body', message: `the body must be ${wordingOf(schema)}` }
      return { field: name, message: `${name} must be ${wordingOf(schema.properties[name])}` }
    }
  }
}

function wordingOf(schema: TSchema | undefined): string {
  return schema?.wording ?? 'something else'
}

/** A client's own word, as long as an answer may show it. */
export function shortName(name: string): string {
  return name.length > MAX_NAME_LENGTH ? `${name.slice(0, MAX_NAME_LENGTH)}...` : name
}

/** `a, b and c` */
function listed(names: readonly string[]): string {
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`
}
